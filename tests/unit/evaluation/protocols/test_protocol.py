"""Every protocol that can be named can be run, and is described."""

import re
from pathlib import Path
from typing import get_args

from asg_core.evaluation.config import Protocol

PAGE = (Path(__file__).parents[4] / "docs/protocols.md").read_text(encoding="utf-8")


def test_the_page_says_of_every_protocol_what_it_asks_and_does() -> None:
    overview, sections = PAGE.split("\n## ", maxsplit=1)
    names = get_args(Protocol)

    assert re.findall(r"^\| `([a-z-]+)`", overview, re.MULTILINE) == list(names)
    for name in names:
        assert re.search(rf"^(## )?`?{name}\b", sections, re.MULTILINE), name
