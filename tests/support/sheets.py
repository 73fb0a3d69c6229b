"""What a table of the summary says, for comparisons."""

from asg_core.summary.sheets.sheet import Sheet


def texts(sheet: Sheet) -> list[list[str]]:
    """Return every cell in one line, the footer last."""
    return [[cell.plain for cell in row] for row in sheet.all_rows]
