"""Configuration of the report side: which sections are read, and how."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SectionName(StrEnum):
    """The canonical names of a report's sections.

    `UNLABELLED` is text under no header of its own: a report without headers, or the
    paragraphs that follow the last header of a report that names neither findings nor
    impression.
    """

    FINDINGS = "findings"
    IMPRESSION = "impression"
    ADDENDUM = "addendum"
    UNLABELLED = "unlabelled"
    WET_READ = "wet_read"
    RECOMMENDATION = "recommendation"


class ReportsConfig(BaseModel):
    """How reports become sentences and (region, finding, existence) triplets."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    parser: Literal["lexicon"] = "lexicon"
    """The parser that reads the sentences; `lexicon` needs no model."""

    sections: tuple[SectionName, ...] = Field(
        default=(
            SectionName.FINDINGS,
            SectionName.IMPRESSION,
            SectionName.ADDENDUM,
            SectionName.UNLABELLED,
        ),
        min_length=1,
    )
    """Sections to read. A wet read is preliminary, so the default leaves it out;
    indication, history, technique and comparison cannot be chosen: they claim nothing
    about the images."""

    max_scope_tokens: int = Field(default=40, ge=1, le=1000)
    """How far, in words and punctuation marks, a denial, a doubt or any other cue
    reaches, and how far apart a finding and its place may stand."""

    abbreviations: bool = True
    """Whether abbreviations that a report defines itself, as in "air space disease
    (ASD)", are read as what they stand for (by scispaCy, on such reports only)."""

    include_history: bool = False
    """Whether claims about the past ("history of pneumonia") are rows, in the context
    `history`. They say nothing about the images of the study."""

    max_reject_share: float = Field(default=0.2, ge=0.0, le=1.0)
    """Share of a job's reports that may be rejected before the job stops."""
