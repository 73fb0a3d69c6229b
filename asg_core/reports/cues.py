"""Say what a text claims about any of its words, whether the lexicon knows them or not.

How one cue of several is chosen is decided in `asg_core.reports.grammar.cues`.
"""

from dataclasses import replace

from asg_core.reports.grammar.cues import PRESENT, Judgement, judge
from asg_core.reports.grammar.lookalikes import turned
from asg_core.reports.grammar.reading import reading_of
from asg_core.reports.lexicon.load import Lexicon, load_lexicon
from asg_core.reports.lexicon.phrases import Entry, Found, Words
from asg_core.reports.text.sentences import SentenceCutter
from asg_core.terms.existence import Existence

DEFAULT_SCOPE = 40


def existence_of(
    text: str,
    start: int,
    end: int,
    *,
    max_scope: int = DEFAULT_SCOPE,
    lexicon: Lexicon | None = None,
) -> Existence | None:
    """Return what `text` claims about `text[start:end]`; None where it claims nothing.

    The span may be any words, not only findings of the lexicon. Only the sentence that
    holds its start is read. Removal and past are claims too: "the tube has been
    removed" is absent, "history of pneumonia" present; `judge_span` tells them apart.
    A cue reaches `max_scope` words. Without a `lexicon` the cues are the shipped ones.

    Raises:
        ValueError: If the span is empty or not inside `text`.
    """
    return judge_span(text, start, end, max_scope=max_scope, lexicon=lexicon).existence


def judge_span(
    text: str,
    start: int,
    end: int,
    *,
    max_scope: int = DEFAULT_SCOPE,
    lexicon: Lexicon | None = None,
) -> Judgement:
    """Return what `text` claims about `text[start:end]`, with context and cue.

    The arguments are those of `existence_of`.

    Raises:
        ValueError: If the span is empty or not inside `text`.
    """
    if not 0 <= start < end <= len(text):
        raise ValueError(
            f"judge_span: expected 0 <= start < end <= {len(text)}, found start "
            f"{start} and end {end}"
        )
    lexicon = lexicon or load_lexicon()
    cutter = SentenceCutter(lexicon.sentence_words)
    shift, stop = _sentence_around(cutter, text, start, end)
    words = Words(text[shift:stop])
    inside = [
        index
        for index, (word_start, word_end) in enumerate(words.spans)
        if word_end > start - shift and word_start < end - shift
    ]
    if not inside:
        return PRESENT
    first, last = inside[0], inside[-1] + 1
    found = turned(words, _found_around(lexicon, words, first, last))
    reading = reading_of(lexicon, words, found)
    judgement = judge(reading, first, last, max_scope=max_scope)
    if judgement.cue is None:
        return judgement
    low, high = judgement.cue
    return replace(judgement, cue=(low + shift, high + shift))


def _found_around(lexicon: Lexicon, words: Words, first: int, last: int) -> list[Found]:
    """Return the phrases of a sentence; its words first..last are one, whatever they are."""
    return [
        *lexicon.phrases.find(words[:first]),
        (Entry(findings=("span",)), first, last),
        *(
            (entry, begin + last, end + last)
            for entry, begin, end in lexicon.phrases.find(words[last:])
        ),
    ]


def _sentence_around(
    cutter: SentenceCutter, text: str, start: int, end: int
) -> tuple[int, int]:
    for sentence_start, sentence_end in cutter.cut(text, 0, len(text)):
        if sentence_start <= start < sentence_end:
            return sentence_start, max(sentence_end, end)
    return start, end
