"""Word pieces -> words."""

# Shape suffixes: B = reports, T = word pieces, K = word slots, E = width of hidden states

import torch
from torch import Tensor


def pool_words(
    hidden_BTE: Tensor,
    word_of_piece_BT: Tensor,
    is_piece_BT: Tensor,
    *,
    num_slots: int,
) -> Tensor:
    """Add up the hidden states of each word's pieces: (B, num_slots, E).

    The definition:

        for b in range(B):
            for t in range(T):
                if is_piece[b][t]:
                    word[b][word_of_piece[b][t]] += hidden[b][t]

    Slots without a piece are zero. Pieces of a slot from `num_slots` on have no place and
    are left out.

    Args:
        hidden_BTE: Hidden states.
        word_of_piece_BT: int64 word slot of each piece; 0 is [CLS].
        is_piece_BT: bool; False is padding, which adds nothing.
        num_slots: Slots of the result, that of [CLS] included.
    """
    slot_K = torch.arange(num_slots, device=word_of_piece_BT.device)
    is_of_word_BKT = word_of_piece_BT[:, None, :] == slot_K[:, None]
    is_of_word_BKT &= is_piece_BT[:, None, :]
    return is_of_word_BKT.to(hidden_BTE.dtype) @ hidden_BTE
