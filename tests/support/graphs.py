"""RadGraph documents written by hand, in both label schemes."""

from collections.abc import Mapping, Sequence
from typing import Any

V1 = {"dp": "OBS-DP", "da": "OBS-DA", "u": "OBS-U", "a": "ANAT-DP"}
XL = {
    "dp": "Observation::definitely present",
    "da": "Observation::definitely absent",
    "u": "Observation::uncertain",
    "a": "Anatomy::definitely present",
}


def document(
    text: str,
    entities: Sequence[str],
    *,
    labels: Mapping[str, str] = V1,
) -> dict[str, Any]:
    """Return the graph of a text whose tokens stand apart.

    An entity is "words/label relation>words ..."; words of several tokens are joined by
    "_", and "word#2" is the second such token.
    """
    tokens = text.split()
    names = [entity.split()[0].rpartition("/")[0] for entity in entities]
    read = {}
    for number, entity in enumerate(entities, start=1):
        head, *edges = entity.split()
        name, _, label = head.rpartition("/")
        words, _, nth = name.partition("#")
        wanted = words.split("_")
        starts = [
            index
            for index in range(len(tokens))
            if tokens[index : index + len(wanted)] == wanted
        ]
        start = starts[int(nth or 1) - 1]
        pairs = [edge.split(">") for edge in edges]
        read[str(number)] = {
            "tokens": " ".join(wanted),
            "label": labels[label],
            "start_ix": start,
            "end_ix": start + len(wanted) - 1,
            "relations": [
                [relation, str(names.index(target) + 1)] for relation, target in pairs
            ],
        }
    return {
        "text": text,
        "entities": read,
        "data_source": None,
        "data_split": "inference",
    }
