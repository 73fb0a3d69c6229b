"""What a reader says is not there, what is normal, and remarks that claim nothing."""

from collections.abc import Collection, Sequence

from asg_core.synthetic.world.world import Change
from asg_core.synthetic.writing.radiologist import (
    DEVICES,
    STATIC,
    Reader,
    make_denial,
    try_sentence,
    write_unit,
)
from asg_core.synthetic.writing.sentences import WrittenSentence, write_phrase
from asg_core.synthetic.writing.statements import Statement
from asg_core.synthetic.writing.words import find_phrases, read_denials

# How many findings the list of negatives has, and how often.
_LIST_LENGTHS = (0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5)
# Normal statements: what is denied (finding, line of denials.tsv), and how often.
_NORMALS: tuple[tuple[tuple[tuple[str, int], ...], float], ...] = (
    ((("opacity", 0), ("cardiomegaly", 0)), 0.1),
    ((("cardiomegaly", 0), ("edema", 0)), 0.06),
    ((("cardiomegaly", 0), ("enlarged cardiomediastinum", 0)), 0.5),
    ((("cardiomegaly", 0),), 0.6),
    ((("enlarged cardiomediastinum", 0),), 0.3),
    ((("shift", 1),), 0.12),
    ((("engorgement", 0),), 0.2),
    ((("blunt", 0),), 0.1),
    ((("opacity", 0),), 0.2),
    ((("hyperinflate", 0),), 0.03),
    ((("obscure", 0),), 0.04),
    ((("fracture", 0),), 0.1),
    ((("fracture", 1),), 0.06),
    ((("fracture", 2),), 0.04),
)
_CHRONIC = STATIC | DEVICES | {"cardiomegaly", "blunt", "shift", "marking"}

_LISTED_TOPICS = ("lung", "pleura", "vessels", "bone")
_AIRSPACE = {"opacity", "consolidation", "pneumonia", "infiltration", "atelectasis"}


def deniable(reader: Reader, *, topics: Sequence[str]) -> list[str]:
    """Return the findings of some topics that this reader could list as absent."""
    return [
        finding
        for finding, rows in read_denials().items()
        if rows[0].weight > 0 and rows[0].topic in topics and reader.can_deny(finding)
    ]


def write_negatives(reader: Reader, *, uses: str) -> list[WrittenSentence]:
    """Write pertinent negatives, in one list or two, and normal statements."""
    picked = _pick_listed(reader)
    draws = reader.draws
    if len(picked) > 1 and reader.can_deny("opacity") and draws.chance(0.4):
        reader.denied.add("opacity")
        picked.insert(0, "opacity")
    listed = [make_denial(finding) for finding in picked]
    units = [listed] if listed else []
    if len(listed) > 2 and draws.chance(0.2):
        units = [listed[:1], listed[1:]]
    sentences = [
        sentence
        for unit in units
        for sentence in write_unit(unit, reader=reader, uses=uses)
    ]
    if uses == "I" and not draws.chance(0.3):
        return sentences
    return sentences + _write_normals(reader, uses=uses)


def _pick_listed(reader: Reader) -> list[str]:
    options = deniable(reader, topics=_LISTED_TOPICS)
    weights = {name: read_denials()[name][0].weight for name in options}
    picked: list[str] = []
    for _ in range(min(reader.draws.pick(_LIST_LENGTHS), len(options))):
        name = reader.draws.pick_weighted(weights)
        del weights[name]
        picked.append(name)
    reader.denied.update(picked)
    return picked


def _write_normals(reader: Reader, *, uses: str) -> list[WrittenSentence]:
    sentences = []
    for denied, share in _NORMALS:
        is_free = all(reader.can_deny(finding) for finding, _ in denied)
        if not is_free or not reader.draws.chance(share):
            continue
        unit: list[Statement] = [make_denial(name, row=row) for name, row in denied]
        sentence = try_sentence(unit, reader=reader, uses=uses, is_clause=True)
        if sentence is not None:
            reader.denied.update(finding for finding, _ in denied)
            sentences.append(sentence)
    return sentences


def write_opening(reader: Reader) -> list[WrittenSentence]:
    """Write remarks on the technique and the patient's past."""
    shares = (("technical", 0.12), ("history", 0.1))
    return [
        sentence
        for where, share in shares
        if reader.draws.chance(share)
        for sentence in _remark(reader, where=where)
    ]


def write_remarks(reader: Reader) -> list[WrittenSentence]:
    """Write normal things that concern none of the findings."""
    num = reader.draws.pick((0, 0, 1, 1, 1, 2))
    sentences: list[WrittenSentence] = []
    for _ in range(num):
        topics = {sentence.topic for sentence in sentences}
        sentences.extend(_remark(reader, where="normal", except_topics=topics))
    if is_unchanged(reader) and reader.draws.chance(0.3):
        sentences.extend(_remark(reader, where="unchanged"))
    return sentences


def write_closing(reader: Reader, *, num_sentences: int) -> list[WrittenSentence]:
    """Write the end of an impression; something in any case when it is empty so far."""
    draws = reader.draws
    sentences: list[WrittenSentence] = []
    if not reader.active - _CHRONIC and (num_sentences == 0 or draws.chance(0.5)):
        is_normal = not reader.active and not reader.removed and draws.chance(0.2)
        sentences += _remark(reader, where="normal chest" if is_normal else "clear")
    elif draws.chance(0.25):
        sentences += _repeat_negative(reader)
    if is_unchanged(reader) and draws.chance(0.3):
        sentences += _remark(reader, where="unchanged")
    if draws.chance(0.18 if reader.active else 0.05):
        is_airspace = bool(reader.active & _AIRSPACE) and draws.chance(0.5)
        where = "recommend follow-up" if is_airspace else "recommend"
        sentences += _remark(reader, where=where)
    if reader.active - _CHRONIC and draws.chance(0.07):
        sentences += _remark(reader, where="communicate")
    if not sentences and num_sentences == 0:
        sentences += _remark(reader, where="unspecific")
    return sentences


def is_unchanged(reader: Reader) -> bool:
    """Say whether the plan has nothing new, larger, smaller or gone."""
    study = reader.study
    is_same = all(o.change is Change.UNCHANGED for o in study.observations)
    return study.has_earlier and is_same and not study.resolved


def _repeat_negative(reader: Reader) -> list[WrittenSentence]:
    options = deniable(reader, topics=("lung", "pleura"))
    again = [
        finding
        for finding in read_denials()
        if finding in reader.denied and read_denials()[finding][0].topic == "pleura"
    ]
    if not options + again:
        return []
    finding = reader.draws.pick(options + again)
    reader.denied.add(finding)
    return write_unit([make_denial(finding)], reader=reader, uses="I")


def _remark(
    reader: Reader, *, where: str, except_topics: Collection[str] = ()
) -> list[WrittenSentence]:
    """Write one sentence without claims that fits the plan; none when none fits."""
    options = [
        phrase
        for phrase in find_phrases(where)
        if not phrase.never_beside & reader.active
        and phrase.topic not in except_topics
        and phrase.text not in reader.memory.used_frames
    ]
    if not options:
        return []
    phrase = reader.draws.pick(options)
    reader.memory.used_frames.add(phrase.text)
    return [write_phrase(phrase.text, memory=reader.memory, topic=phrase.topic)]
