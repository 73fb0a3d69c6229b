"""The radiologist's report of a synthetic study, with the exact truth of what it claims.

Conventions of the truth; they are part of the corpus, so a change is a change of data.

Rows. One row for every claim of a sentence about one finding in one region. "Bibasilar"
and "both lungs" give one row a region with the same offsets. Sentences of the indication,
technique, comparison, wet read, addendum and notification have no rows and are not in
`sentences`; so have remarks, recommendations ("... to exclude pneumonia") and the
patient's past ("history of pneumonia") no rows. A report without headers is one section,
"findings".

Existence. "Consistent with", "compatible with" and "in keeping with" state; may, possible,
likely, probable, suspected, versus, "cannot be excluded", "concerning for" and "suggestive
of" hedge. In "opacity, which may represent pneumonia" the opacity is present and the
pneumonia uncertain, at the place of the opacity. The plan's observations are present or
uncertain as the plan says; an alternative the reader considers ("versus scarring") is
uncertain and not in the plan; nothing that the plan has is denied, and nothing that would
contradict it (`never beside` in wording/denials.tsv).

Context. Comparison when the sentence itself says how the finding has changed or that it
has not; removal, with existence absent, for what the plan says is gone; else current.

Implied places. Words that name a side without a zone: effusion, thickening and blunting
are at that side's costophrenic angle, a pneumothorax at that side's apical zone, a
pacemaker at that side's chest wall. Words that name no place: heart size and cardiomegaly
are at the cardiac silhouette; edema, hyperinflation, emphysema and markings in both lungs;
vascular engorgement at both hilar structures; widening at the mediastinum; a hiatal hernia
in the abdomen; a tube in the trachea, a line in the svc, sternal wires over the
mediastinum. Aorta means aortic arch, vertebrae mean spine. Middle lobe and lingula are mid
zones, base and retrocardiac are lower zones. What is denied without a place is denied on
both sides: lung findings in both lungs ("the lungs are clear" is opacity absent there),
effusion, thickening and blunting at both costophrenic angles, pneumothorax at both apical
zones, shift at the mediastinum, fracture at "unspecified".

Spans. The finding span is the noun ("pleural effusion"), or the word that states it
("enlarged" in "the heart is enlarged"), or the whole clause of a normal statement ("heart
size is normal"). The place span has no preposition or article ("left lower lobe"); it is
None when the place is implied, or is that of an earlier sentence ("It has increased": the
finding span is then the pronoun). In "A versus B at the base" both have the place. The
cue span is the word that hedges, denies, compares or removes; None for a plain statement.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from asg_core.synthetic.world.world import StudyPlan
from asg_core.synthetic.writing.content import write_findings, write_impression
from asg_core.synthetic.writing.layout import (
    Placed,
    ReportBody,
    ReportPage,
    lay_out_mimic,
    lay_out_plain,
)
from asg_core.synthetic.writing.radiologist import Reader, meet_reader
from asg_core.synthetic.writing.sentences import ClaimSpans, WrittenSentence
from asg_core.synthetic.writing.statements import Draws

PARSER = "truth"
"""The value of the column `parser` in the rows of the truth."""

_LAYOUTS = {"mimic_cxr": lay_out_mimic, "plain": lay_out_plain}
# The seed of a study is also used for its pictures; this one is for its words.
_WORDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenReport:
    """A report and what it claims; all offsets are characters of `text`, half-open."""

    text: str
    sentences: list[dict[str, object]]
    """Rows of `SENTENCES` without the study."""

    triplets: list[dict[str, object]]
    """Rows of `TRIPLETS` without the study."""


def write_report(
    study: StudyPlan,
    *,
    layout: str = "mimic_cxr",
    rng: np.random.Generator | None = None,
) -> WrittenReport:
    """Write the report of a study.

    Args:
        study: What is the case.
        layout: "mimic_cxr" or "plain" (see `report_layout`).
        rng: Consumed; None: a generator made from the seed of the study.

    Raises:
        ValueError: If there is no such layout, or no words for an observation.
    """
    page = write_page(study, layout=layout, rng=rng)
    text = "".join(page.parts)
    return WrittenReport(
        text=text,
        sentences=[
            {
                "sentence_index": index,
                "section": placed.section,
                "start": placed.span[0],
                "end": placed.span[1],
                "text": text[slice(*placed.span)],
            }
            for index, placed in enumerate(page.placed)
        ],
        triplets=[
            row
            for index, placed in enumerate(page.placed)
            for row in _triplet_rows(placed, sentence_index=index)
        ],
    )


def write_page(
    study: StudyPlan, *, layout: str, rng: np.random.Generator | None = None
) -> ReportPage:
    """Write a report and keep the frame of every sentence; see `write_report`."""
    if layout not in _LAYOUTS:
        raise ValueError(
            f"write_report: expected a layout of {sorted(_LAYOUTS)}, found '{layout}'"
        )
    if rng is None:
        rng = np.random.default_rng((*study.seed, _WORDS))
    reader = meet_reader(study, draws=Draws(rng))
    return _LAYOUTS[layout](_write_body(reader), reader=reader)


def _write_body(reader: Reader) -> ReportBody:
    draw = reader.draws.number()
    if draw < 0.15:
        findings: list[WrittenSentence] = []
        impression = write_impression(reader, is_alone=True)
    elif draw < 0.21:
        findings, impression = write_findings(reader), []
    else:
        findings = write_findings(reader)
        impression = write_impression(reader, is_alone=False)
    return ReportBody(
        findings=[_roughen(sentence, reader=reader) for sentence in findings],
        impression=[_roughen(sentence, reader=reader) for sentence in impression],
        has_headers=draw < 0.92,
    )


def _roughen(sentence: WrittenSentence, *, reader: Reader) -> WrittenSentence:
    """Sometimes end a sentence as hurried dictation does: ".." or no stop at all."""
    draw = reader.draws.number()
    if draw > 0.012:
        return sentence
    if draw > 0.006:
        return replace(sentence, text=sentence.text + ".")
    return replace(sentence, text=sentence.text.rstrip("."))


def _triplet_rows(
    placed: Placed, *, sentence_index: int
) -> Iterator[dict[str, object]]:
    for claim in placed.claims:
        for region in claim.statement.places:
            yield _triplet_row(claim, region=region, sentence_index=sentence_index)


def _triplet_row(
    claim: ClaimSpans, *, region: str, sentence_index: int
) -> dict[str, object]:
    place, cue = claim.place or (None, None), claim.cue or (None, None)
    return {
        "sentence_index": sentence_index,
        "region": region,
        "finding": claim.statement.finding,
        "existence": claim.statement.existence.value,
        "context": claim.statement.context.value,
        "finding_start": claim.finding[0],
        "finding_end": claim.finding[1],
        "place_start": place[0],
        "place_end": place[1],
        "cue_start": cue[0],
        "cue_end": cue[1],
        "parser": PARSER,
    }
