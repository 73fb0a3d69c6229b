from asg_core.plan.stages import STAGE_FILES
from asg_core.summary.pages.data import rejects_by_stage
from asg_core.summary.pages.pipeline import draw_pipeline
from asg_core.tables.catalog import REJECTS, TABLES
from asg_core.terms.stages import Stage


def test_the_picture_has_lanes_side_by_side_and_no_gaps() -> None:
    steps = draw_pipeline(
        rows={"studies": 5, "reports": 4, "triplets": 1200, "images": 6},
        rejects={"read_reports": 1},
        num_runs=1,
        num_encoders=0,
        num_benchmarks=0,
    )

    titles = [[lane.title for lane in step] for step in steps]
    assert titles == [["Corpus"], ["Reports", "Images"], ["Pre-training"]]
    reports = steps[1][0].nodes
    assert [(node.count, node.label) for node in reports] == [
        ("4", "reports"),
        ("1,200", "triplets"),
    ]
    assert reports[0].notes == ("1 rejected",)


def test_the_picture_of_nothing_is_empty() -> None:
    steps = draw_pipeline(
        rows={}, rejects={}, num_runs=0, num_encoders=0, num_benchmarks=0
    )

    assert steps == []


def test_the_picture_says_what_every_stage_rejected() -> None:
    # Under the name that their rows carry: imported boxes are rejected as found ones are.
    stages = {
        files.rows_of or stage
        for stage, files in STAGE_FILES.items()
        if files.has_rejects
    }
    # Of a check of triplets, no step of the pipeline; and of encoders that failed, which
    # the overview names in a table of their own.
    stages -= {Stage.SCORE_TRIPLET_SHEET, Stage.COMPARE_TRIPLETS}
    stages -= {Stage.EVALUATE_ENCODER}
    rejects = REJECTS.frame(
        {"stage": stage, "item_id": f"{stage}-{k}", "reason": "x", "detail": "x"}
        for number, stage in enumerate(sorted(stages), start=1)
        for k in range(number)
    )

    steps = draw_pipeline(
        rows={table.name: 5 for table in TABLES},
        rejects=rejects_by_stage(rejects),
        num_runs=2,
        num_encoders=1,
        num_benchmarks=1,
    )

    nodes = [node for step in steps for lane in step for node in lane.nodes]
    said = {note for node in nodes for note in node.notes if "rejected" in note}
    assert said == {f"{number} rejected" for number in range(1, len(stages) + 1)}


def test_a_step_leads_to_its_page_or_to_what_it_rejected() -> None:
    steps = draw_pipeline(
        rows={"studies": 5, "triplets": 7},
        rejects={"read_source": 2, "read_benchmark": 3},
        num_runs=2,
        num_encoders=4,
        num_benchmarks=1,
    )

    nodes = [node for step in steps for lane in step for node in lane.nodes]
    assert [(node.label, node.href, node.notes) for node in nodes] == [
        ("studies", "data.html#rejects", ("2 rejected",)),
        ("triplets", "data.html#rows", ()),
        ("runs", "training.html", ()),
        ("benchmark", "benchmarks.html", ("4 encoders", "3 rejected")),
    ]
