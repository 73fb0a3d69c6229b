import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from asg_core.terms.stages import SCORED_STAGES, Stage
from asg_core.terms.targets import ALL

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "workflow" / "scripts"
WORKFLOW = (ROOT / "Snakefile", *sorted((ROOT / "workflow" / "rules").glob("*.smk")))
MODULES = sorted(
    path
    for folder in ("asg_core", "workflow/scripts", "tools")
    for path in (ROOT / folder).rglob("*.py")
)
NAMES = {stage.value for stage in Stage} - {Stage.TABLES.value}
RULE = re.compile(r"^ *rule (\w+):", re.MULTILINE)


def rules() -> set[str]:
    # Targets of the Snakefile make nothing.
    return {name for path in WORKFLOW[1:] for name in RULE.findall(path.read_text())}


def test_a_stage_is_a_rule_with_a_script_and_the_other_way_round() -> None:
    assert rules() == NAMES
    assert {path.stem for path in SCRIPTS.glob("*.py")} == NAMES


def _literals(path: Path) -> Iterator[str]:
    """Yield the strings of a module but for its types: a key may have a value "all"."""
    tree = ast.parse(path.read_text())
    types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in types:
            yield str(node.value)


def test_no_module_spells_a_stage_for_itself() -> None:
    """A name that is written twice can be written in two ways: rejects were lost so."""
    declaring = ROOT / "asg_core" / "terms" / "stages.py"
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in MODULES
        if path != declaring
        for text in _literals(path)
        for name in NAMES & set(text.split("/"))
    }

    assert found == set()


def test_no_module_spells_the_target_of_everything_for_itself() -> None:
    declaring = ROOT / "asg_core" / "terms" / "targets.py"
    # There the word means both parts of a corpus, or images of every view.
    others = ("sources", "chexpert")
    found = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if path != declaring and path.parent.name not in others
        if ALL in _literals(path)
    }

    assert found == set()


@pytest.mark.parametrize("path", WORKFLOW, ids=lambda path: path.stem)
def test_a_rule_s_name_is_written_where_it_is_defined_and_in_the_name_of_its_script(
    path: Path,
) -> None:
    first, *others = re.split(RULE, path.read_text())
    texts = {"": first} | dict(zip(others[::2], others[1::2], strict=True))
    for rule, text in texts.items():
        quoted = re.findall(r'"([^"\s]+)"', text)
        named = {
            name
            for literal in quoted
            for name in re.split(r"\W+", literal)
            if name in NAMES | {ALL}
        }
        assert named <= {rule}, f"{path.name}: {rule}"
        if rule in NAMES:
            assert f'"../scripts/{rule}.py"' in text


def test_scored_stages_stand_in_the_order_of_the_pipeline() -> None:
    order = list(Stage)

    assert sorted(SCORED_STAGES, key=order.index) == list(SCORED_STAGES)
