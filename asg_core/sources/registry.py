"""All sources, by name: a new one is a package beside this module and a line in here."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field, create_model, model_validator

from asg_core.sources.config import CorpusKeys, SourceConfig
from asg_core.sources.mimic_cxr.source import MimicCxrConfig
from asg_core.sources.mimic_cxr.spec import MIMIC_CXR
from asg_core.sources.open_i.spec import OPEN_I
from asg_core.sources.spec import SourceSpec
from asg_core.sources.table.spec import TABLE
from asg_core.terms.views import View

SOURCES: Mapping[str, SourceSpec] = {
    spec.name: spec
    for spec in (
        MIMIC_CXR,
        OPEN_I,
        TABLE,
    )
}

_NAMES = ("synthetic", *SOURCES, "none")


def source_of(corpus: CorpusKeys) -> SourceSpec:
    """Return the source that a corpus is read by: MIMIC-CXR's for a synthetic one.

    Raises:
        ValueError: If there is no corpus.
    """
    if corpus.source == "none":
        raise ValueError("source_of: corpus.source is 'none', nothing to read")
    # The makers of a synthetic corpus write it in this layout.
    return SOURCES["mimic_cxr" if corpus.source == "synthetic" else corpus.source]


class _Corpus(CorpusKeys):
    __doc__ = CorpusKeys.__doc__

    @property
    def only_view(self) -> View | None:
        """The view of every image where no column and no file names views, else None."""
        section = self._own_section
        return None if section is None else section.only_view

    @property
    def _own_section(self) -> SourceConfig | None:
        spec = SOURCES.get(self.source)
        return None if spec is None else self.of(spec.section)

    @model_validator(mode="after")
    def _check_sections(self) -> "_Corpus":
        if self.source == "synthetic" and self.of(MimicCxrConfig) != MimicCxrConfig():
            raise ValueError(
                "corpus.mimic_cxr is set while corpus.source is 'synthetic': a synthetic "
                "corpus has the layout of the defaults; remove corpus.mimic_cxr"
            )
        section = self._own_section
        problem = section and section.problem(has_images=self.has_images)
        if problem:
            raise ValueError(problem)
        return self


if TYPE_CHECKING:
    CorpusConfig = _Corpus
else:
    _source = CorpusKeys.model_fields["source"]
    CorpusConfig = create_model(
        "CorpusConfig",
        __base__=_Corpus,
        __module__=__name__,
        __doc__=CorpusKeys.__doc__,
        source=(
            Literal[_NAMES],
            Field(default=_source.default, description=_source.description),
        ),
        **{
            name: (
                spec.section,
                Field(
                    default=spec.section(),
                    description=f"Layout of the source `{name}`.",
                ),
            )
            for name, spec in SOURCES.items()
        },
    )
