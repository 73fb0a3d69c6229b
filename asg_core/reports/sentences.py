"""Cut the text of a section into sentences, by offsets into the report.

Reports wrap lines, number their impressions, forget full stops and the blanks behind
them, and write "Dr.", "T. bili" and "3.5 cm". So a full stop ends a sentence by what
stands on either side of it, and a line end alone ends nothing.
"""

import re

# A full stop behind one of these ends an abbreviation, in lower case.
_ABBREVIATIONS = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "st",
        "jr",
        "sr",
        "vs",
        "approx",
        "e.g",
        "i.e",
        "eg",
        "ie",
        "ca",
        "cf",
        "etc",
        "fig",
        "no",
        "nos",
        "resp",
        "incl",
        "dept",
        "hosp",
        "pt",
        "al",
        "a.m",
        "p.m",
        "t.i.d",
        "b.i.d",
        "temp",
        "max",
        "min",
    ]
)
# Words that only begin a sentence when they are capitalised within one.
_OPENERS = (
    "The|There|This|These|No|Heart|Lungs|Both|Cardiac|Cardiomediastinal|Mediastinal|"
    "Mediastinum|Pulmonary|Bony|Osseous|Visualized|Otherwise|Stable|Unchanged|Pleural"
)
_BREAK = re.compile(
    r"(?P<stop>[.!?]+)(?=(?P<gap>\s*)(?P<next>\S?))"
    r"|(?P<blank>\n[ \t\r\f\v]*\n\s*)"
    r"|(?P<item>\n[ \t]*(?:\(?\d{1,2}[.)]|[-*\u2022])[ \t]+(?=\S))"
    r"|(?<!\s)(?P<heading>\s+)(?=[A-Z]{3,}(?: [A-Z]{2,}){0,3}:)"
    rf"|(?<=[a-z])(?P<opener>\s+)(?=(?:{_OPENERS})\b\s*[a-z])"
)
# A number or bullet at the start of a sentence is not part of it.
_MARKER = re.compile(r"(?:\(?\d{1,2}[.)](?!\d)|[-*\u2022]+(?!\w))\s*")
_GLUED_ITEM = re.compile(r"\d{1,2}[.)]\s*[A-Z]")
_GLUED_WORD = re.compile(r"[A-Z](?:[a-z]|\s)")
_LAST_WORD = re.compile(r"[\w.]{1,12}\Z")
_LOOK_BACK = 12
# Bounds the time that one sentence can take.
_MAX_CHARS = 2000


def split_sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the sentences of `text[start:end]` as offsets into `text`, in order.

    Sentences do not overlap, hold no white space at either end, and leave out list
    numbers and bullets. Text without a letter or digit yields no sentence. What has no
    end after 2,000 characters is no sentence and is cut there, between two words.
    """
    sentences: list[tuple[int, int]] = []
    begin = start
    for found in _BREAK.finditer(text, start, end):
        if found.start() < begin:
            continue
        if found["stop"] is not None:
            if not _ends_sentence(text, begin, found):
                continue
            _append(sentences, text, begin, found.end("stop"))
            begin = found.end("stop")
        else:
            _append(sentences, text, begin, found.start())
            begin = found.start() if found["item"] else found.end()
    _append(sentences, text, begin, end)
    return sentences


def _ends_sentence(text: str, begin: int, found: re.Match[str]) -> bool:
    if found["stop"] != "." or not found["next"]:
        return True
    if found["gap"]:
        return not _is_abbreviation(text, begin, found.start())
    return _is_glued(text, begin, found.start())


def _is_glued(text: str, begin: int, position: int) -> bool:
    """Whether a sentence starts right behind this full stop, without a blank.

    Only between two words, or before the number of the next item.
    """
    before = text[position - 1] if position > begin else ""
    if before.isdigit():
        is_word = text[position + 1].isalpha()
        return is_word and not _is_marker(text, begin, position)
    is_closed = before in (")", "]", "_")
    if _GLUED_ITEM.match(text, position + 1):
        return before.isalpha() or is_closed
    if not _GLUED_WORD.match(text, position + 1):
        return False
    return is_closed or not _is_abbreviation(text, begin, position)


def _is_abbreviation(text: str, begin: int, position: int) -> bool:
    """Whether the full stop at `position` belongs to the word before it."""
    tail = _LAST_WORD.search(text[max(begin, position - _LOOK_BACK) : position])
    if tail is None:
        return False
    word = tail[0]
    if len(word) == 1 and word.isalpha() and word.isupper():
        return True  # an initial, as in "T. bili"
    if word.isdigit() and _is_marker(text, begin, position):
        return True  # the number of a list item
    return word.lower() in _ABBREVIATIONS


def _is_marker(text: str, begin: int, position: int) -> bool:
    """Whether only a number stands between the start of the sentence and its stop."""
    number = text[begin:position] if position - begin <= _LOOK_BACK else ""
    return number.strip(" \t\r\n(").isdigit()


def _append(sentences: list[tuple[int, int]], text: str, begin: int, end: int) -> None:
    while begin < end and text[begin].isspace():
        begin += 1
    while (marker := _MARKER.match(text, begin, end)) is not None:
        begin = marker.end()
    while end > begin and text[end - 1].isspace():
        end -= 1
    while end - begin > _MAX_CHARS:
        cut = text.rfind(" ", begin, begin + _MAX_CHARS) + 1 or begin + _MAX_CHARS
        _append(sentences, text, begin, cut)
        begin = cut
    if any(char.isalnum() for char in text[begin:end]):
        sentences.append((begin, end))
