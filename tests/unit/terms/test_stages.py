import re
from pathlib import Path

from asg_core.terms.stages import SCORED_STAGES, Stage

PACKAGE = Path(__file__).parents[3] / "asg_core"
RULES = Path(__file__).parents[3] / "workflow" / "rules"


def test_every_stage_but_the_count_of_tables_is_called_after_a_rule() -> None:
    text = "".join(path.read_text() for path in RULES.glob("*.smk"))
    rules = set(re.findall(r"^\s*rule (\w+):", text, flags=re.MULTILINE))

    assert {stage.value for stage in Stage} - rules == {Stage.TABLES.value}


def test_no_module_of_the_package_spells_a_stage_for_itself() -> None:
    """A name that is written twice can be written in two ways: rejects were lost so."""
    bare = re.compile(
        r"""(?<!lifecycle_)(?i:stage)["']?\)?\s*(?:[:=(]|==)\s*(?:pl\.lit\()?["']\w"""
    )
    found = {
        f"{path.relative_to(PACKAGE)}: {match[0]}"
        for path in PACKAGE.rglob("*.py")
        for match in bare.finditer(path.read_text())
    }

    assert found == set()


def test_scored_stages_stand_in_the_order_of_the_pipeline() -> None:
    order = list(Stage)

    assert sorted(SCORED_STAGES, key=order.index) == list(SCORED_STAGES)
