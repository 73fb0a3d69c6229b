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


SUFFIXES = (".tsv", ".csv", ".txt", ".json", ".yaml", ".html", ".css", ".js")


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ("import asg_core.far", "asg_core/far.py"),
        ("from asg_core import far", "asg_core/far.py"),
        ("from asg_core.far import X", "asg_core/far.py"),
        ("def f():\n    from asg_core.far import X", "asg_core/far.py"),
        ("from asg_core.deep.far import X", "asg_core/deep/far.py"),
        ('TARGET = "asg_core.far"', "asg_core/far.py"),
        ('TARGET = "asg_core.deep"', "asg_core/deep/__main__.py"),
        ('FOLDER = "data"', "asg_core/data/words.tsv"),
        ('FOLDER = "data"', "asg_core/data/more/words.tsv"),
        *((f'FILE = "far{suffix}"', f"asg_core/far{suffix}") for suffix in SUFFIXES),
    ],
)
def test_whatever_a_module_names_is_part_of_the_digest_of_its_scripts(
    project: Path, near: str, far: str
) -> None:
    script, path = project / "script.py", project / far
    script.write_text("from asg_core.near import X\n")
    (project / "asg_core/near.py").write_text(f"{near}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("X = 1\n")
    before = code_digest(script)

    path.write_text("X = 22\n")

    assert code_digest(script) != before


def test_no_data_of_the_package_has_a_suffix_that_the_digest_passes_over() -> None:
    package = provenance.ROOT / "asg_core"
    found = {
        path.suffix
        for path in package.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }

    # The marker of a typed package is empty.
    assert found - {".py", ".typed"} <= set(SUFFIXES)


def test_two_files_that_change_places_change_the_digest(project: Path) -> None:
    script = project / "script.py"
    script.write_text("from asg_core.near import A, B\n")
    (project / "asg_core/near.py").write_text('A, B = "a.txt", "b.txt"\n')
    (project / "asg_core/a.txt").write_text("1")
    (project / "asg_core/b.txt").write_text("2")
    before = code_digest(script)

    (project / "asg_core/a.txt").write_text("2")
    (project / "asg_core/b.txt").write_text("1")

    assert code_digest(script) != before


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


def test_a_line_of_the_lexicon_changes_the_digest_of_what_parses_alone(
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
        assert changed == {"compare_triplets.py", "extract_triplets.py"}, path.name


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
