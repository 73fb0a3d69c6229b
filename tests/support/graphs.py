"""RadGraph documents: written by hand in both label schemes, or made of claims."""

import re
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


def claimed(text: str, triplets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the graph of a report that makes these claims, in the labels of RadGraph-XL.

    Rows as in TRIPLETS. A statement such as "the lungs are clear" holds its cue: the
    graph then has "clear" as present, at "lungs". Of other findings it has the words
    that are not their place, labelled as the claim says.
    """
    words = [found.span() for found in re.finditer(r"\w+|[^\w\s]+", text)]
    entities: dict[tuple[str, int, int], dict[str, Any]] = {}

    def entity(label: str, span: range) -> str:
        key = (label, span[0], span[-1])
        named = " ".join(text[slice(*words[index])] for index in span)
        new: dict[str, Any] = {
            "key": str(len(entities) + 1),
            "tokens": named,
            "label": XL[label],
        }
        new |= {"start_ix": span[0], "end_ix": span[-1], "relations": []}
        return str(entities.setdefault(key, new)["key"])

    for row in triplets:
        finding, place, cue = (
            _covered(words, row[f"{part}_start"], row[f"{part}_end"])
            for part in ("finding", "place", "cue")
        )
        label = {"present": "dp", "absent": "da", "uncertain": "u"}[row["existence"]]
        if cue and cue[0] in finding:
            own, label = cue, "dp"
        else:
            own = [index for index in finding if index not in place] or finding
        last = next((at for at in own if at + 1 not in own), own[-1])
        observed = range(own[0], last + 1)
        entity(label, observed)
        if place and not set(place) & set(observed):
            target = entity("a", range(place[0], place[-1] + 1))
            edges = entities[label, observed[0], observed[-1]]["relations"]
            edges += [["located_at", target]] * (["located_at", target] not in edges)
    return {
        "text": " ".join(text[start:end] for start, end in words),
        "entities": {each.pop("key"): each for each in entities.values()},
    }


def _covered(
    words: Sequence[tuple[int, int]], start: int | None, end: int | None
) -> list[int]:
    """Return the words that a span touches; of no span none."""
    if start is None or end is None:
        return []
    return [i for i, (low, high) in enumerate(words) if low < end and high > start]
