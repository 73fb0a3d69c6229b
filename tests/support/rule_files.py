"""The rule files of the workflow, read as text and without a workflow engine."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from asg_core.plan.run import RunPlan
from asg_core.terms.stages import Stage
from support.checkout import ROOT

FOLDER = ROOT / "workflow" / "rules"
_RULE = re.compile(r"^( *)rule (\w+):\n((?:\1    .*\n|[ ]*\n)+)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^(\w+):(.*\n(?:    .*\n|\n)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule says."""

    name: str
    file: str
    plan: str
    """The last `stage = ...` above the rule, as it is written."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of each directive the values as they are written, by name; by place without one."""

    def one(self, directive: str) -> str:
        """Return the value of a directive that has one."""
        (value,) = self.entries[directive].values()
        return value


def read_rules() -> dict[str, Rule]:
    """Return every rule of `workflow/rules` by its name."""
    return {
        rule.name: rule
        for path in sorted(FOLDER.glob("*.smk"))
        for rule in _rules_of(path.name, path.read_text())
    }


def defined_rules(plan: RunPlan) -> list[str]:
    """Return the rules that the Snakefile defines for one configuration."""
    made: list[str] = []

    def include(name: str) -> None:
        text = (ROOT / name).read_text()
        code = _RULE.sub(lambda found: f"{found[1]}made.append({found[2]!r})\n", text)
        exec(compile(code, name, "exec"), names)  # our own files

    names: dict[str, Any] = {
        "include": include,
        "made": made,
        "plan": plan,
        "project": plan.project,
        "Stage": Stage,
        "StagePlan": lambda plan, stage: stage,
    }
    snakefile = (ROOT / "Snakefile").read_text()
    # What reads the configuration stands before, what runs around the jobs is no rule.
    body = snakefile.partition('common.smk"\n')[2]
    body = body.replace('include: "workflow/rules/tracking.smk"', "")
    body = re.sub(r"include: (.*)", r"include(\1)", _RULE.sub("", body))
    exec(compile(body, "Snakefile", "exec"), names)
    return made


def target_rules() -> dict[str, str]:
    """Return what each target of the Snakefile asks for, as it is written."""
    text = (ROOT / "Snakefile").read_text()
    return {rule.name: rule.one("input") for rule in _rules_of("Snakefile", text)}


def _rules_of(file: str, text: str) -> Iterator[Rule]:
    for found in _RULE.finditer(text):
        plans = re.findall(r"^ *stage = (.+)$", text[: found.start()], re.MULTILINE)
        body = dedent(found[3])
        entries = {name: _entries(said) for name, said in _DIRECTIVE.findall(body)}
        yield Rule(found[2], file, plans[-1] if plans else "", entries)


def _entries(text: str) -> dict[str, str]:
    call = ast.parse(f"f(\n{text}\n)", mode="eval").body
    assert isinstance(call, ast.Call)
    placed = {str(place): ast.unparse(value) for place, value in enumerate(call.args)}
    named = {word.arg or "**": ast.unparse(word.value) for word in call.keywords}
    return placed | named
