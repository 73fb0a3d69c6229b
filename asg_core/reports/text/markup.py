"""Blank out HTML and Markdown, so that offsets stay those of the original.

What marks text up says nothing of the patient, but "<b>Findings:</b>" hides a header, and
"<br>" ends a line. Each mark becomes as many characters that cut as it does: blanks for
what stands within a line; a line that begins with a bullet, where one begins; a blank line.
"""

import html
import re

_INLINE = (
    "b|i|u|s|em|strong|span|font|small|big|sub|sup|a|mark|code|tt|label|center|td|th"
)
_BEGINS = "br|p|div|li|ul|ol|dl|dt|dd|tr|table|thead|tbody|section|article"
_BEGINS += "|header|hr|pre|blockquote|h[1-6]|html|body|head|title|caption"
# A line that goes on in lower case after "<br>" is a wrapped one.
_TAG = re.compile(
    r"(?P<wraps><(?i:br)\s?/?>(?=\s{0,40}[a-z]))"
    rf"|(?i:<(?P<close>/?)(?:(?P<inline>{_INLINE})|(?P<begins>{_BEGINS}))\b"
    r"[^<>]{0,200}>)"
)
# A tag of a header's own name: "</FINDINGS>"; the opening one is a bracket.
_CLOSING = re.compile(r"</[A-Za-z][A-Za-z _-]{0,40}>")
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,6});")
# Between cells of one row.
_CELL = re.compile(r"</t[dh]>(?=\s{0,40}<t[dh]\b)", re.IGNORECASE)
_BREAKS = re.compile(r"<br\s?/?>(?=\s{0,40}<br\b)", re.IGNORECASE)
# **bold**, __bold__, and the marks of a heading; "*" between blanks is a bullet.
_STARS = re.compile(
    r"(?<!\*)\*{2,3}+(?=\S)|(?<=[^\s*])\*{2,3}+"
    r"|(?<![\w*])\*(?=[A-Za-z][^*\n]{0,80}\*)|(?<=[\w.:;!?)])\*(?![\w*])"
)
_LOW_LINES = re.compile(r"(?<![\w])__(?=[A-Za-z])|(?<=[A-Za-z.:])__(?![\w])")
_HEADING = re.compile(
    r"(?m)^[ \t]{0,3}#{1,6}(?=[ \t]*[A-Za-z*_])|(?<=\w)[ \t]*#{1,6}[ \t]*$"
)


def without_markup(text: str) -> str:
    """Return a text of the same length, in which marks are blanks and line ends.

    A text without marks is returned itself.
    """
    if "<" in text and ">" in text:
        text = _CELL.sub(lambda found: "|".center(len(found[0])), text)
        text = _BREAKS.sub(_ending, text)
        text = _TAG.sub(_tag, text)
        text = _CLOSING.sub(_ending, text)
    if "&" in text:
        text = _ENTITY.sub(_entity, text)
    if "*" in text:
        text = _STARS.sub(_blank, text)
    if "#" in text:
        text = _HEADING.sub(_blank, text)
    if "__" in text and "__" in text.replace("___", ""):  # three: a removed name
        text = _LOW_LINES.sub(_blank, text)
    return text


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _ending(found: re.Match[str]) -> str:
    return "\n\n".ljust(len(found[0]))


def _tag(found: re.Match[str]) -> str:
    if found["inline"] is not None:
        return _blank(found)
    if found["wraps"]:
        return "\n".ljust(len(found[0]))
    return _ending(found) if found["close"] else "\n\u2022 ".ljust(len(found[0]))


def _entity(found: re.Match[str]) -> str:
    """Return what an entity stands for, before blanks; "&foo;" is a text of its own."""
    meant = html.unescape(found[0])
    if len(meant) != 1:
        return found[0]
    return (" " if meant.isspace() else meant).ljust(len(found[0]))
