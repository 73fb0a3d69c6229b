"""Every table of the pipeline, declared once.

Changing a column or its meaning bumps the table's version; there is no migration code.
"""

from typing import Final

import polars as pl

from asg_core.tables.schema import TableSchema
from asg_core.terms.existence import Context, Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES, REGIONS
from asg_core.terms.views import View

BOX: Final = pl.Array(pl.Float32, 4)
SPAN: Final = pl.Struct({"start": pl.Int32, "end": pl.Int32})
SPLITS: Final = ("train", "validate", "test")

EXISTENCE: Final = pl.Enum([member.value for member in Existence])
CONTEXT: Final = pl.Enum([member.value for member in Context])
FINDING: Final = pl.Enum(list(FINDINGS))
PLACE: Final = pl.Enum(list(PLACES))
REGION: Final = pl.Enum(list(REGIONS))
SPLIT: Final = pl.Enum(list(SPLITS))
VIEW: Final = pl.Enum([member.value for member in View])

STUDIES = TableSchema(
    name="studies",
    version=1,
    key=("study_id",),
    columns={
        "study_id": pl.String,
        "patient_id": pl.String,
        "split": SPLIT,
    },
    notes={
        "patient_id": "the study_id where the source names no patient",
    },
    about="One examination of one patient.",
)

IMAGES = TableSchema(
    name="images",
    version=1,
    key=("image_id",),
    columns={
        "image_id": pl.String,
        "study_id": pl.String,
        "path": pl.String,
        "view": VIEW,
        "width": pl.Int32,
        "height": pl.Int32,
    },
    notes={
        "path": "relative to the source's root, with forward slashes",
        "width": "pixels of the original frame",
    },
    about="One radiograph as released, before it is decoded.",
)

REPORTS = TableSchema(
    name="reports",
    version=1,
    key=("study_id",),
    columns={
        "study_id": pl.String,
        "text": pl.String,
    },
    notes={
        "text": "as released; every offset of the pipeline indexes it",
    },
    about="The radiologist's text of a study.",
)

SENTENCES = TableSchema(
    name="sentences",
    version=1,
    key=("study_id", "sentence_index"),
    columns={
        "study_id": pl.String,
        "sentence_index": pl.Int32,
        "section": pl.String,
        "start": pl.Int32,
        "end": pl.Int32,
        "text": pl.String,
    },
    notes={
        "sentence_index": "0-based, in report order, over all sections read",
        "section": 'canonical section name: "findings", "impression", ...',
        "start": "characters of the report's text, half-open",
        "text": "report[start:end]",
    },
    about="The sentences of the sections that are read.",
)

TRIPLETS = TableSchema(
    name="triplets",
    version=1,
    key=("study_id", "sentence_index", "region", "finding", "finding_start"),
    columns={
        "study_id": pl.String,
        "sentence_index": pl.Int32,
        "region": PLACE,
        "finding": FINDING,
        "existence": EXISTENCE,
        "context": CONTEXT,
        "finding_start": pl.Int32,
        "finding_end": pl.Int32,
        "place_start": pl.Int32,
        "place_end": pl.Int32,
        "cue_start": pl.Int32,
        "cue_end": pl.Int32,
        "parser": pl.String,
    },
    notes={
        "finding_start": "characters of the report's text, half-open",
        "place_start": "null: the place follows from the finding alone",
        "cue_start": "null: no cue; a plain statement is present",
    },
    nullable=frozenset({"place_start", "place_end", "cue_start", "cue_end"}),
    about="One claim of one sentence: a finding, a place, and whether it is there.",
)

ANNOTATED_BOXES = TableSchema(
    name="annotated_boxes",
    version=1,
    key=("image_id", "region"),
    columns={
        "image_id": pl.String,
        "region": REGION,
        "box_xyxy": BOX,
        "split": SPLIT,
        "origin": pl.String,
    },
    notes={
        "box_xyxy": "pixels of the original frame, half-open",
        "split": "what the annotation may be used for",
        "origin": '"chest_imagenome", "table", ...',
    },
    about="Boxes that a data set provides; the detector learns from those of `train`.",
)

REGION_BOXES = TableSchema(
    name="region_boxes",
    version=1,
    key=("image_id", "region"),
    columns={
        "image_id": pl.String,
        "region": REGION,
        "box_xyxy": BOX,
        "score": pl.Float32,
        "origin": pl.String,
    },
    notes={
        "box_xyxy": "pixels of the original frame, half-open",
        "score": "in [0, 1]; 1 for imported boxes",
        "origin": "the backend, or the source of an imported box",
    },
    about="At most one box per region and image; a region that was not found has no row.",
)

ALIGNMENTS = TableSchema(
    name="alignments",
    version=1,
    key=("image_id", "unit_index"),
    columns={
        "image_id": pl.String,
        "unit_index": pl.Int32,
        "study_id": pl.String,
        "regions": pl.List(REGION),
        "sentence_indices": pl.List(pl.Int32),
        "spans": pl.List(SPAN),
        "box_xyxy": BOX,
        "scenario": pl.Int8,
        "policy": pl.Enum(["merge", "split"]),
    },
    notes={
        "unit_index": "0-based, in order of first sentence, then region",
        "spans": "of the report's text: the words of this unit",
        "box_xyxy": "pixels of the original frame; the union of the regions' boxes",
        "scenario": "1: one region, one sentence; 2: one region; 3: several",
    },
    about="One unit: one box of an image with one piece of its report.",
)

TAG_TARGETS = TableSchema(
    name="tag_targets",
    version=1,
    key=("image_id", "finding"),
    columns={
        "image_id": pl.String,
        "finding": FINDING,
        "existence": EXISTENCE,
    },
    notes={
        "existence": "over the report: present > uncertain > absent",
    },
    about="A finding as an image-level target; a missing row is unlabelled.",
)

STAGE_METRICS = TableSchema(
    name="stage_metrics",
    version=1,
    key=("stage", "metric", "target"),
    columns={
        "stage": pl.String,
        "metric": pl.String,
        "target": pl.String,
        "value": pl.Float64,
        "num_items": pl.Int64,
    },
    notes={
        "target": 'what the metric is over: "all", a region, a reason, ...',
        "value": "null: undefined, such as a precision without claims",
    },
    nullable=frozenset({"value"}),
    about="Counts, rates and scores against ground truth, per stage.",
)

REJECTS = TableSchema(
    name="rejects",
    version=1,
    key=("stage", "item_id"),
    columns={
        "stage": pl.String,
        "item_id": pl.String,
        "reason": pl.String,
        "detail": pl.String,
    },
    notes={
        "item_id": 'a study, an image, "image/region", or a row of a file',
        "reason": "one word from a short list per stage, snake_case",
        "detail": "a sentence: where, expected what, found what",
    },
    about="What a stage could not use, and why.",
)

PIXELS = TableSchema(
    name="pixels",
    version=1,
    key=("image_id",),
    columns={
        "image_id": pl.String,
        "width": pl.Int32,
        "height": pl.Int32,
        "pixels": pl.Binary,
    },
    notes={
        "width": "pixels of the original frame, as decoded",
        "pixels": "size x size bytes, row-major, 0 black .. 255 white",
    },
    about="Decoded images, letterboxed to a square (see asg_core.images.pixel_cache).",
)

TABLES: tuple[TableSchema, ...] = (
    STUDIES,
    IMAGES,
    REPORTS,
    SENTENCES,
    TRIPLETS,
    PIXELS,
    ANNOTATED_BOXES,
    REGION_BOXES,
    ALIGNMENTS,
    TAG_TARGETS,
    STAGE_METRICS,
    REJECTS,
)
