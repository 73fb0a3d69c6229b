"""A transformer decoder that asks the patches of an image about each tag."""

# Shape suffixes:
#   B = images, F = findings that are asked for, P = patches
#   E = width of the queries, I = width of the patches

from contextlib import AbstractContextManager, nullcontext

from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

_INITIAL_STD = 0.02


class TagDecoder(nn.Module):
    """Pre-norm layers: queries attend to each other, then to the patches.

    Patches enter as they are: neither normed again nor with positions. The answer is one
    linear layer that all tags share.
    """

    def __init__(
        self,
        *,
        query_width: int,
        patch_width: int,
        num_layers: int,
        num_heads: int,
        feedforward_width: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if query_width % num_heads:
            raise ValueError(
                "model.tag_decoder.heads: expected a divisor of the width of the text "
                f"encoder ({query_width}), found {num_heads}"
            )
        self.layers = nn.ModuleList(
            _DecoderLayer(
                query_width=query_width,
                patch_width=patch_width,
                num_heads=num_heads,
                feedforward_width=feedforward_width,
                dropout=dropout,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(query_width)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(query_width, 1)
        self.apply(_start_small)

    def forward(self, queries_FE: Tensor, patches_BPI: Tensor) -> Tensor:
        """Answer every query about every image: logits (B, F).

        The queries see each other, so an answer depends on what else is asked.
        """
        hidden_BFE = queries_FE.expand(len(patches_BPI), -1, -1)
        with _attention_kernel(patches_BPI):
            for layer in self.layers:
                hidden_BFE = layer(hidden_BFE, patches_BPI)
        logit_BF1: Tensor = self.answer(self.dropout(self.norm(hidden_BFE)))
        return logit_BF1[..., 0]


class _DecoderLayer(nn.Module):
    def __init__(
        self,
        *,
        query_width: int,
        patch_width: int,
        num_heads: int,
        feedforward_width: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.self_norm = nn.LayerNorm(query_width)
        self.self_attention = nn.MultiheadAttention(
            query_width, num_heads, dropout=dropout, batch_first=True
        )
        self.cross_norm = nn.LayerNorm(query_width)
        self.cross_attention = nn.MultiheadAttention(
            query_width,
            num_heads,
            dropout=dropout,
            kdim=patch_width,
            vdim=patch_width,
            batch_first=True,
        )
        self.feedforward_norm = nn.LayerNorm(query_width)
        self.feedforward = nn.Sequential(
            nn.Linear(query_width, feedforward_width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(feedforward_width, query_width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden_BFE: Tensor, patches_BPI: Tensor) -> Tensor:
        normed_BFE = self.self_norm(hidden_BFE)
        attended_BFE, _ = self.self_attention(
            normed_BFE, normed_BFE, normed_BFE, need_weights=False
        )
        hidden_BFE = hidden_BFE + self.dropout(attended_BFE)
        attended_BFE, _ = self.cross_attention(
            self.cross_norm(hidden_BFE), patches_BPI, patches_BPI, need_weights=False
        )
        hidden_BFE = hidden_BFE + self.dropout(attended_BFE)
        fed_BFE = self.feedforward(self.feedforward_norm(hidden_BFE))
        asked_BFE: Tensor = hidden_BFE + self.dropout(fed_BFE)
        return asked_BFE


def _attention_kernel(patches_BPI: Tensor) -> AbstractContextManager[object]:
    """Return the context of the attention: on a CPU plain products.

    There the fused kernel took 3 times as long, both ways in 16 bit, for 40 queries and
    64 patches.
    """
    if patches_BPI.device.type == "cpu":
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()


def _start_small(module: nn.Module) -> None:
    """Draw the weights of linear and attention layers with standard deviation 0.02."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=_INITIAL_STD)
    if isinstance(module, nn.MultiheadAttention):
        for name, weight in module.named_parameters(recurse=False):
            if name.endswith("weight"):
                nn.init.normal_(weight, std=_INITIAL_STD)
