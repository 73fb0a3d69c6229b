"""What the synthetic world holds: how many patients, images and benchmark images."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from asg_core.settings import Settings


class SyntheticConfig(Settings):
    """The size and the seed of the synthetic world."""

    seed: int = Field(default=0, ge=0)
    """Everything of the world follows from this number and the keys beside it."""

    patients: int = Field(default=1000, ge=1)
    """Patients of the corpus; one has about 2 images at the default lateral share."""

    lateral_share: float = Field(default=0.25, ge=0, le=1)
    """Share of corpus studies that have a lateral image too."""

    image_size: int = Field(default=256, ge=80, le=2048)
    """Longest side of the largest corpus images, in pixels; sizes vary a little."""

    benchmark_image_size: int = Field(default=160, ge=64, le=2048)
    """Side of the square benchmark images (longest side for CheXpert), in pixels."""

    broken_files: int = Field(default=16, ge=0)
    """Corpus items damaged on purpose, one kind of damage after another; at most one
    item a patient."""

    benchmark_images: int | None = Field(default=None, ge=0)
    """Images of each benchmark that `benchmarks` does not name; 0 leaves them out, null
    takes the number of each layout (800 to 1,500)."""

    benchmarks: Mapping[str, Annotated[int, Field(ge=0)]] = {}
    """Images of single benchmarks, by their names; 0 leaves one out."""

    def images_of(self, benchmark: str, *, default: int) -> int:
        """Return how many images a benchmark gets; `default` where no key says it."""
        shared = default if self.benchmark_images is None else self.benchmark_images
        return self.benchmarks.get(benchmark, shared)

    @model_validator(mode="after")
    def _check_broken_files_fit(self) -> "SyntheticConfig":
        if self.broken_files > self.patients:
            message = (
                f"broken_files is {self.broken_files}, but at most one file of each of "
                f"the {self.patients} patients can be broken: lower broken_files or "
                "raise patients"
            )
            raise ValueError(message)
        return self
