"""Find the named findings of a sentence, and the place words that belong to each.

Place words come in groups, which `asg_core.reports.grammar.places` makes.
"""

from collections.abc import Iterator

from asg_core.reports.grammar.cues import Judgement, judge
from asg_core.reports.grammar.own_places import give_own_places
from asg_core.reports.grammar.places import BLANK
from asg_core.reports.grammar.sentence import Mention, Sentence
from asg_core.reports.grammar.shared_places import give_shared_places
from asg_core.reports.lexicon.phrases import Match
from asg_core.terms.existence import Context, Existence


def find_mentions(sentence: Sentence) -> list[Mention]:
    """Return the named findings of a sentence, in order, with their place words."""
    mentions = list(_named(sentence))
    if sentence.groups:
        give_own_places(sentence, mentions)
        give_shared_places(sentence, mentions)
    return mentions


def _named(sentence: Sentence) -> Iterator[Mention]:
    """Yield the named findings of a sentence, in order, without their place words."""
    kinds = sentence.lexicon.kinds
    has_device = False
    for match in sentence.reading.matches:
        findings = match.entry.findings
        if match.entry.role == "ends" and has_device:
            findings = tuple(sorted(kinds.tip))
        if not findings:
            continue
        is_blanked = (
            kinds.tip.issuperset(findings)
            and not has_device
            and _has_blank(sentence, match)
        )
        if is_blanked:
            findings = (*sorted(kinds.blanked), *findings)
        has_device = has_device or not kinds.tipped.isdisjoint(findings)
        judgement = (
            Judgement(Existence.ABSENT, Context.CURRENT, (match.start, match.end))
            if match.entry.role == "none"
            else judge(
                sentence.reading, match.first, match.last, max_scope=sentence.max_scope
            )
        )
        mention = Mention(match, findings, judgement, is_blanked=is_blanked)
        if findings[0] in kinds.sole and mention.is_denied:
            mention.findings = findings[:1]  # there may be another atelectasis
        yield mention


def _has_blank(sentence: Sentence, tip: Match) -> bool:
    """Whether a word before the tip was removed: "left chest XXXX with tip in the SVC".

    The removed word is then the device; whether it is a line follows from where it ends.
    """
    words = sentence.reading.words[: tip.first]
    return any(word.startswith(BLANK) for word in words)
