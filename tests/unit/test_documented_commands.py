"""Commands in docs, comments and configurations, as a reader would copy them.

Some options of Snakemake take all words up to the next option: a target after one of them
is taken for a file, or a rule, and the run is not the one that was asked for.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import ROOT

# What a value of each such option looks like; "..." and FILE are the reader's own.
MANY_VALUES = {
    "--configfile": r"\S+\.ya?ml|FILE|\.\.\.",
    "--configfiles": r"\S+\.ya?ml|FILE|\.\.\.",
    "--config": r"\S+=\S+",
    "--resources": r"\S+=\S+",
    "--default-resources": r"\S+=\S+",
    "--set-resources": r"\S+=\S+",
    "--set-threads": r"\S+=\S+",
    "--rerun-triggers": r"mtime|params|input|software-env|code",
}
SUFFIXES = {".md", ".yaml", ".smk", ".py", ".sh", ".toml", ""}
SEARCHED = (
    *("README.md", "CHANGELOG.md", "Makefile", "Snakefile", "docs", "config"),
    *("profiles", "envs", "workflow", "asg_core", "tools", "bench", ".ci"),
)


def commands(text: str) -> Iterator[str]:
    """Yield every `snakemake ...` of a text, broken lines joined, comments cut off."""
    joined = re.sub(r"\\\n[#\s]*", " ", text)
    for command in re.findall(r"\bsnakemake +(-[^\n`;|]*|\w[^\n`;|]*)", joined):
        line = " ".join(command.split())
        yield re.split(r" #|\)|, | \(|\. |: ", line)[0].strip().rstrip(".,\"'")


def misplaced(command: str) -> list[str]:
    """Return the words that an option with many values takes and should not."""
    option, found = "", []
    for word in command.split():
        if word.startswith("-"):
            option = word
        elif option in MANY_VALUES and not re.fullmatch(MANY_VALUES[option], word):
            found.append(word)
    return found


def documented() -> Iterator[tuple[Path, str]]:
    for name in SEARCHED:
        path = ROOT / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix in SUFFIXES:
                for command in commands(file.read_text(encoding="utf-8")):
                    yield file.relative_to(ROOT), command


def test_no_documented_command_loses_its_target() -> None:
    wrong = {
        f"{file}: snakemake {command}": words
        for file, command in documented()
        if (words := misplaced(command))
    }

    assert wrong == {}


def test_the_commands_of_the_pages_are_found() -> None:
    found = {str(file) for file, command in documented() if "--configfile" in command}

    assert {"README.md", "docs/cluster.md", "docs/data_access.md"} <= found
    assert "config/paper/asg_vit.yaml" in found


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("--cores 2 triplets --configfile my.yaml", []),
        ("--configfile a.yaml b.yaml --profile profiles/slurm", []),
        ("--configfile my.yaml --cores 2 triplets", []),
        ("--cores 2 --configfile my.yaml triplets", ["triplets"]),
        ("--resources gpu=1 evaluate --configfile my.yaml", ["evaluate"]),
    ],
)
def test_a_swallowed_target_is_noticed(command: str, expected: list[str]) -> None:
    assert misplaced(command) == expected


def test_a_command_over_two_lines_is_one() -> None:
    text = "    .venv/bin/snakemake --cores 2 \\\n        --configfile my.yaml triplets  # a part\n"

    assert list(commands(text)) == ["--cores 2 --configfile my.yaml triplets"]
