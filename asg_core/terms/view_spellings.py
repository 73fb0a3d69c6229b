"""How datasets spell the view of a radiograph: `views.tsv`.

Apart from the views themselves, which every table knows: a line that is added to the file
makes those stages run again that translate spellings, and no other.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from asg_core.terms.views import View

VIEWS_FILE = Path(__file__).with_name("views.tsv")
_COLUMNS = ("spelling", "view", "seen_in")


def canonical_view(spelling: str | None) -> View:
    """Translate a dataset's view position (DICOM `ViewPosition` codes and their like).

    Case, blanks and signs do not count. `UNKNOWN` is what is empty or missing, and every
    spelling that the file does not have (see `is_known_spelling`): nobody has said what
    it means.
    """
    return _spellings().get(_bare(spelling or ""), View.UNKNOWN)


def is_known_spelling(spelling: str | None) -> bool:
    """Say whether a spelling is in the file; one without letters or digits is known."""
    bare = _bare(spelling or "")
    return not bare or bare in _spellings()


def read_spellings(path: Path) -> Mapping[str, View]:
    """Return the view of each spelling, in upper case and without blanks and signs.

    Raises:
        ValueError: With file and line, if the header or a row does not fit, a view is
            none, or a spelling stands there twice.
    """
    found: dict[str, View] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [
        (f"{path.name}, line {number}", tuple(line.split("\t")))
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    for where, cells in rows[:1]:
        if cells != _COLUMNS:
            raise _fault(where, expected=f"the header {_COLUMNS}", found=cells)
    for where, cells in rows[1:]:
        if len(cells) != len(_COLUMNS):
            raise _fault(where, expected=f"the columns {_COLUMNS}", found=cells)
        spelling, view, _ = cells
        bare = _bare(spelling)
        if view not in set(View):
            raise _fault(where, expected=f"a view of {[*map(str, View)]}", found=view)
        if not bare or bare in found:
            raise _fault(where, expected="a new spelling", found=spelling)
        found[bare] = View(view)
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def _spellings() -> Mapping[str, View]:
    return read_spellings(VIEWS_FILE)


def _bare(spelling: str) -> str:
    return "".join(sign for sign in spelling.upper() if sign.isalnum())


def _fault(where: str, *, expected: str, found: object) -> ValueError:
    return ValueError(f"{where}: expected {expected}, found {found!r}. Mend the line.")
