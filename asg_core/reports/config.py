"""Configuration of the report side: which sections are read, and how."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from asg_core.settings import Device, RejectShare, Settings

ParserName = Literal["lexicon", "radgraph", "scispacy", "brat"]

RADGRAPH_REPOSITORY = "StanfordAIMI/RRG_scorers"
"""Where the model hub keeps the archives of RadGraph's models."""


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


class RadgraphConfig(Settings):
    """Where the graphs of the parser `radgraph` come from: a file, or the model."""

    graphs: Path | None = None
    """Ready-made graphs, .json or .json.gz: output of the radgraph package, or
    `MIMIC-CXR_graphs.json` of PhysioNet. Null: the model makes them."""

    model: Literal["radgraph", "radgraph-xl", "modern-radgraph-xl"] = "radgraph-xl"
    """The model of the radgraph package. `modern-radgraph-xl` gives other graphs under
    transformers 5 than it was made with; see the pipeline page."""

    model_folder: Path | None = None
    """A folder with MODEL/ (config.json, vocabulary/, weights.th) or MODEL.tar.gz, and
    where the text encoder is local too, encoder/. Null: the archive comes from the
    model hub or its cache."""

    device: Device = "cpu"
    """Device of the model: cpu, cuda, or cuda:N."""

    @model_validator(mode="after")
    def _check_one_source(self) -> "RadgraphConfig":
        given = [key for key in ("model_folder", "device") if key in self._changed()]
        if self.graphs is not None and given:
            message = (
                f"graphs names a file while {' and '.join(given)} belong to the model, "
                "which then is not run: remove graphs, or the others"
            )
            raise ValueError(message)
        return self

    def _changed(self) -> set[str]:
        fields = type(self).model_fields
        return {key for key in fields if getattr(self, key) != fields[key].default}

    @property
    def files(self) -> dict[str, list[Path]]:
        """The files that are read, by the key that names them; none if the hub is asked."""
        if self.graphs is not None:
            return {"reports.radgraph.graphs": [self.graphs]}
        if self.model_folder is None:
            return {}
        folder = self.model_folder / self.model
        files = [self.model_folder / f"{self.model}.tar.gz"]
        if folder.is_dir():
            files = [folder / "config.json", folder / "weights.th"]
        return {"reports.radgraph.model_folder": files}


class ScispacyConfig(Settings):
    """Which model the parser `scispacy` takes its dependency trees from."""

    model: str = Field(default="en_core_sci_sm", min_length=1)
    """An installed spaCy model with a dependency parser, or the folder of one.
    scispaCy's models are archives to be installed by hand, see the pipeline page."""


class BratConfig(Settings):
    """Where the files lie that the parser `brat` reads."""

    folder: Path | None = None
    """A folder, with folders below it, of BRAT standoff files: <study_id>.ann with the
    entities, attributes and relations, and <study_id>.txt with the text that they count."""

    @property
    def files(self) -> dict[str, list[Path]]:
        """The files that are read, by the key that names them; a pattern if none is there."""
        folder = self.folder or Path()
        found = sorted(
            path for suffix in ("ann", "txt") for path in folder.rglob(f"*.{suffix}")
        )
        has_any = self.folder is not None and any(one.suffix == ".ann" for one in found)
        return {"reports.brat.folder": found if has_any else [folder / "*.ann"]}


class ReportsConfig(Settings):
    """How reports become sentences and (region, finding, existence) triplets."""

    parser: ParserName = "lexicon"
    """The parser that reads the sentences; `lexicon` needs no model, `radgraph` a model
    or a file of graphs, `scispacy` a model that parses sentences, `brat` files that people
    have marked."""

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

    lexicon: Path | None = None
    """A folder with one's own files of phrases, cues, places, headers and so on, named
    and laid out as those of the package; the shipped file stands in for one that is not
    there. Null: the shipped lexicon. See the vocabulary page."""

    radgraph: RadgraphConfig = RadgraphConfig()
    """What the parser `radgraph` reads; of no effect with another parser."""

    scispacy: ScispacyConfig = ScispacyConfig()
    """What the parser `scispacy` needs; of no effect with another parser."""

    brat: BratConfig = BratConfig()
    """What the parser `brat` reads; of no effect with another parser."""

    max_scope_tokens: int = Field(default=40, ge=1, le=1000)
    """How far, in words and punctuation marks, a denial, a doubt or any other cue
    reaches, and how far apart a finding and its place may stand."""

    abbreviations: bool = True
    """Whether abbreviations that a report defines itself, as in "air space disease
    (ASD)", are read as what they stand for (by scispaCy, on such reports only)."""

    include_history: bool = False
    """Whether claims about the past ("history of pneumonia") are rows, in the context
    `history`. They say nothing about the images of the study."""

    max_reject_share: RejectShare = 0.2
    """Share of a job's reports that may be rejected before the job stops."""

    @property
    def named_files(self) -> dict[str, list[Path]]:
        """The files that the parser reads, by the key that names them."""
        files: dict[str, list[Path]] = {}
        match self.parser:
            case "radgraph":
                files = dict(self.radgraph.files)
            case "brat":
                files = dict(self.brat.files)
        if self.lexicon is not None:
            files["reports.lexicon"] = sorted(self.lexicon.glob("*.tsv"))
        return files

    @property
    def is_radgraph_model(self) -> bool:
        """Whether the model of the radgraph package reads the reports."""
        return self.parser == "radgraph" and self.radgraph.graphs is None

    @property
    def is_radgraph_from_hub(self) -> bool:
        """Whether that model comes from the model hub or its cache."""
        return self.is_radgraph_model and self.radgraph.model_folder is None
