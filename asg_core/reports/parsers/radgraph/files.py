"""Read the documents of some studies from a RadGraph JSON file, one at a time.

A file is one object, from a key per report to a graph: what the radgraph package
returns, or `MIMIC-CXR_graphs.json` as PhysioNet distributes it. Such a file can be
gigabytes, so only the documents that are asked for stay in memory.
"""

import gzip
import json
import logging
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from asg_core.reports.parsers.parser import UnreadableReportError

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20
# A document that is longer is no report: an error of the file, found before it is read
# whole.
_MAX_DOCUMENT = 1 << 24
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class SelectedGraphs:
    """The documents of the studies of one job."""

    def __init__(self, path: Path, study_ids: Sequence[str]) -> None:
        """Read the file once.

        Raises:
            ValueError: With file, document and line, if it is no object of documents.
        """
        self._name = path.name
        self._documents: dict[str, object] = {}
        self._repeated: set[str] = set()
        self._num_keys = 0
        wanted = _spellings(study_ids)
        numbered: dict[int, object] = {}
        is_numbered = True
        for key, document in iter_documents(path):
            is_numbered = is_numbered and key == str(self._num_keys)
            if is_numbered and self._num_keys < len(study_ids):
                numbered[self._num_keys] = document
            self._num_keys += 1
            study_id = wanted.get(_stem(key))
            if study_id is None:
                continue
            if study_id in self._documents:
                self._repeated.add(study_id)
            self._documents[study_id] = document
        if not self._documents and is_numbered and self._num_keys == len(study_ids):
            self._documents = {
                study_ids[position]: document for position, document in numbered.items()
            }
            logger.info("%s: keys are positions in the reports' order", self._name)
        logger.info(
            "%s: %d documents, graphs of %d of %d reports",
            self._name,
            self._num_keys,
            len(self._documents),
            len(study_ids),
        )

    def take(self, study_id: str) -> object:
        """Return the document of a study, and forget it.

        Raises:
            UnreadableReportError: If there is none, or more than one.
        """
        if study_id in self._repeated:
            raise UnreadableReportError(
                "graph_repeated",
                f"{self._name}: expected one graph of the study, found several.",
            )
        if study_id not in self._documents:
            raise UnreadableReportError(
                "no_graph",
                f"{self._name}: expected a graph of the study, found none under its "
                f"{self._num_keys} keys. Keys name the study, or are 0 to n-1 where the "
                "job has as many reports.",
            )
        return self._documents.pop(study_id)


def iter_documents(
    path: Path, *, chunk: int = _CHUNK, max_document: int = _MAX_DOCUMENT
) -> Iterator[tuple[str, object]]:
    """Yield key and value of each document of a file (.json, or .json.gz).

    At most a chunk more than the longest document is in memory.

    Raises:
        ValueError: With file, document and line, where it is not the JSON of one object.
    """
    with _opened(path) as stream:
        reader = _Reader(stream, name=path.name, chunk=chunk, limit=max_document)
        try:
            yield from reader.documents()
        except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{reader.where()}: cannot be read: {error}") from error


class _Reader:
    """A window that moves over the file, so that little of it is in memory."""

    def __init__(self, stream: TextIO, *, name: str, chunk: int, limit: int) -> None:
        self._stream = stream
        self._name = name
        self._chunk = chunk
        self._limit = limit
        self._text = ""
        self._at = 0
        self._line = 1
        self._key: str | None = None
        self._is_end = False

    def documents(self) -> Iterator[tuple[str, object]]:
        self._expect("{")
        if self._peek() == "}":
            self._expect("}")
        else:
            while True:
                key = self._value()
                if not isinstance(key, str):
                    raise self._error("a key in quotes", f"a {type(key).__name__}")
                self._key = key
                self._expect(":")
                yield key, self._value()
                if self._expect(",}") == "}":
                    break
        self._key = None
        if self._peek():
            raise self._error("the end of the file", "more text")

    def where(self) -> str:
        """Return file, line and document of the window's position."""
        line = self._line + self._text.count("\n", 0, self._at)
        document = "" if self._key is None else f", document '{self._key}'"
        return f"{self._name}, line {line}{document}"

    def _value(self) -> object:
        while True:
            self._peek()
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._is_end or len(self._text) - self._at > self._limit:
                    self._at = min(error.pos, len(self._text))
                    raise self._error("JSON", error.msg) from error
            except (RecursionError, ValueError) as error:
                # The message of the latter would repeat the number.
                raise self._error("JSON", "too deep a nesting or number") from error
            else:
                # A number that ends with the window may go on in the file.
                if end < len(self._text) or self._is_end:
                    self._at = end
                    return value
            self._more()

    def _expect(self, marks: str) -> str:
        mark = self._peek()
        if not mark or mark not in marks:
            raise self._error(
                f"one of {' '.join(marks)}", mark or "the end of the file"
            )
        self._at += 1
        return mark

    def _peek(self) -> str:
        """Return the next mark, blanks skipped; nothing at the end of the file."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = self._at if blank is None else blank.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_end:
                return ""
            self._more()

    def _more(self) -> None:
        # As much as is waiting already: a long document is decoded log(n) times.
        self._line += self._text.count("\n", 0, self._at)
        waiting = self._text[self._at :]
        added = self._stream.read(max(self._chunk, len(waiting)))
        self._is_end = not added
        self._text, self._at = waiting + added, 0

    def _error(self, expected: str, found: str) -> ValueError:
        return ValueError(
            f"{self.where()}: expected {expected}, found {found}. reports.radgraph.graphs "
            "takes one JSON object with a graph per report."
        )


def _opened(path: Path) -> TextIO:
    # With a byte order mark or without.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _spellings(study_ids: Sequence[str]) -> dict[str, str]:
    """Return how keys spell study ids: MIMIC-CXR's with an "s" or without."""
    spelt: dict[str, str] = {}
    for study_id in study_ids:
        digits = study_id.removeprefix("s")
        if digits.isdigit():
            spelt |= {digits: study_id, f"s{digits}": study_id}
    return spelt | {study_id: study_id for study_id in study_ids}


def _stem(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".txt")
