"""The protocol `segmentation-cached`: a small decoder on frozen patch features."""

from pydantic import Field, model_validator

from asg_core.settings import Settings


class SegmentationConfig(Settings):
    """How the decoder is built and trained. The encoder is not touched."""

    hidden_width: int = Field(default=64, ge=1)
    """Channels between the two convolutions."""

    size: int = Field(default=112, ge=8)
    """Cells of the masks, each way, over what the encoder sees: the same for every
    encoder. A cell is inside where more than half of its area is."""

    steps: int = Field(default=200, ge=1)
    """Optimizer steps, whatever the number of images."""

    batch_size: int = Field(default=16, ge=1)
    """Images per step."""

    learning_rate: float = Field(default=3e-3, gt=0)
    """Peak rate of AdamW; it rises over the first tenth of the steps and falls as a
    cosine."""

    weight_decay: float = Field(default=1e-4, ge=0)
    """Decoupled weight decay."""

    dice_weight: float = Field(default=1.0, ge=0)
    """Weight of the soft Dice loss of a batch beside the binary cross-entropy."""

    negatives: float | None = Field(default=1.0, ge=0)
    """Training images without a mask per image with one, drawn from the fraction; null
    takes all of the fraction."""

    thresholds: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    """Probabilities above which a pixel may count as inside. The best on the validation
    part is taken, by the mean Dice of the images with a mask."""

    @model_validator(mode="after")
    def _check_thresholds(self) -> "SegmentationConfig":
        values = self.thresholds
        if not values or list(values) != sorted(set(values)):
            raise ValueError(
                f"thresholds: expected ascending numbers, each once, found {values}"
            )
        if values[0] <= 0 or values[-1] >= 1:
            raise ValueError(
                f"thresholds: expected numbers between 0 and 1, found {values}"
            )
        return self
