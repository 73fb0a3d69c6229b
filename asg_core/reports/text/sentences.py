"""Cut the text of a section into sentences, by offsets into the report.

Reports wrap lines, number their impressions, forget full stops and the blanks behind
them, and write "Dr.", "T. bili" and "3.5 cm". So a full stop ends a sentence by what
stands on either side of it, and a line end alone ends nothing, unless it is the line of
a form: a label with its answer, a row of a table, a box.
"""

import re

from asg_core.reports.lexicon.text_words import LOOK_BACK, SentenceWords

_HEADING = r"[A-Z]{3,}(?: [A-Z]{2,}){0,3}:"
# What of a heading stands before the words that were found: "RIGHT" of "RIGHT LUNG:".
_HEADING_START = re.compile(r"\s*(?:\d{1,2}[.)]\s*)?[A-Z]{1,20}(?: [A-Z&/]{1,20}){0,4}")
_LINE_BREAK = re.compile(
    r"(?P<blank>\n[ \t\r\f\v]*\n\s*)"
    r"|\n[ \t]*(?:\(?\d{1,2}[.)]|[-*\u2022])[ \t]+(?=\S)"
)
# A number or bullet at the start of a sentence is not part of it.
# A label of a form: "Effusion: none", "Pneumothorax? No."; alone, it has its own line.
_LABEL = r"[^\W\d_][^\W\d_]*(?:[ /&,()-]{1,2}[^\W\d_]+){0,5}[ \t]*"
_LABELLED = re.compile(rf"[ \t]*(?:[-*\u2022][ \t]+)?(?P<label>{_LABEL})[:=?](?=\s|\Z)")
_CELLS = re.compile(r"\||(?<=\S)\t+(?=\S)")
_FORM_MARK = re.compile(r"[:|?=\[(\t☐☒☑□■✓✔✗✘]|[-.]{2}| -")
_BOXES = r"(?:\[[ xX_\u2713\u2714]{0,3}\]|[☐☒☑□■✓✔✗✘])"
_BOX = re.compile(rf"\s*(?:[-*\u2022][ \t]+)?{_BOXES}")
# A capitalised label behind the answer before it.
_NEXT_LABEL = r"[A-Z][a-z]+(?: [a-z]+){0,3}:(?=\s)"
_CAPITALS = re.compile(r"[A-Z]{2,}(?: [A-Z]{2,}){0,3}")
_MARKER = re.compile(r"(?:\(?\d{1,2}[.)](?!\d)|[-*\u2022]+(?!\w))\s*")
_NUMBER = re.compile(r"\s*\d")
_GLUED_ITEM = re.compile(r"\d{1,2}[.)]\s*[A-Z]")
_GLUED_WORD = re.compile(r"[A-Z](?:[a-z]|\s)")
_STOPS = frozenset(".!?")
# A question mark that doubts the word behind it: "? edema", "nodule (?) at the base".
_DOUBT = re.compile(r"\?(?:\w|[ \t]+[a-z]|\))")
_LAST_WORD = re.compile(rf"[\w.]{{1,{LOOK_BACK}}}\Z")
# Bounds the time that one sentence can take.
_MAX_CHARS = 2000


class SentenceCutter:
    """Cuts texts into sentences; the words that mislead about their ends are given."""

    def __init__(self, words: SentenceWords) -> None:
        self._abbreviations = words.abbreviations
        # How abbreviations of three letters or more end.
        self._endings = frozenset(word[-3:] for word in words.abbreviations)
        self._times = tuple(
            f"{time}." for word in words.times for time in (word, word.upper())
        )
        self._answers = frozenset(words.answers)
        answers = "|".join(map(re.escape, words.answers)) or "(?!)"
        # What answers a question at once, and a line that is a label and its answer.
        self._answer = re.compile(
            rf"\?\s{{1,3}}(?:\(?(?:{answers}|[-+]|[-+]ve)\)?(?=\s*(?:[.,;:(]|\Z)"
            rf"|[^\S\n]*\n| - )|{_BOXES})",
            re.IGNORECASE,
        )
        self._answered = re.compile(
            rf"[ \t]*{_LABEL}(?:[:=?]|--?|\.{{2,}}|(?=\())\s*\(?(?:{answers}|[-+])\)?\s*\Z",
            re.IGNORECASE,
        )
        branches = _branches(words)
        self._break = re.compile("|".join([*branches, r"\n"]))
        headed = [rf" {_HEADING}", rf"\t{_HEADING}", rf"\n(?:{_HEADING})?"]
        self._break_or_heading = re.compile("|".join([*branches, *headed]))
        either = rf"(?:{_HEADING}|{_NEXT_LABEL})"
        headed[:2] = [rf" {either}", rf"\t{either}"]
        self._break_or_label = re.compile("|".join([*branches, *headed]))

    def cut(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Return the sentences of `text[start:end]` as offsets into `text`, in order.

        Sentences do not overlap, hold no white space at either end, and leave out list
        numbers and bullets. Text without a letter or digit yields no sentence. What has
        no end after 2,000 characters is no sentence and is cut there, between two words.
        """
        while end > start and text[end - 1].isspace():
            end -= 1
        sentences: list[tuple[int, int]] = []
        begin = start
        pattern = self._break
        colon = text.find(":", start, end)
        if colon >= 0:
            # A later label can follow an answer: "Effusion: none Edema: mild".
            has_more = text.find(":", colon + 1, end) >= 0
            pattern = self._break_or_label if has_more else self._break_or_heading
        for found in pattern.finditer(text, start, end):
            low = found.start()
            if low < begin:
                continue
            if text[low : low + 2] == ". " and self._is_plain(text[low - 3 : low]):
                # Nearly all ends are such ones; the same comes out below.
                cut: tuple[int, int] | None = (low + 1, low + 1)
            else:
                cut = self._cut(text, begin, found, end)
            if cut is not None:
                _append(sentences, text, begin, cut[0])
                begin = cut[1]
        _append(sentences, text, begin, end)
        return sentences

    def _cut(
        self, text: str, begin: int, found: re.Match[str], end: int
    ) -> tuple[int, int] | None:
        """Return where a sentence ends and the next one starts; None: not here."""
        low, high = found.span()
        mark = text[low]
        if mark in _STOPS:
            if mark == ".":
                is_end = self._ends_sentence(text, begin, low, high, end)
            else:
                is_end = mark != "?" or not (
                    _is_doubt(text, begin, low) or self._answer.match(text, low, end)
                )
            return (high, high) if is_end else None
        if mark == "\n" and high == low + 1:
            line = _LINE_BREAK.match(text, low, end)
            if line is None:
                return (low, low) if self._ends_form(text, begin, low, end) else None
            return low, (line.end() if line["blank"] else low)
        word = low + 1 if mark.isspace() else low
        blank = _blank_before(text, begin, word)
        if mark.isspace() and _is_heading(text, begin, blank, word):
            return None
        is_first = blank < word and (
            self._is_heading(text, begin, blank, word)
            if mark.isspace()
            else "a" <= text[blank - 1] <= "z"
            or text.endswith(self._times, begin, blank)
        )
        return (blank, word) if is_first else None

    def _is_heading(self, text: str, begin: int, blank: int, word: int) -> bool:
        """Whether the label at `word` begins a sentence; `blank`: the blanks before it."""
        if not text[word + 1].isupper():
            # "Effusion: none Edema: mild", but not "Seen by Dr Smith: no edema"
            return text.find(":", begin, blank) >= 0 and text[blank - 1].isalpha()
        # Of "LEFT LUNG:" the first word is no sentence.
        is_part = _CAPITALS.fullmatch(text, begin, blank) is not None
        return not is_part or text[blank:word] != " "

    def _ends_form(self, text: str, begin: int, low: int, end: int) -> bool:
        """Whether the line before this line end, or the one behind it, is one of a form."""
        start = max(begin, text.rfind("\n", begin, low) + 1)
        stop = text.find("\n", low + 1, end)
        stop = end if stop < 0 else stop
        if _FORM_MARK.search(text, start, stop) is None:
            return False
        if _CELLS.search(text, start, low) or _CELLS.search(text, low, stop):
            return True
        if _BOX.match(text, low, stop) or _BOX.match(text, start, low):
            return True
        label = _LABELLED.match(text, low + 1, stop)
        if label is not None and (
            label["label"][0].isupper() or _LABELLED.match(text, start, low)
        ):
            return True
        return self._answered.match(text, start, low) is not None

    def _ends_sentence(
        self, text: str, begin: int, low: int, high: int, end: int
    ) -> bool:
        """Whether the marks `low` to `high`, which begin with a full stop, end a sentence."""
        if high > low + 1 or high == end:
            return True
        if text[high].isspace():
            return not self._is_abbreviation(text, begin, low)
        return self._is_glued(text, begin, low)

    def _is_glued(self, text: str, begin: int, position: int) -> bool:
        """Whether a sentence starts right behind this full stop, without a blank.

        It can only do so between two words, or before the number of the next item.
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
        return is_closed or not self._is_abbreviation(text, begin, position)

    def _is_abbreviation(self, text: str, begin: int, position: int) -> bool:
        """Whether the full stop at `position` belongs to the word before it."""
        if position - begin >= 3 and self._is_plain(text[position - 3 : position]):
            return False
        tail = _LAST_WORD.search(text[max(begin, position - LOOK_BACK) : position])
        if tail is None:
            return False
        word = tail[0]
        if len(word) == 1 and word.isalpha() and word.isupper():
            return True  # an initial, as in "T. bili"
        if word.isdigit() and _is_marker(text, begin, position):
            return True  # the number of a list item
        word = word.lower()
        if word in self._answers and not _NUMBER.match(text, position + 1):
            return False  # "no. 5" and "Effusion: no."
        return word in self._abbreviations

    def _is_plain(self, ending: str) -> bool:
        """Whether no abbreviation ends in these three characters: true of nearly all words."""
        return (
            len(ending) == 3
            and ending.isalpha()
            and ending.lower() not in self._endings
        )


def _branches(words: SentenceWords) -> list[str]:
    """Return patterns of where a sentence could end: at a stop, or before an opener.

    Every branch starts with a character of its own, which lets the matcher pass over all
    others many times faster; what stands before is looked at afterwards.
    """
    # Behind a letter or "p.m." and a blank, or behind more blanks: these are looked
    # through later.
    last = {word[-1] for word in words.times}
    marks = "".join(sorted(last | {letter.upper() for letter in last}))
    before = [r"[a-z]\s", r"\s\s", *([rf"[{marks}]\.\s"] if marks else [])]
    openers = [
        rf"{opener}\b(?=\s*[a-z])"
        rf"(?:{'|'.join(f'(?<={each}{opener})' for each in before)})"
        for opener in words.openers
    ]
    return [r"\.[.!?]*", r"![.!?]*", r"\?[.!?]*", *openers]


def _is_doubt(text: str, begin: int, position: int) -> bool:
    """Whether the question mark at `position` belongs to the word behind it."""
    if position > begin and not (
        text[position - 1].isspace() or text[position - 1] in "(,;/"
    ):
        return False
    return _DOUBT.match(text, position) is not None


def _blank_before(text: str, begin: int, position: int) -> int:
    """Return where the white space that ends at `position` starts."""
    while position > begin and text[position - 1].isspace():
        position -= 1
    return position


def _is_heading(text: str, begin: int, blank: int, word: int) -> bool:
    """Whether a sentence begins with the words before `blank` and its heading ends later."""
    return (
        word == blank + 1
        and text[blank] == " "
        and _HEADING_START.fullmatch(text, begin, blank) is not None
    )


def _is_marker(text: str, begin: int, position: int) -> bool:
    """Whether only a number stands between the start of the sentence and its stop."""
    number = text[begin:position] if position - begin <= LOOK_BACK else ""
    return number.strip(" \t\r\n(").isdigit()


def _append(sentences: list[tuple[int, int]], text: str, begin: int, end: int) -> None:
    while begin < end and not text[begin].isalpha():
        if text[begin].isspace():
            begin += 1
            continue
        marker = _MARKER.match(text, begin, end)
        if marker is None:
            break
        begin = marker.end()
    while end > begin and text[end - 1].isspace():
        end -= 1
    if end - begin > _MAX_CHARS:
        _append_pieces(sentences, text, begin, end)
    elif begin < end and (
        text[begin].isalnum() or any(char.isalnum() for char in text[begin:end])
    ):
        sentences.append((begin, end))


def _append_pieces(
    sentences: list[tuple[int, int]], text: str, begin: int, end: int
) -> None:
    """Append what has no end, cut between two words where there is one."""
    while begin < end:
        cut = min(begin + _MAX_CHARS, end)
        if cut < end:
            cut = text.rfind(" ", begin, cut) + 1 or cut
        _append(sentences, text, begin, cut)
        begin = cut
