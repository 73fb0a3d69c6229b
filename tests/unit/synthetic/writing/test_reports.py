import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from asg_core.synthetic.world.world import (
    GROUND_GLASS,
    Change,
    Observation,
    StudyPlan,
    finding_priors,
    plan_patient,
)
from asg_core.synthetic.writing.grammar import SentenceFrame, find_frames, read_frames
from asg_core.synthetic.writing.layout import LINE_WIDTH, ReportPage
from asg_core.synthetic.writing.report import WrittenReport, write_page, write_report
from asg_core.synthetic.writing.sentences import WrittenSentence, write_sentence
from asg_core.synthetic.writing.statements import Draws, Kind, Memory, Statement
from asg_core.synthetic.writing.templates import Literal, Mark, parse_template, walk
from asg_core.synthetic.writing.words import (
    POSITIVE,
    find_nouns,
    places_fit,
    read_denials,
)
from asg_core.tables.catalog import SENTENCES, TRIPLETS
from asg_core.terms.regions import side_of
from asg_core.terms.views import View

# Written by hand from how these findings are named, not from the wording files.
SURFACE_FORMS = {
    "pleural effusion": r"effusion|fluid",
    "opacity": r"opaci|density|airspace disease|clear",
    "pneumothorax": r"pneumothora|ptx|pleural air",
    "edema": r"edema",
    "atelectasis": r"atelecta",
    "tube": r"tube|ett",
    "consolidation": r"consolidat",
    "enlarged cardiomediastinum": r"widen|wide|enlarge|normal|unremarkable",
    "tip": r"tip|distal end|terminates",
    "pneumonia": r"pneumonia|infecti",
    "line": r"line|catheter|picc|port-a-cath",
    "cardiomegaly": r"cardiomegaly|enlarge|increased|large|normal|unremarkable",
    "fracture": r"fracture|intact",
    "calcification": r"calcifi",
    "engorgement": r"engorge|congest|normal",
    "nodule": r"nodul",
    "wire": r"wire",
    "pacemaker": r"pace|pacing",
    "pleural thicken": r"thicken|cap",
    "marking": r"marking|interstiti",
    "scar": r"scar|fibro",
    "hyperinflate": r"hyper-?inflat|hyper-?expan|overinflat|increased",
    "blunt": r"blunt|efface|sharp|clear",
    "collapse": r"collapse",
    "emphysema": r"emphysem",
    "mass": r"mass|neoplasm|tumor",
    "infiltration": r"infiltrat",
    "obscure": r"obscure",
    "deformity": r"deform|wedg|loss of height",
    "hernia": r"hernia",
    "shift": r"shift|deviat|displace|midline",
    "lesion": r"lesion",
    "hardware": r"hardware|rods",
    "aspiration": r"aspiration",
}
PRONOUNS = {"it", "they", "this", "these"}


@cache
def make_plans(num_patients: int, seed: int = 0) -> tuple[StudyPlan, ...]:
    return tuple(
        study
        for index in range(num_patients)
        for study in plan_patient(index, seed=seed, stream=0, lateral_share=0.5).studies
    )


def make_study(
    *observations: Observation,
    resolved: tuple[Observation, ...] = (),
    has_earlier: bool = False,
    seed: int = 0,
) -> StudyPlan:
    return StudyPlan(
        study_id="1",
        views=(View.PA,),
        observations=observations,
        resolved=resolved,
        has_earlier=has_earlier,
        seed=(seed, 0, 0, 1),
    )


def observe(
    finding: str,
    *places: str,
    is_certain: bool = True,
    change: Change | None = None,
) -> Observation:
    return Observation(
        finding=finding,
        places=places,
        severity=0.5,
        is_certain=is_certain,
        change=change,
    )


def find_frame(text: str) -> SentenceFrame:
    (frame,) = [f for f in read_frames() if f.frame_id.endswith(f": {text}")]
    return frame


def make_memory(seed: int = 0) -> Memory:
    return Memory(draws=Draws(np.random.default_rng(seed)), direction="left")


def words_of(sentence: WrittenSentence) -> list[tuple[str, str | None, str | None]]:
    text = sentence.text
    return [
        (
            text[slice(*claim.finding)],
            text[slice(*claim.place)] if claim.place else None,
            text[slice(*claim.cue)] if claim.cue else None,
        )
        for claim in sentence.claims
    ]


def quote(report: WrittenReport, row: dict[str, Any], role: str) -> str | None:
    """The words of a span on one line; None where the row has no such span."""
    start, end = row[f"{role}_start"], row[f"{role}_end"]
    return None if start is None else report.text[start:end].replace("\n ", " ")


def rows(report: WrittenReport) -> Iterator[tuple[str, str, str, str]]:
    for row in report.triplets:
        yield (
            str(row["finding"]),
            str(row["region"]),
            str(row["existence"]),
            str(row["context"]),
        )


def test_a_frame_marks_finding_place_and_cue() -> None:
    frame = find_frame("<a 1!> {is} [suspected] <at 1>")
    statement = Statement(
        kind=Kind.UNCERTAIN,
        finding="aspiration",
        places=("right mid lung zone",),
        severity=0.5,
    )
    options = {
        "Aspiration is suspected in the right mid lung.",
        "Aspiration is suspected in the right mid lung zone.",
        "Aspiration is suspected in the right midlung.",
        "Aspiration is suspected in the right middle lobe.",
        "Aspiration is suspected in the middle lobe.",
    }

    sentence = write_sentence(frame, [statement], memory=make_memory())

    place = sentence.text.removeprefix("Aspiration is suspected in the ")
    assert sentence.text in options
    assert words_of(sentence) == [("Aspiration", place.rstrip("."), "suspected")]


def test_a_normal_statement_is_its_own_finding_span() -> None:
    frame = find_frame(
        "<f1,2:<p1:heart> size and <p2:mediastinal contours> are "
        "[within normal limits]>"
    )
    statements = [
        Statement(
            kind=Kind.ABSENT, finding="cardiomegaly", places=("cardiac silhouette",)
        ),
        Statement(
            kind=Kind.ABSENT,
            finding="enlarged cardiomediastinum",
            places=("mediastinum",),
        ),
    ]

    sentence = write_sentence(frame, statements, memory=make_memory())

    clause = "Heart size and mediastinal contours are within normal limits"
    assert sentence.text == f"{clause}."
    assert words_of(sentence) == [
        (clause, "Heart", "within normal limits"),
        (clause, "mediastinal contours", "within normal limits"),
    ]


def test_an_alternative_shares_the_place_of_the_first_claim() -> None:
    frame = find_frame("<a 1> [versus] <2!>")
    places = ("left upper lung zone",)
    statements = [
        Statement(kind=Kind.UNCERTAIN, finding="mass", places=places, severity=0.9),
        Statement(kind=Kind.MAYBE, finding="aspiration", places=places),
    ]

    sentence = write_sentence(frame, statements, memory=make_memory())

    (_, first_place, first_cue), (second, second_place, second_cue) = words_of(sentence)
    assert first_place is not None
    assert first_place.startswith("left upper l")
    assert (second, second_place) == ("aspiration", first_place)
    assert (first_cue, second_cue) == ("versus", "versus")


def test_every_item_of_a_list_has_its_own_finding_and_the_shared_cue() -> None:
    frame = find_frame("the <p lung:lungs> are [clear of] <list or>")
    lungs, angles = (
        ("right lung", "left lung"),
        (
            "left costophrenic angle",
            "right costophrenic angle",
        ),
    )
    statements = [
        Statement(kind=Kind.ABSENT, finding="mass", places=lungs),
        Statement(kind=Kind.ABSENT, finding="pleural effusion", places=angles),
    ]

    sentence = write_sentence(frame, statements, memory=make_memory())

    (mass, mass_place, mass_cue), (fluid, fluid_place, fluid_cue) = words_of(sentence)
    assert sentence.text == f"The lungs are clear of {mass} or {fluid}."
    assert (mass_place, fluid_place) == ("lungs", None)
    assert (mass_cue, fluid_cue) == ("clear of", "clear of")


def test_a_plural_place_gives_a_row_for_each_region_with_the_same_offsets() -> None:
    bases = ("right lower lung zone", "left lower lung zone")
    study = make_study(observe("atelectasis", *bases))

    report = write_report(study)

    spans: dict[tuple[object, ...], set[object]] = {}
    for row in report.triplets:
        if row["finding"] == "atelectasis":
            key = tuple(v for k, v in row.items() if k != "region")
            spans.setdefault(key, set()).add(row["region"])
    assert spans
    assert set(map(frozenset, spans.values())) == {frozenset(bases)}


def test_every_finding_span_names_its_finding() -> None:
    for study in make_plans(600):
        report = write_report(study)
        for row in report.triplets:
            words = (quote(report, row, "finding") or "").lower()
            pattern = SURFACE_FORMS[str(row["finding"])]
            assert words in PRONOUNS or re.search(pattern, words), (row, words)


def sides_named(words: str) -> set[str]:
    return {side for side in ("left", "right") if re.search(rf"\b{side}", words)}


def test_a_side_that_is_named_is_the_side_of_the_claim() -> None:
    num_named = 0
    for study in make_plans(600):
        report = write_report(study)
        by_sentence: dict[object, set[str | None]] = {}
        for row in report.triplets:
            index, side = row["sentence_index"], side_of(str(row["region"]))
            # A shift is to a side, and claimed of what lies in the middle.
            sides = {side, *(("left", "right") if row["finding"] == "shift" else ())}
            by_sentence.setdefault(index, set()).update(sides)
            named = sides_named((quote(report, row, "place") or "").lower())
            if len(named) == 1:
                assert side in named, (row, quote(report, row, "place"))
                num_named += 1
        for sentence in report.sentences:
            claimed = by_sentence.get(sentence["sentence_index"])
            if claimed is not None:
                words = " ".join(str(sentence["text"]).lower().split())
                # A catheter from the left runs along this border too.
                words = words.replace("right mediastinal border", "")
                assert sides_named(words) <= claimed, words

    assert num_named > 500


CHANGE_WORDS = {
    Change.NEW: r"new|develop|place|appear|not\s+(seen|present)|recent|intubat|become",
    Change.UNCHANGED: r"chang|stable|persist|again|similar|as\s+before|remain",
    Change.LARGER: r"increase|increasing|worsen|\bmore|larger|progress|reaccumul",
    Change.SMALLER: r"decrease|decreasing|improv|residual|partial|\bless|smaller|clear",
}
"""Written by hand from how changes are named, not from the wording files."""


def test_the_words_of_a_change_say_the_change_of_the_plan() -> None:
    seen = Counter[Change]()
    for study in make_plans(600):
        changes = {
            (observation.finding, place): observation.change
            for observation in study.observations
            for place in observation.places
        }
        report = write_report(study)
        for row in report.triplets:
            if row["context"] == "comparison":
                change = changes[str(row["finding"]), str(row["region"])]
                words = (quote(report, row, "cue") or "").lower()
                assert change is not None
                assert re.search(CHANGE_WORDS[change], words), (change, words)
                seen[change] += 1

    assert min(seen[change] for change in Change) > 20


SEVERITY_WORDS = {
    r"(small|tiny|trace|minimal|mild|mildly|slight|slightly)$": (0.0, 0.45),
    r"(large|severe|severely|marked|markedly|extensive)$": (0.72, 1.0),
}
"""What stands before a finding, and the severities that it is said of."""


def test_the_words_of_an_extent_are_those_of_the_severity() -> None:
    seen = Counter[str]()
    for study in make_plans(600):
        severities = {
            (observation.finding, place): observation.severity
            for observation in study.observations
            for place in observation.places
        }
        report = write_report(study)
        for row in report.triplets:
            start = int(str(row["finding_start"]))
            before = " ".join(report.text[max(0, start - 14) : start].lower().split())
            claim = (str(row["finding"]), str(row["region"]))
            for pattern, (low, high) in SEVERITY_WORDS.items():
                if row["existence"] != "absent" and re.search(pattern, before):
                    assert low <= severities[claim] <= high, (before, claim)
                    seen[pattern] += 1

    assert min(seen[pattern] for pattern in SEVERITY_WORDS) > 20


def test_no_span_starts_or_ends_with_a_space() -> None:
    for study in make_plans(200):
        report = write_report(study)
        for row in report.triplets:
            for role in ("finding", "place", "cue"):
                words = quote(report, row, role)
                assert words is None or words == words.strip() != ""


def test_what_is_claimed_present_is_what_the_plan_is_certain_of() -> None:
    for study in make_plans(600):
        claimed = {
            (finding, region)
            for finding, region, existence, _ in rows(write_report(study))
            if existence == "present"
        }

        planned = {
            (observation.finding, place)
            for observation in study.observations
            if observation.is_certain
            for place in observation.places
        }
        assert claimed == planned


def test_what_is_hedged_is_what_the_plan_hedges_and_alternatives() -> None:
    for study in make_plans(600):
        hedged = {
            (finding, region)
            for finding, region, existence, _ in rows(write_report(study))
            if existence == "uncertain"
        }

        findings = {observation.finding for observation in study.observations}
        planned = {
            (observation.finding, place)
            for observation in study.observations
            if not observation.is_certain
            for place in observation.places
        }
        assert planned <= hedged
        assert not {finding for finding, _ in hedged - planned} & findings


def test_what_is_denied_is_not_in_the_plan_and_what_is_gone_was() -> None:
    for study in make_plans(600):
        report = write_report(study)
        findings = {observation.finding for observation in study.observations}
        resolved = {
            (observation.finding, place)
            for observation in study.resolved
            for place in observation.places
        }

        for finding, region, existence, context in rows(report):
            if existence == "absent":
                assert finding not in findings
            assert (context == "removal") <= ((finding, region) in resolved)
            assert (context == "removal") <= (existence == "absent")


def test_a_finding_is_never_both_hedged_and_denied() -> None:
    for study in make_plans(600):
        by_existence: dict[str, set[str]] = {}
        for finding, _, existence, _ in rows(write_report(study)):
            by_existence.setdefault(existence, set()).add(finding)

        assert not by_existence.get("uncertain", set()) & by_existence.get(
            "absent", set()
        )


def test_only_a_study_with_an_earlier_one_is_compared() -> None:
    contexts = Counter(
        (context, study.has_earlier)
        for study in make_plans(600)
        for _, _, _, context in rows(write_report(study))
    )

    assert contexts["comparison", False] == 0
    assert contexts["removal", False] == 0
    assert contexts["comparison", True] > 100
    assert contexts["removal", True] > 20
    assert contexts["history", True] == contexts["history", False] == 0


def test_nothing_is_denied_that_would_contradict_the_plan() -> None:
    effusion = observe("pleural effusion", "left costophrenic angle")
    denied: set[str] = set()
    for seed in range(300):
        report = write_report(make_study(effusion, seed=seed))
        denied |= {row[0] for row in rows(report) if row[2] == "absent"}

    assert "pneumothorax" in denied
    assert not denied & {"pleural effusion", "blunt", "pleural thicken", "obscure"}


def test_lungs_with_an_unnamed_pattern_are_not_called_clear() -> None:
    pattern = observe(GROUND_GLASS, "right lung", "left lung")
    denied: set[str] = set()
    for seed in range(300):
        report = write_report(make_study(pattern, seed=seed))
        assert "ground glass" not in report.text
        assert all(row[2] == "absent" for row in rows(report))
        denied |= {row[0] for row in rows(report)}

    assert "pneumothorax" in denied
    assert not denied & {"opacity", "consolidation", "pneumonia", "infiltration"}


def test_a_removed_tube_is_absent_with_context_removal() -> None:
    tube = observe("tube", "trachea")
    found = set()
    for seed in range(60):
        study = make_study(resolved=(tube,), has_earlier=True, seed=seed)
        found |= {row for row in rows(write_report(study)) if row[0] == "tube"}

    assert found == {("tube", "trachea", "absent", "removal")}


def test_a_scar_does_not_resolve() -> None:
    scar = observe("scar", "left apical zone")

    for seed in range(60):
        study = make_study(resolved=(scar,), has_earlier=True, seed=seed)
        assert not [row for row in rows(write_report(study)) if row[3] == "removal"]


def test_remarks_and_sections_that_are_not_read_claim_nothing() -> None:
    seen = Counter[str]()
    for study in make_plans(900):
        report = write_report(study)
        claiming = {row["sentence_index"] for row in report.triplets}
        for row in report.sentences:
            text = str(row["text"]).replace("\n", " ").lower()
            for words in ("history of", "to exclude", "limited for", "correlate"):
                if words in text and "difficult to exclude" not in text:
                    seen[words] += 1
                    is_hedge = "hard to exclude" in text
                    assert is_hedge or row["sentence_index"] not in claiming, text
            assert "eval for" not in text
            assert "wet read" not in text

    assert min(seen[words] for words in ("history of", "to exclude", "correlate")) > 3


def test_at_least_300_frames_are_used_and_reports_differ() -> None:
    plans = make_plans(1400)[:2000]
    assert len(plans) == 2000
    claim_frames = {frame.frame_id for frame in read_frames()}
    used: set[str] = set()
    texts: set[str] = set()
    for study in plans:
        page = write_page(study, layout="mimic_cxr")
        used |= {placed.frame_id for placed in page.placed}
        texts.add("".join(page.parts))

    assert len(used & claim_frames) >= 300
    assert len(texts) > 0.97 * len(plans)


def test_the_shapes_of_a_mimic_report_all_occur() -> None:
    texts = [write_report(study).text for study in make_plans(600)]

    shares = {
        "starts with final report": np.mean(
            [text.lstrip().startswith("FINAL REPORT") for text in texts]
        ),
        "wet read": np.mean([text.startswith(" WET READ: ___") for text in texts]),
        "addendum": np.mean([text.startswith(" ADDENDUM\n") for text in texts]),
        "no header": np.mean(
            [not re.search(r"^ [A-Z][A-Z ,]+:", text, re.MULTILINE) for text in texts]
        ),
        "numbered": np.mean(["\n 1. " in text for text in texts]),
        "notification": np.mean(["\n NOTIFICATION:" in text for text in texts]),
        "double stop": np.mean([".." in text for text in texts]),
        "no impression": np.mean(
            [not re.search(r"\n (IMPR|CONC)", text) for text in texts]
        ),
    }

    assert shares["starts with final report"] > 0.85
    assert all(share > 0.005 for share in shares.values()), shares


def test_lines_start_with_a_space_and_have_at_most_79_characters() -> None:
    lengths = set()
    for study in make_plans(300):
        for line in write_report(study).text.removesuffix("\n").split("\n"):
            assert line.startswith(" ")
            lengths.add(len(line))

    assert max(lengths) == LINE_WIDTH == 79


def test_a_preliminary_block_stands_above_a_line_of_underscores() -> None:
    texts = [write_report(study).text for study in make_plans(600)]
    blocks = [text for text in texts if not text.lstrip().startswith("FINAL")]

    for text in blocks:
        above, below = text.split(f"\n {'_' * 78}\n")
        assert above.startswith((" WET READ", " ADDENDUM"))
        assert below.lstrip().startswith("FINAL REPORT")
    assert len(blocks) > 10


def test_a_paragraph_is_wrapped_without_losing_a_character() -> None:
    page = ReportPage(width=12)
    page.add_line(" X")
    sentences = [
        WrittenSentence(text="No mass seen.", claims=(), frame_id="a"),
        WrittenSentence(text="Clear.", claims=(), frame_id="b"),
    ]

    page.add_paragraph(sentences, section="findings", prefix="F: ", gap="  ")

    # Width 12 is the space and eleven characters; no line may start with the second
    # of two spaces, so "seen." takes one of them along.
    text = "".join(page.parts)
    assert text == " X\n F: No mass\n seen. \n Clear.\n"
    assert [text[slice(*placed.span)] for placed in page.placed] == [
        "No mass\n seen.",
        "Clear.",
    ]


def test_a_word_longer_than_a_line_is_refused() -> None:
    page = ReportPage(width=6)

    with pytest.raises(ValueError, match="expected words of at most 5 characters"):
        page.add_text("pneumothorax and more")


def test_the_plain_layout_is_one_line_a_section() -> None:
    study = make_study(observe("hernia", "abdomen"))

    report = write_report(study, layout="plain")

    sentences: list[dict[str, Any]] = report.sentences
    assert all(
        report.text[row["start"] : row["end"]] == row["text"] for row in sentences
    )
    assert report.text.count("\n") == len({r["section"] for r in report.sentences})


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a layout of .*, found 'nhs'"):
        write_report(make_study(), layout="nhs")


def test_an_observation_without_words_is_refused() -> None:
    study = make_study(observe("drainage", "left lung"))

    with pytest.raises(
        ValueError, match=r"expected a frame for .*drainage.*found none"
    ):
        write_report(study)


def test_the_same_study_gives_the_same_report_and_the_generator_decides() -> None:
    study = make_study(observe("mass", "left upper lung zone"))

    first, again = write_report(study), write_report(study)
    other = write_report(study, rng=np.random.default_rng(1))
    same = write_report(study, rng=np.random.default_rng(1))

    assert first == again
    assert other == same
    assert other.text != first.text


def test_the_rows_fit_the_declared_tables() -> None:
    plans = make_plans(200)
    reports = [(study.study_id, write_report(study)) for study in plans]

    sentences = SENTENCES.frame(
        {"study_id": name, **row}
        for name, report in reports
        for row in report.sentences
    )
    triplets = TRIPLETS.frame(
        {"study_id": name, **row} for name, report in reports for row in report.triplets
    )

    SENTENCES.check(sentences, where="test")
    TRIPLETS.check(triplets, where="test")
    assert set(sentences["section"]) == {"findings", "impression"}
    assert set(triplets["parser"]) == {"truth"}


def surface_forms(finding: str, places: tuple[str, ...]) -> set[str]:
    nouns = {noun.form.text for noun in find_nouns(finding, places, POSITIVE)}
    marked = {
        mark.nodes[0].text
        for frame in read_frames()
        for index, pattern in enumerate(frame.claims)
        if finding in pattern.findings
        and pattern.kind in ("present", "uncertain")
        and all(places_fit(word, places) for word in pattern.restrictions)
        for mark in walk(frame.nodes)
        if isinstance(mark, Mark) and mark.role == "f" and index in mark.claims
        if isinstance(mark.nodes[0], Literal)
    }
    return nouns | marked


@pytest.mark.parametrize(
    "finding", [*(prior.finding for prior in finding_priors()), "tip", "engorgement"]
)
def test_every_finding_has_four_surface_forms_at_each_of_its_places(
    finding: str,
) -> None:
    places = {
        places
        for prior in finding_priors()
        for name, options in (
            (prior.finding, prior.places),
            (prior.companion, prior.companion_places),
        )
        if name == finding
        for places in options
    }

    assert places
    for option in places:
        assert len(surface_forms(finding, option)) >= 4, option


def test_every_frame_for_one_claim_can_state_something_of_the_world() -> None:
    memory = make_memory()
    sayings = [
        Statement(kind=kind, finding=finding, places=places)
        for prior in finding_priors()
        for finding, options in (
            (prior.finding, prior.places),
            (prior.companion, prior.companion_places),
        )
        for places in options
        if finding is not None
        for kind in Kind
    ]
    sayings += [
        Statement(kind=Kind.ABSENT, finding=finding, places=row.places)
        for finding, denials in read_denials().items()
        for row in denials
    ]

    usable = {
        frame.frame_id
        for statement in sayings
        for frame in find_frames((statement,), uses="FTI", memory=memory)
    }

    single = {
        f.frame_id for f in read_frames() if len(f.claims) == 1 and not f.has_list
    }
    assert len(single) > 300
    assert single <= usable, single - usable


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("there is <a 1", "slot"),
        ("the [heart", "to close a bracket"),
        ("the <heart>", "found '<heart>'"),
        ("clear ] lungs", "found ']'"),
        ("<1> {seems} large", "found '{seems}'"),
    ],
)
def test_a_template_with_a_mistake_is_refused(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        parse_template(template, where="frames_present.tsv:7")
    assert str(error.value).startswith("frames_present.tsv:7: expected")
