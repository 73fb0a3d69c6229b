"""What the report of a study says, and in which order.

The plan decides what is present, uncertain, changed and gone; `report_negatives` adds
what the reader says is not there, and remarks.
"""

from collections.abc import Sequence

from asg_core.synthetic.world.world import GROUND_GLASS, Change, Observation
from asg_core.synthetic.writing.negatives import (
    deniable,
    write_closing,
    write_negatives,
    write_opening,
    write_remarks,
)
from asg_core.synthetic.writing.radiologist import (
    DEVICES,
    STATIC,
    Reader,
    as_statement,
    find_topic,
    has_frame,
    make_denial,
    try_sentence,
    write_unit,
)
from asg_core.synthetic.writing.sentences import WrittenSentence
from asg_core.synthetic.writing.statements import Kind, Statement
from asg_core.synthetic.writing.words import find_alternatives

Unit = tuple[Statement, ...]

_CHANGES = {
    Change.NEW: Kind.NEW,
    Change.UNCHANGED: Kind.UNCHANGED,
    Change.LARGER: Kind.LARGER,
    Change.SMALLER: Kind.SMALLER,
}
_REFERENCES = {
    Change.NEW: Kind.REFERENCE_NEW,
    Change.UNCHANGED: Kind.REFERENCE_UNCHANGED,
    Change.LARGER: Kind.REFERENCE_LARGER,
    Change.SMALLER: Kind.REFERENCE_SMALLER,
}
_ORDERS = (
    ("device", "lung", "pleura", "vessels", "heart", "mediastinum", "bone", "abdomen"),
    ("heart", "mediastinum", "vessels", "lung", "pleura", "abdomen", "bone", "device"),
    ("lung", "pleura", "heart", "mediastinum", "vessels", "device", "abdomen", "bone"),
    ("lung", "vessels", "pleura", "mediastinum", "heart", "bone", "abdomen", "device"),
    ("heart", "lung", "vessels", "pleura", "mediastinum", "device", "bone", "abdomen"),
)
_MAX_MAIN = 4


def write_findings(reader: Reader) -> list[WrittenSentence]:
    """Write the body: everything the plan has, negatives, normal things, remarks."""
    opening = write_opening(reader)
    gone: list[Unit] = [(statement,) for statement in reader.removed]
    groups = [
        _write_statements(unit, reader=reader, uses=reader.style)
        for unit in _join(_plan_units(reader) + gone, reader=reader)
    ]
    said = write_negatives(reader, uses=reader.style) + write_remarks(reader)
    groups.extend([sentence] for sentence in said)
    order = reader.draws.pick(_ORDERS)
    rank = {topic: position for position, topic in enumerate(order)}
    groups.sort(key=lambda group: rank.get(group[0].topic, len(rank)))
    return [*opening, *(sentence for group in groups for sentence in group)]


def write_impression(reader: Reader, *, is_alone: bool) -> list[WrittenSentence]:
    """Write the impression.

    Args:
        reader: Knows what the findings section said.
        is_alone: True when there is no findings section; the impression then states
            everything that the plan has.
    """
    units = _join(_plan_units(reader), reader=reader)
    main = units if is_alone else _pick_main(units, reader=reader)
    sentences = [
        sentence
        for unit in main
        for sentence in _write_statements(unit, reader=reader, uses="I")
    ]
    if is_alone or reader.draws.chance(0.35):
        for statement in reader.removed:
            sentences.extend(write_unit((statement,), reader=reader, uses="I"))
    if is_alone:
        sentences.extend(write_negatives(reader, uses="I"))
    return sentences + write_closing(reader, num_sentences=len(sentences))


def _plan_units(reader: Reader) -> list[Unit]:
    """Return the plan's observations as statements; a device goes with its tip."""
    observed = [o for o in reader.study.observations if o.finding != GROUND_GLASS]
    tips = [o for o in observed if o.finding == "tip"]
    units: list[Unit] = []
    for observation in observed:
        if observation.finding == "tip":
            continue
        statement = _state(observation, reader=reader)
        tip = _find_tip(observation, tips)
        if tip is None:
            units.append((statement,))
            continue
        tips.remove(tip)
        kind = Kind.PRESENT if tip.is_certain else Kind.UNCERTAIN
        units.append((statement, as_statement(tip, kind)))
    # Left over: tips whose device the plan has dropped.
    units.extend((_state(tip, reader=reader),) for tip in tips)
    return units


def _find_tip(device: Observation, tips: Sequence[Observation]) -> Observation | None:
    if device.finding not in ("tube", "line"):
        return None
    is_tube = device.finding == "tube"
    fitting = [
        tip
        for tip in tips
        if (tip.places == ("carina",)) == is_tube
        and tip.is_certain == device.is_certain
    ]
    return fitting[0] if fitting else None


def _state(observation: Observation, *, reader: Reader) -> Statement:
    """Return what the reader says of one observation, with or without its change."""
    if not observation.is_certain:
        return as_statement(observation, Kind.UNCERTAIN)
    change = observation.change
    if change is None or observation.finding == "tip":
        return as_statement(observation, Kind.PRESENT)
    is_odd = change in _odd_changes(observation.finding)
    if is_odd or not reader.draws.chance(0.6):
        return as_statement(observation, Kind.PRESENT)
    return as_statement(observation, _CHANGES[change])


def _odd_changes(finding: str) -> tuple[Change, ...]:
    """Return the changes that no reader would report of a finding."""
    if finding in STATIC:
        return (Change.LARGER, Change.SMALLER, Change.NEW)
    return (Change.LARGER, Change.SMALLER) if finding in DEVICES else ()


def _join(units: list[Unit], *, reader: Reader) -> list[Unit]:
    """Put some neighbouring statements into one sentence."""
    joined: list[Unit] = []
    rest = sorted(units, key=lambda unit: find_topic(unit) in ("device", "bone"))
    while rest:
        unit = rest.pop(0)
        while rest and len(unit) < 3 and reader.draws.chance(0.4):
            merged = _merge(unit, rest[0], reader=reader)
            if merged is None:
                break
            unit = merged
            rest.pop(0)
        joined.append(unit)
    return joined


def _merge(first: Unit, second: Unit, *, reader: Reader) -> Unit | None:
    """Return both units as one in an order that some frame takes; None without one."""
    orders = [(*first, *second), (*second, *first)]
    if reader.draws.chance(0.5):
        orders.reverse()
    return next((unit for unit in orders if has_frame(unit)), None)


def _write_statements(
    unit: Unit, *, reader: Reader, uses: str
) -> list[WrittenSentence]:
    """Write one unit, sometimes with an alternative, a negative or a second sentence."""
    if len(unit) == 1 and reader.draws.chance(0.3):
        unit = _add_alternatives(unit[0], reader=reader)
    elif len(unit) == 1 and reader.draws.chance(0.15):
        unit = _add_negatives(unit[0], reader=reader)
    sentences = write_unit(unit, reader=reader, uses=uses)
    if len(unit) == 1 and uses != "I" and reader.draws.chance(0.35):
        sentences.extend(_follow_up(unit[0], reader=reader))
    return sentences


def _add_alternatives(first: Statement, *, reader: Reader) -> Unit:
    """Add what else the reader considers at the same place."""
    options = [
        name
        for name in find_alternatives(first.finding, first.places)
        if reader.can_consider(name)
    ]
    num = min(len(options), 2 if reader.draws.chance(0.4) else 1)
    chosen: list[Statement] = []
    while len(chosen) < num:
        name = options.pop(reader.draws.integer(0, len(options) - 1))
        chosen.append(Statement(kind=Kind.MAYBE, finding=name, places=first.places))
    while chosen:
        candidate = (first, *chosen)
        if has_frame(candidate):
            reader.active.update(statement.finding for statement in chosen)
            return candidate
        chosen.pop()
    return (first,)


def _add_negatives(first: Statement, *, reader: Reader) -> Unit:
    """Add "without pneumothorax" and the like."""
    options = deniable(reader, topics=("lung", "pleura"))
    if not options:
        return (first,)
    picked = [reader.draws.pick(options)]
    if reader.draws.chance(0.3):
        other = reader.draws.pick(options)
        picked += [other] if other not in picked else []
    denials = [make_denial(finding) for finding in picked]
    before, after = (*denials, first), (first, *denials)
    orders = (before, after) if reader.draws.chance(0.4) else (after, before)
    for candidate in orders:
        if has_frame(candidate):
            reader.denied.update(picked)
            return candidate
    return (first,)


def _follow_up(statement: Statement, *, reader: Reader) -> list[WrittenSentence]:
    """Say in a second sentence how the one finding just named has changed."""
    changes = [
        observation.change
        for observation in reader.study.observations
        if observation.finding == statement.finding and observation.change is not None
    ]
    if statement.kind is not Kind.PRESENT or not changes:
        return []
    if changes[0] in _odd_changes(statement.finding):
        return []
    reference = Statement(
        kind=_REFERENCES[changes[0]],
        finding=statement.finding,
        places=statement.places,
        severity=statement.severity,
    )
    # Without a noun before it a pronoun has nothing to stand for.
    is_noun = not reader.memory.last_number
    sentence = try_sentence((reference,), reader=reader, uses="F", is_noun=is_noun)
    return [sentence] if sentence else []


def _pick_main(units: list[Unit], *, reader: Reader) -> list[Unit]:
    """Return what is worth repeating in the impression."""
    main: list[Unit] = []
    minor: list[Unit] = []
    for unit in units:
        is_minor = all(s.finding in STATIC | DEVICES for s in unit)
        (minor if is_minor else main).append(unit)
    picked = main[: reader.draws.integer(2, _MAX_MAIN)]
    return picked + [unit for unit in minor if reader.draws.chance(0.25)]
