"""The two encoders, the heads and the tag decoder of a pre-training run."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from asg_core.settings import Settings

BIO_CLINICAL_BERT = "emilyalsentzer/Bio_ClinicalBERT"
"""The paper's text encoder, by its name on the model hub."""


class ImageEncoderConfig(Settings):
    """An image encoder of timm: any with a grid of patch features."""

    name: str = "deit_base_patch16_224.fb_in1k"
    """Name of the architecture in timm, with or without a tag of pre-trained weights."""

    options: dict[str, Any] = {}
    """Further arguments of `timm.create_model`, such as {output_stride: 16}."""

    pretrained: bool = False
    """Whether timm fetches the weights that belong to `name` (from its hub or cache)."""

    weights: Path | None = None
    """File with weights for `name` (.safetensors, or what `torch.load` accepts without
    executing code: a state dictionary, or a checkpoint that holds one beside other
    things); null: `pretrained` decides."""

    prefix: str | None = Field(default=None, min_length=1)
    """What stands before the names of the encoder's tensors in `weights`, such as
    img_encoder_q.model. (the dictionaries that they lie in may be left out); null: it is
    looked for, and asked for where several encoders fit."""

    size: int = Field(default=224, ge=16)
    """Side of the square that the encoder sees, in pixels."""

    channels: Literal[1, 3] = 3
    """Input channels: 3 repeats the grey values, as pre-trained weights expect."""

    mean: tuple[float, ...] | None = None
    """Mean that is subtracted from grey values in 0 .. 1, one or one per channel; null
    takes what timm says of `name`."""

    std: tuple[float, ...] | None = None
    """Standard deviation to divide by; as `mean`."""

    @property
    def has_weights(self) -> bool:
        """Whether the encoder starts from other weights than random ones."""
        return self.pretrained or self.weights is not None

    @property
    def architecture(self) -> "ImageEncoderConfig":
        """The same encoder without any weights."""
        return self.model_copy(
            update={"pretrained": False, "weights": None, "prefix": None}
        )

    @model_validator(mode="after")
    def _check_weights(self) -> "ImageEncoderConfig":
        if self.pretrained and self.weights is not None:
            raise ValueError(
                f"weights is '{self.weights}' while pretrained is true: name one source "
                "of weights; set pretrained to false or weights to null"
            )
        if self.prefix is not None and self.weights is None:
            raise ValueError(
                f"prefix is '{self.prefix}' while weights names no file: it tells where "
                "in weights the encoder is; name the file or set prefix to null"
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) not in (1, self.channels):
                raise ValueError(
                    f"{name}: expected 1 or {self.channels} numbers, one per channel, "
                    f"found {len(values)}"
                )
        if self.std is not None and min(self.std) <= 0:
            raise ValueError(f"std: expected numbers greater than 0, found {self.std}")
        return self


class ScratchTextConfig(Settings):
    """A small BERT that starts from random weights, with a tokenizer of the corpus."""

    width: int = Field(default=128, ge=8)
    """Width of the hidden states."""

    layers: int = Field(default=2, ge=1)
    """Transformer layers."""

    heads: int = Field(default=4, ge=1)
    """Attention heads; they divide `width`."""

    vocabulary: int = Field(default=4000, ge=100)
    """Most pieces of the tokenizer that is trained on the corpus."""

    @model_validator(mode="after")
    def _check_heads(self) -> "ScratchTextConfig":
        if self.width % self.heads:
            raise ValueError(
                f"heads: expected a divisor of width ({self.width}), found {self.heads}"
            )
        return self


class TextEncoderConfig(Settings):
    """A BERT of transformers: by name, from a folder, or small and from scratch."""

    name: str | None = BIO_CLINICAL_BERT
    """Name on the model hub or path of a local folder, with its tokenizer; null builds
    `scratch`."""

    scratch: ScratchTextConfig = ScratchTextConfig()
    """What is built when `name` is null."""

    lower_case: bool | None = None
    """Whether the tokenizer of `name` lower-cases. Null leaves it to the tokenizer's own
    configuration, and refuses to lower-case a vocabulary that has capitals unasked; of
    emilyalsentzer/Bio_ClinicalBERT, whose vocabulary has, null is true, as published code
    of this field reads it."""

    max_unknown_share: float = Field(default=0.05, ge=0, le=1)
    """Share of the words of the reports that the tokenizer may not know ([UNK]) before
    the job stops."""

    num_layers: int | None = Field(default=None, ge=1)
    """How many layers are kept, from the first; null keeps all."""

    max_pieces: int = Field(default=112, ge=8)
    """Word pieces of a report that are read, [CLS] and [SEP] included."""

    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Dropout of hidden states and attention while training; null keeps what the
    encoder's own configuration says, 0 trains without."""

    chunks: int = Field(default=4, ge=1)
    """Parts of a batch, sorted by length, that the encoder reads one after the other,
    each padded to its own longest report: the same result with less padding."""

    @property
    def is_lower_case(self) -> bool | None:
        """`lower_case` with what null means of the encoder of the paper."""
        if self.lower_case is None and self.name == BIO_CLINICAL_BERT:
            return True
        return self.lower_case

    @model_validator(mode="after")
    def _check_case(self) -> "TextEncoderConfig":
        if self.name is None and self.lower_case is not None:
            raise ValueError(
                f"lower_case is {str(self.lower_case).lower()} while name is null: the "
                "tokenizer that is trained on the corpus always lower-cases; set "
                "lower_case to null or name an encoder"
            )
        return self


class HeadsConfig(Settings):
    """The projections into the joint space, one pair for images and one for reports."""

    hidden_width: int = Field(default=2048, ge=1)
    """Units of the hidden layer."""

    width: int = Field(default=128, ge=1)
    """Width of the joint space."""

    normalise_units: bool = False
    """Whether region and sentence vectors are scaled to unit length after pooling. The
    paper pools unit vectors and leaves the means as they are."""


class TagDecoderConfig(Settings):
    """The transformer decoder that asks the patches about each tag."""

    layers: int = Field(default=4, ge=1)
    """Decoder layers."""

    heads: int = Field(default=4, ge=1)
    """Attention heads; they divide the width of the text encoder."""

    feedforward_width: int = Field(default=1024, ge=1)
    """Units of the hidden layer of each feed-forward block."""

    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout while training."""

    queries: Literal["frozen", "trained"] = "frozen"
    """Whose features of the tags' names are the queries. `frozen`: a text encoder as it
    was before training, with all of its layers; computed once and kept with the weights.
    `trained`: the text encoder that is being trained, at every step."""


class LegacyConfig(Settings):
    """Defects of the authors' released code that could have shaped published numbers.

    All off by default; each exists so that its effect can be studied.
    """

    mix_up_regions: bool = False
    """Regions are pooled from the map of another image of the batch: boxes carry the
    position that an image had before the batch was sorted by report length."""

    drop_positions: bool = False
    """Every word piece has position 0 and no token type, so word order is not seen."""

    unaligned_regions: bool = False
    """RoIAlign without the half-cell shift, boxes widened to at least one cell."""

    padded_batch_norm: bool = False
    """The statistics of the word head include the padding up to `max_pieces` - 1 words."""


class ModelConfig(Settings):
    """Everything that has weights."""

    image_encoder: ImageEncoderConfig = ImageEncoderConfig()
    """The image encoder."""

    text_encoder: TextEncoderConfig = TextEncoderConfig()
    """The text encoder."""

    heads: HeadsConfig = HeadsConfig()
    """The projections."""

    tag_decoder: TagDecoderConfig = TagDecoderConfig()
    """The tag decoder."""

    legacy: LegacyConfig = LegacyConfig()
    """Defects of the released code, for studies."""
