"""Every table of the pipeline, declared once.

Changing a column or its meaning bumps the table's version; there is no migration code.
"""

from typing import Final

import polars as pl

from asg_core.tables.schema import TableSchema
from asg_core.terms.differences import Difference
from asg_core.terms.existence import Context, Existence
from asg_core.terms.findings import FINDINGS
from asg_core.terms.regions import PLACES, REGIONS
from asg_core.terms.views import View

BOX: Final = pl.Array(pl.Float32, 4)
SPAN: Final = pl.Struct({"start": pl.Int32, "end": pl.Int32})
SPLITS: Final = ("train", "validate", "test")

EXISTENCE: Final = pl.Enum([member.value for member in Existence])
CONTEXT: Final = pl.Enum([member.value for member in Context])
DIFFERENCE: Final = pl.Enum([member.value for member in Difference])
FINDING: Final = pl.Enum(list(FINDINGS))
PLACE: Final = pl.Enum(list(PLACES))
REGION: Final = pl.Enum(list(REGIONS))
SPLIT: Final = pl.Enum(list(SPLITS))
VIEW: Final = pl.Enum([member.value for member in View])

RESULT_KEY: Final = (
    "benchmark",
    "split",
    "protocol",
    "encoder",
    "fraction",
    "seed",
)
"""What a score or a metric is of: one fit of one encoder under one protocol on one split
of one benchmark."""

_RESULT_COLUMNS: Final = {
    "benchmark": pl.String,
    "split": pl.String,
    "protocol": pl.String,
    "encoder": pl.String,
    "fraction": pl.Float64,
    "seed": pl.Int32,
}
_RESULT_NOTES: Final = {
    "split": "its name, as `evaluation.benchmarks` and published numbers have it",
    "encoder": "its name in `evaluation.encoders`",
    "fraction": "share of the training labels; 0 for zero-shot",
    "seed": "of the draw of the labels, and of the fit",
}

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
    version=2,
    key=("image_id",),
    columns={
        "image_id": pl.String,
        "study_id": pl.String,
        "path": pl.String,
        "view": VIEW,
        "view_as_given": pl.String,
        "width": pl.Int32,
        "height": pl.Int32,
    },
    notes={
        "path": "relative to the source's root, with forward slashes",
        "view": "FRONTAL: PA or AP, nobody says which; UNKNOWN: not said, or in words "
        "that asg_core/terms/views.tsv does not have",
        "view_as_given": "the spelling that the source has; null: it says nothing",
        "width": "pixels of the original frame",
    },
    nullable=frozenset({"view_as_given"}),
    about="One radiograph as released, before it is decoded.",
)

VIEW_COUNTS = TableSchema(
    name="view_counts",
    version=1,
    key=("view", "spelling"),
    columns={
        "view": VIEW,
        "spelling": pl.String,
        "num_images": pl.Int64,
    },
    notes={
        "spelling": 'as the source has it; "": it says nothing',
        "num_images": "of the splits that are kept, before any is left out by its view "
        "or rejected",
    },
    about="How many images have a view, by the spelling of the source.",
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

TRIPLET_SCORES = TableSchema(
    name="triplet_scores",
    version=1,
    key=("element", "metric", "target"),
    columns={
        "element": pl.String,
        "metric": pl.String,
        "target": pl.String,
        "value": pl.Float64,
        "ci_low": pl.Float64,
        "ci_high": pl.Float64,
        "corpus_value": pl.Float64,
        "corpus_low": pl.Float64,
        "corpus_high": pl.Float64,
        "num_items": pl.Int64,
    },
    notes={
        "element": "finding, region, existence, joint: all three; joint_now: of the "
        "triplets that the run has now, against the same marks",
        "metric": "precision, recall, f1",
        "target": '"all", a finding, or an existence',
        "value": "of the reports that a person judged; null: nothing to be over",
        "ci_low": "95 %: Wilson for precision and recall, bootstrap over reports for F1",
        "corpus_value": "each report weighted by how many of the corpus it stands for",
        "num_items": "judged rows (precision), rows with a claim (recall, F1)",
    },
    nullable=frozenset(
        {"value", "ci_low", "ci_high", "corpus_value", "corpus_low", "corpus_high"}
    ),
    about="What a person found right in a sample of the triplets (check_triplets).",
)

TRIPLET_CONFUSIONS = TableSchema(
    name="triplet_confusions",
    version=1,
    key=("element", "proposed", "truth"),
    columns={
        "element": pl.String,
        "proposed": pl.String,
        "truth": pl.String,
        "num_items": pl.Int64,
    },
    notes={
        "element": "finding, region, existence",
        "proposed": '"not proposed" for a triplet that was missed',
        "truth": '"no claim": the sentence does not say this; "not said": uncorrected',
    },
    about="What was proposed where a person found something else (check_triplets).",
)

TRIPLET_COMPARISONS = TableSchema(
    name="triplet_comparisons",
    version=1,
    key=("study_id", "finding", "claim_index"),
    columns={
        "study_id": pl.String,
        "finding": FINDING,
        "claim_index": pl.Int32,
        "sentence_index": pl.Int32,
        "difference": DIFFERENCE,
        "own_existence": EXISTENCE,
        "own_context": CONTEXT,
        "own_regions": pl.List(PLACE),
        "own_start": pl.Int32,
        "own_end": pl.Int32,
        "second_existence": EXISTENCE,
        "second_context": CONTEXT,
        "second_regions": pl.List(PLACE),
        "second_start": pl.Int32,
        "second_end": pl.Int32,
    },
    notes={
        "claim_index": "0-based, of this finding in this report, in the order of the words",
        "sentence_index": "of the table sentences; null: in no sentence that the run reads",
        "difference": "the first that applies of: outside (the second claims it where the "
        "run does not read), only_own, only_second, existence, side, region, context, none",
        "own_existence": "null, like all of `own_`: only the second claims it",
        "own_regions": "all that the claim is made for, in the order of the vocabulary",
        "own_start": "characters of the report's text, half-open",
        "second_existence": "null, like all of `second_`: only the run's parser claims it",
    },
    nullable=frozenset(
        {
            "sentence_index",
            *(
                f"{reader}_{part}"
                for reader in ("own", "second")
                for part in ("existence", "context", "regions", "start", "end")
            ),
        }
    ),
    about="A finding in a sentence as two parsers claim it (check_triplets).",
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

TOKENS = TableSchema(
    name="tokens",
    version=1,
    key=("study_id",),
    columns={
        "study_id": pl.String,
        "piece_ids": pl.List(pl.Int32),
        "word_of_piece": pl.List(pl.Int32),
        "word_starts": pl.List(pl.Int32),
        "word_ends": pl.List(pl.Int32),
    },
    notes={
        "piece_ids": "of the tokenizer's vocabulary, without [CLS] and [SEP]",
        "word_of_piece": "0-based word of each piece, ascending",
        "word_starts": "of each word: characters of the report's text, half-open",
    },
    about="The sentences of a report that are read, as pieces of words, in reading order.",
)

HISTORY = TableSchema(
    name="history",
    version=1,
    key=("step", "metric"),
    columns={
        "step": pl.Int64,
        "metric": pl.String,
        "value": pl.Float64,
    },
    notes={
        "step": "optimizer steps done when the number was taken",
        "metric": '"train/loss", "train/image_report", "validate/tag_map", ...',
    },
    about="The curves of one pre-training run.",
)

BENCHMARK_IMAGES = TableSchema(
    name="benchmark_images",
    version=3,
    key=("image_id",),
    columns={
        "image_id": pl.String,
        "patient_id": pl.String,
        "path": pl.String,
        "view": VIEW,
        "split": SPLIT,
        "split_index": pl.Int32,
        "width": pl.Int32,
        "height": pl.Int32,
    },
    notes={
        "path": "relative to the benchmark's root, with forward slashes",
        "view": "as in images",
        "split": "of the split that the configuration names",
        "split_index": "0-based, in the order in which the split lists this part; images "
        "that are rejected leave gaps",
        "width": "pixels of the original frame; null: images were not looked at",
        "height": "as width",
    },
    nullable=frozenset({"width", "height"}),
    about="The images of one benchmark, each in one part of one named split.",
)

BENCHMARK_LABELS = TableSchema(
    name="benchmark_labels",
    version=1,
    key=("image_id", "target"),
    columns={
        "image_id": pl.String,
        "target": pl.String,
        "value": pl.Float32,
    },
    notes={
        "target": "spelled as the benchmark spells it",
        "value": "1 present, 0 not, after the benchmark's policy; no row: unlabelled",
    },
    about="What one benchmark says about its images.",
)

BENCHMARK_BOXES = TableSchema(
    name="benchmark_boxes",
    version=1,
    key=("image_id", "target", "box_index"),
    columns={
        "image_id": pl.String,
        "target": pl.String,
        "box_index": pl.Int32,
        "box_xyxy": BOX,
    },
    notes={
        "box_index": "0-based, in file order",
        "box_xyxy": "pixels of the original frame, half-open",
    },
    about="Boxes around findings that a benchmark provides.",
)

BENCHMARK_MASKS = TableSchema(
    name="benchmark_masks",
    version=1,
    key=("image_id", "target"),
    columns={
        "image_id": pl.String,
        "target": pl.String,
        "runs": pl.List(pl.Struct({"start": pl.Int32, "length": pl.Int32})),
    },
    notes={
        "runs": "of pixels inside the mask, counted down the columns of the original "
        "frame from the left; ascending, disjoint",
    },
    about="Masks of findings that a benchmark provides; no row: the mask is empty.",
)

SCORES = TableSchema(
    name="scores",
    version=2,
    key=(*RESULT_KEY, "image_id", "target"),
    columns={
        **_RESULT_COLUMNS,
        "image_id": pl.String,
        "target": pl.String,
        "score": pl.Float32,
        "truth": pl.Float32,
    },
    notes={
        **_RESULT_NOTES,
        "score": "ranks the images of a target: a probability, logit or similarity",
        "truth": "1 present, 0 not",
    },
    about="What a protocol says about each test image.",
)

SEGMENTATION_SCORES = TableSchema(
    name="segmentation_scores",
    version=2,
    key=(*RESULT_KEY, "image_id", "target"),
    columns={
        **_RESULT_COLUMNS,
        "image_id": pl.String,
        "target": pl.String,
        "num_predicted": pl.Int32,
        "num_true": pl.Int32,
        "num_shared": pl.Int32,
    },
    notes={
        **_RESULT_NOTES,
        "num_predicted": "pixels of the protocol's grid inside the predicted mask",
        "num_true": "pixels inside the true mask",
        "num_shared": "pixels inside both; Dice is 2 shared / (predicted + true)",
    },
    about="How a predicted mask covers the true one, for each test image.",
)

METRICS = TableSchema(
    name="metrics",
    version=3,
    key=(*RESULT_KEY, "metric", "target"),
    columns={
        **_RESULT_COLUMNS,
        "metric": pl.String,
        "target": pl.String,
        "value": pl.Float64,
        "ci_low": pl.Float64,
        "ci_high": pl.Float64,
        "floor": pl.Float64,
        "num_items": pl.Int64,
        "num_positive": pl.Int64,
        "num_train": pl.Int64,
        "num_train_positive": pl.Int64,
        "reason": pl.String,
        "test_digest": pl.String,
    },
    notes={
        **_RESULT_NOTES,
        "target": '"all" is the mean over the targets',
        "value": "null: undefined, see reason",
        "ci_low": "95 % bootstrap interval over the patients of the test set",
        "floor": "what needs no image at all scores: chance, the majority class, an "
        "empty mask, the mean training mask",
        "num_items": "test images that the value is over",
        "num_positive": "of them with the target; null where it has none, as for all",
        "num_train": "training images of the fraction; 0 for zero-shot",
        "num_train_positive": "of them with the target",
        "reason": "why there is no value, or what a mean leaves out",
        "test_digest": "of the sorted ids of the test images",
    },
    nullable=frozenset(
        {
            "value",
            "ci_low",
            "ci_high",
            "floor",
            "num_positive",
            "num_train_positive",
            "reason",
        }
    ),
    about="A number over a benchmark under a protocol, with its support and its floor.",
)

TABLES: tuple[TableSchema, ...] = (
    STUDIES,
    IMAGES,
    VIEW_COUNTS,
    REPORTS,
    SENTENCES,
    TRIPLETS,
    PIXELS,
    ANNOTATED_BOXES,
    REGION_BOXES,
    ALIGNMENTS,
    TAG_TARGETS,
    TOKENS,
    HISTORY,
    BENCHMARK_IMAGES,
    BENCHMARK_LABELS,
    BENCHMARK_BOXES,
    BENCHMARK_MASKS,
    SCORES,
    SEGMENTATION_SCORES,
    METRICS,
    TRIPLET_SCORES,
    TRIPLET_CONFUSIONS,
    TRIPLET_COMPARISONS,
    STAGE_METRICS,
    REJECTS,
)
