"""The shipped lexicon, and one's own files in the place of shipped ones."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from asg_core.reports.config import ReportsConfig
from asg_core.reports.lexicon.load import SHIPPED, load_lexicon
from asg_core.reports.lexicon.phrases import Words
from asg_core.reports.lexicon.rules import read_place_rules
from asg_core.reports.parse import parse_reports
from asg_core.terms.findings import FINDINGS


def read(text: str, folder: Path | None) -> list[str]:
    """Existence and finding of each claim, in the order of the text."""
    reports = pl.DataFrame({"study_id": ["s"], "text": [text]})
    triplets = parse_reports(reports, config=ReportsConfig(lexicon=folder)).triplets
    rows = triplets.sort("finding_start", "finding").select("existence", "finding")
    return [
        f"{existence} {finding}"
        for existence, finding in rows.unique(maintain_order=True).rows()
    ]


def replaced(folder: Path, name: str, old: str, new: str) -> None:
    """Put a copy of a shipped file into a folder, with one text replaced."""
    text = (SHIPPED / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def test_every_finding_can_be_claimed_and_has_a_place_rule() -> None:
    lexicon = load_lexicon()

    named = {
        finding
        for line in (SHIPPED / "findings.tsv").read_text().splitlines()
        if "\t" in line
        for finding in line.split("\t")[1].split("+")
    }
    stated = {
        finding for claims in lexicon.statements.values() for finding, _ in claims
    }

    assert set(FINDINGS) <= named | stated
    assert set(lexicon.place_rules) == set(FINDINGS)


def test_every_tag_is_found_by_its_own_name() -> None:
    phrases = load_lexicon().phrases

    silent = [
        finding
        for finding in FINDINGS
        if not any(
            finding in match.entry.findings for match in phrases.match(Words(finding))
        )
    ]

    # A stem that no sentence uses as a word.
    assert silent == ["pleural thicken"]


@pytest.mark.parametrize(
    ("edit", "text", "shipped", "own"),
    [
        (("findings.tsv", "noncalcified\t-", "whiteout\topacity"),
         "Whiteout.", [], ["present opacity"]),
        (("cues.tsv", "\nno\tdeny_before\t", "\nnary\tdeny_before\t"),
         "Nary edema.", ["present edema"], ["absent edema"]),
        (("states.tsv", "\nwidened\t", "\nbroadish\t"),
         "The mediastinum is broadish.", [], ["present enlarged cardiomediastinum"]),
        (("statements.tsv", "heart\tenlarged\tcardiomegaly", "heart\tenlarged\tmass"),
         "Heart is enlarged.", ["present cardiomegaly"], ["present mass"]),
        (("sections.tsv", "\nopinion\timpression", "\nscar\tindication"),
         "Scar: Edema.", ["present scar", "present edema"], []),
        (("sentences.tsv", "(bilat|lt|rt)", "(bilat|lt|rt|tt)"),
         "No mass in tt. Edema.", ["absent mass", "present edema"], ["absent mass", "absent edema"]),
        (("answers.tsv", "(no|none|nil|", "(no|none|nil|nix|"),
         "Edema: nix", ["present edema"], ["absent edema"]),
        (("finding_kinds.tsv", "sole\tcollapse", "sole\t-"),
         "No collapse.", ["absent collapse"], ["absent atelectasis", "absent collapse"]),
    ],
)  # fmt: skip
def test_ones_own_file_takes_the_place_of_the_shipped_one(
    tmp_path: Path,
    edit: tuple[str, str, str],
    text: str,
    shipped: list[str],
    own: list[str],
) -> None:
    replaced(tmp_path, *edit)

    assert read(text, None) == shipped
    assert read(text, tmp_path) == own


def test_words_and_places_of_ones_own_are_read_as_the_shipped_ones(
    tmp_path: Path,
) -> None:
    replaced(tmp_path, "places.tsv", "\nheart\theart\t", "\nticker\theart\t")
    replaced(tmp_path, "glue.tsv", "\nsided\t", "\n(sided|wonky)\t")
    replaced(tmp_path, "syntax.tsv", "\nbut\tbreak", "\nbutt\tbreak")
    replaced(tmp_path, "finding_places.tsv", "\nedema\tlung", "\nedema\tupper")
    config = ReportsConfig(lexicon=tmp_path)
    text = "No mass butt enlarged ticker. Left wonky upper lobe scar. Edema."
    reports = pl.DataFrame({"study_id": ["s"], "text": [text]})

    triplets = parse_reports(reports, config=config).triplets

    assert set(triplets.select("finding", "region", "existence").rows()) == {
        ("mass", "left lung", "absent"),
        ("mass", "right lung", "absent"),
        ("cardiomegaly", "cardiac silhouette", "present"),
        ("scar", "left upper lung zone", "present"),
        ("edema", "left upper lung zone", "present"),
        ("edema", "right upper lung zone", "present"),
    }


def test_a_copy_of_all_files_reads_as_the_shipped_ones(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "own")
    text = "FINDINGS: Left basilar opacity, no effusion. Dr. X. IMPRESSION: Scar."

    assert read(text, tmp_path / "own") == read(text, None)


@pytest.mark.parametrize("names", [[], ["finding.tsv"], ["cues.tsv", "notes.tsv"]])
def test_a_folder_without_lexicon_files_or_with_others_is_refused(
    tmp_path: Path, names: list[str]
) -> None:
    for name in names:
        (tmp_path / name).write_text("")

    found = next((name for name in names if name != "cues.tsv"), "none")
    with pytest.raises(ValueError, match=rf"expected a folder with .* found {found}\."):
        load_lexicon(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"absent: expected a folder .* found none\. Name"
    ):
        load_lexicon(tmp_path / "absent")


BAD_LINES = [
    ("findings.tsv", "zebra\tzebra\t-\tusage\t-", "a finding out of aerate, "),
    ("findings.tsv", "zebra\tmass\tzoo\tusage\t-", "a zone out of"),
    ("findings.tsv", "zeb(ra\tmass\t-\tusage\t-", "paired brackets"),
    ("findings.tsv", "(zebra|)\tmass\t-\tusage\t-", "words, found none in an alt"),
    ("findings.tsv", "mass\tscar\t-\tusage\t-", "one meaning of 'mass'"),
    ("places.tsv", "zoo\tzoo\t-\tone\t-", "a zone out of"),
    ("places.tsv", "zoo\tlung\tup\tone\t-", "a side out of"),
    (
        "places.tsv",
        "zoo\tlung\tleft\tsome\t-",
        "a number out of one, pair, found 'some'",
    ),
    ("states.tsv", "odd", "the columns"),
    ("cues.tsv", "nary\tdeny\t-", "a cue out of"),
    ("cues.tsv", "nary\tdeny_before+shield\t-", "a cue out of"),
    ("syntax.tsv", "nary\tnoun\t-", "a role out of"),
    ("statements.tsv", "zoo\tclear\tmass\tabsent\t-", "a zone or finding out of"),
    ("statements.tsv", "lung\tclear\tzebra\tabsent\t-", "a finding out of"),
    ("statements.tsv", "lung\tclear\tmass\tgone\t-", "an existence out of"),
    (
        "finding_places.tsv",
        "zebra\t-\tone\t*\t-",
        "a finding that has no line yet out of",
    ),
    (
        "finding_places.tsv",
        "mass\t-\tone\t*\t-",
        "a finding that has no line yet out of",
    ),
    ("finding_kinds.tsv", "odd\tmass\t-", "a kind that has no line yet out of"),
    ("finding_kinds.tsv", "tip\ttip\t-", "a kind that has no line yet out of"),
    ("sections.tsv", "verdict\tverdicts\twhole\t-", "a section out of"),
    ("sections.tsv", "verdict\timpression\tsome\t-", "a match out of"),
    ("sentences.tsv", "dr.\tabbreviation\t-", "12 letters and full stops, without"),
    ("sentences.tsv", "aaaaaaaaaaaaa\tabbreviation\t-", "12 letters and full stops"),
    ("sentences.tsv", "the\topener\t-", "a capitalised word"),
    ("sentences.tsv", "the\tnoun\t-", "a kind out of"),
    ("answers.tsv", "nope\tmaybe\t-", "an answer out of"),
    ("answers.tsv", "none\tyes\t-", "one meaning of 'none'"),
    ("answers.tsv", "(nope|.)\tno\t-", "words"),
    ("glue.tsv", "very old\t-\t-", "single words"),
    ("glue.tsv", "very\theart\t-", "a zone out of"),
    ("scope.tsv", "very old\tknown\t-", "single words"),
    ("scope.tsv", "very\tsome\t-", "a kind out of"),
    ("radgraph_rules.tsv", "big\tzoo\tmass\tlabel\t-", "a zone out of"),
    ("radgraph_rules.tsv", "big\tlung\tzebra\tlabel\t-", "a finding out of"),
    ("radgraph_rules.tsv", "big\tlung\tmass\tgone\t-", "an existence out of"),
]


@pytest.mark.parametrize(("name", "line", "message"), BAD_LINES)
def test_a_damaged_line_is_one_sentence_with_file_and_line(
    tmp_path: Path, name: str, line: str, message: str
) -> None:
    text = (SHIPPED / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(f"{text}{line}\n", encoding="utf-8")
    number = len(text.splitlines()) + 1

    with pytest.raises(ValueError, match=f"{name}, line {number}: expected") as caught:
        load_lexicon(tmp_path)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    ["edema\tzoo\tboth\tlung\t-", "edema\tlung\tboth\tlung zoo\t-", "edema\tlung\tboth\tlung\tlung>zoo"],
)  # fmt: skip
def test_a_rule_names_only_zones_that_there_are(tmp_path: Path, line: str) -> None:
    path = tmp_path / "finding_places.tsv"
    path.write_text(f"finding\tdefault\tspread\tzones\tmoved\n{line}\n")

    with pytest.raises(ValueError, match=r"line 2: expected a zone .*, found 'zoo'"):
        read_place_rules(path)


@pytest.mark.parametrize(
    ("name", "start", "missing"),
    [
        ("finding_places.tsv", "edema\t", "edema"),
        ("finding_kinds.tsv", "sole\t", "sole"),
    ],
)
def test_a_finding_or_kind_without_a_line_is_named(
    tmp_path: Path, name: str, start: str, missing: str
) -> None:
    lines = (SHIPPED / name).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(start)]
    (tmp_path / name).write_text("\n".join(kept), encoding="utf-8")

    with pytest.raises(ValueError, match=f"{name}: .* found none for {missing}"):
        load_lexicon(tmp_path)
