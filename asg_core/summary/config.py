"""What the summary shows."""

from pydantic import Field

from asg_core.settings import Settings


class SummaryConfig(Settings):
    """The pages that show what a run made and how well."""

    title: str | None = Field(default=None, min_length=1, max_length=200)
    """Title of the pages; null names the corpus."""

    num_examples: int = Field(default=8, ge=0, le=200)
    """How many images the explorer of alignments shows; 0 shows none."""

    example_size: int = Field(default=512, ge=64, le=4096)
    """Longest side of an example image, in pixels; smaller images stay as they are."""

    num_sentences: int = Field(default=24, ge=0, le=500)
    """How many sentences are shown with the words of their triplets; 0 shows none."""

    published: bool = True
    """Whether numbers from papers have a page of their own."""
