"""The parser `radgraph`: graphs of a ready-made file, or of the model itself."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from asg_core.reports.config import ReportsConfig
from asg_core.reports.grammar.claims import Claim
from asg_core.reports.lexicon.load import Lexicon
from asg_core.reports.parsers.parser import Span
from asg_core.reports.parsers.radgraph.claims import GraphReader
from asg_core.reports.parsers.radgraph.files import SelectedGraphs
from asg_core.reports.parsers.radgraph.graph import read_graph
from asg_core.reports.parsers.radgraph.model import load_model

logger = logging.getLogger(__name__)


class RadgraphParser:
    """Reads sentences by the graph of their report."""

    def __init__(
        self, lexicon: Lexicon, *, config: ReportsConfig, study_ids: Sequence[str]
    ) -> None:
        """Read the graphs of these studies, or load the model.

        Raises:
            ValueError: If the file or the model cannot be used.
        """
        self._lexicon = lexicon
        self._config = config
        self.counts: Counter[str] = Counter()
        """What yielded no claim, by reason."""
        self._graph_of: Callable[[str, str], object] = _source(config, study_ids)

    def read_report(
        self, study_id: str, text: str, sections: Sequence[Sequence[Span]]
    ) -> list[tuple[Claim, ...]]:
        """Return the claims of each sentence; see `ReportParser`."""
        # What the model sees: the sections that are read, each as it stands.
        sent = "\n".join(
            text[spans[0][0] : spans[-1][1]] for spans in sections if spans
        )
        entities = read_graph(
            self._graph_of(study_id, sent),
            text=text,
            sections=sections,
        )
        reader = GraphReader(
            self._lexicon,
            entities,
            text=text,
            sections=sections,
            max_scope=self._config.max_scope_tokens,
            counts=self.counts,
        )
        return reader.chosen_claims(has_history=self._config.include_history)


def _source(
    config: ReportsConfig, study_ids: Sequence[str]
) -> Callable[[str, str], object]:
    """Return what gives the graph of a study id and its text."""
    radgraph = config.radgraph
    if radgraph.graphs is not None:
        graphs = SelectedGraphs(radgraph.graphs, study_ids)
        return lambda study_id, _: graphs.take(study_id)
    model = load_model(
        radgraph.model, folder=radgraph.model_folder, device=radgraph.device
    )
    return lambda _, text: model(text)
