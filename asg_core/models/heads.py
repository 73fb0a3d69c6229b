"""The projections into the joint space, with statistics that padding does not enter."""

# Shape suffixes: B = images, N = rows of an image, R = rows that take part,
#   ... = any leading dimensions, E = width of features, D = embedding width

from torch import Tensor, nn
from torch.nn import functional


class ProjectionHead(nn.Module):
    """Linear, BatchNorm, ReLU, Linear, BatchNorm without scale and shift."""

    def __init__(self, in_width: int, hidden_width: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(in_width, hidden_width)
        self.hidden_norm = RowNorm(hidden_width)
        self.out = nn.Linear(hidden_width, width)
        self.out_norm = RowNorm(width, affine=False)

    def forward(self, feature: Tensor, is_row: Tensor | None = None) -> Tensor:
        """Project rows (..., E) -> (..., D), in 32 bit; not scaled to unit length.

        Args:
            feature: Features; all rows of all leading dimensions share the statistics.
            is_row: bool (...); False is padding: it does not enter the statistics and its
                result is zero. None: every row takes part.
        """
        if is_row is None:
            rows_RD = self._project(feature.flatten(0, -2))
            return rows_RD.reshape(*feature.shape[:-1], rows_RD.shape[-1])
        rows_RD = self._project(feature[is_row])
        projected = rows_RD.new_zeros((*is_row.shape, rows_RD.shape[-1]))
        projected[is_row] = rows_RD
        return projected

    def _project(self, rows_RE: Tensor) -> Tensor:
        hidden_RE = self.hidden_norm(self.hidden(rows_RE)).relu()
        projected_RD: Tensor = self.out_norm(self.out(hidden_RE).float())
        return projected_RD


class RowNorm(nn.BatchNorm1d):
    """BatchNorm over rows that, in training too, takes fewer than two of them.

    The variance of one row says nothing, so fewer than two are scaled by the running
    statistics, which then stay as they are.
    """

    def __init__(self, width: int, *, affine: bool = True) -> None:
        super().__init__(width, affine=affine)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise rows (R, E)."""
        if len(input) > 1:
            return super().forward(input)
        return functional.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=False,
            eps=self.eps,
        )
