import shutil
import subprocess
from pathlib import Path

import pytest

from asg_core import provenance
from asg_core.provenance import code_digest, file_digest, git_commit, versions

FILES = {
    "asg_core/__init__.py": '"""Package."""\n',
    "asg_core/words.py": 'from pathlib import Path\nFILE = Path("words.tsv")\n',
    "asg_core/words.tsv": "lung\n",
    "asg_core/parse.py": "from asg_core.words import FILE\n\n\ndef parse():\n    return 1\n",
    "asg_core/other.py": "def other():\n    return 1\n",
    "asg_core/launched.py": "STEPS = 10\n",
    "asg_core/tracking.py": "PORT = 1\n",
    "script.py": (
        "from asg_core.parse import parse\nfrom asg_core.tracking import PORT\n\n"
        'COMMAND = ["torchrun", "-m", "asg_core.launched"]\n'
    ),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("asg_core/parse.py", "from asg_core.words import FILE\n\n\ndef parse():\n    return 2\n"),
        ("asg_core/words.tsv", "lung\nheart\n"),
        ("asg_core/launched.py", "STEPS = 11\n"),
        ("script.py", FILES["script.py"] + "\nX = 1\n"),
    ],
    ids=["function body", "data file", "launched module", "the script"],
)  # fmt: skip
def test_a_change_that_can_matter_changes_the_digest(
    project: Path, name: str, text: str
) -> None:
    before = code_digest(project / "script.py")

    (project / name).write_text(text)

    assert code_digest(project / "script.py") != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("asg_core/parse.py", 'from asg_core.words import FILE\n\n\ndef parse():\n    """Doc."""\n    # why\n    return 1\n'),
        ("asg_core/other.py", "def other():\n    return 2\n"),
        ("asg_core/tracking.py", "PORT = 2\n"),
        ("asg_core/__init__.py", '"""Another sentence."""\n'),
        ("script.py", FILES["script.py"]),
    ],
    ids=["docstring and comment", "unrelated module", "mirror", "package", "touched"],
)  # fmt: skip
def test_a_change_that_cannot_matter_keeps_the_digest(
    project: Path, name: str, text: str
) -> None:
    before = code_digest(project / "script.py")

    (project / name).write_text(text)

    assert code_digest(project / "script.py") == before


def test_a_line_of_the_lexicon_changes_the_digest_of_the_parser_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("asg_core", "workflow"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(provenance.ROOT / name, tmp_path / name, ignore=ignored)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    scripts = sorted((tmp_path / "workflow/scripts").glob("*.py"))
    before = {script.name: code_digest(script) for script in scripts}
    files = sorted((tmp_path / "asg_core/reports/lexicon/data").glob("*.tsv"))
    assert len(files) > 10

    for path in files:
        kept = path.read_bytes()
        path.write_bytes(kept + b"# a line\n")
        after = {script.name: code_digest(script) for script in scripts}
        path.write_bytes(kept)

        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"extract_triplets.py"}, path.name


def test_a_missing_script_is_named(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected a script at .*absent\.py"):
        code_digest(project / "absent.py")


def test_a_file_digest_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")

    digest = file_digest(tmp_path / "a")

    assert digest.startswith("ba7816bf8f01cfea414140de5dae2223")


def test_the_commit_of_a_checkout_says_when_files_differ(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
    (tmp_path / "a").write_text("1")
    for command in (["init", "-q"], ["add", "a"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *command], check=True)

    clean = git_commit(tmp_path)
    (tmp_path / "a").write_text("2")

    assert clean is not None
    assert git_commit(tmp_path) == f"{clean}-dirty"


def test_versions_name_what_is_installed_and_leave_out_the_rest() -> None:
    found = versions(["polars", "not-a-package-of-this-world"])

    assert set(found) == {"platform", "polars", "python"}
