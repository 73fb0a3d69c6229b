"""A table with one box in a row -> checked boxes."""

from collections import defaultdict
from pathlib import Path

from asg_core.sources.annotations.boxes import GivenBox, as_corners
from asg_core.sources.annotations.collected import CollectedBoxes
from asg_core.sources.annotations.config import AnnotationsConfig
from asg_core.sources.annotations.layouts import box_columns, find_box_table
from asg_core.sources.reading.files import table_rows
from asg_core.terms.regions import REGIONS


def read_box_table(
    config: AnnotationsConfig, root: Path, *, collected: CollectedBoxes
) -> None:
    """Collect the boxes of a table; those of other images are ignored and counted.

    Raises:
        SourceError: If the table or one of its columns is missing.
    """
    path = find_box_table(config, root)
    given: defaultdict[str, list[GivenBox]] = defaultdict(list)
    rows = table_rows(path, columns=box_columns(config))
    for number, row in enumerate(rows, start=1):
        where = f"{path.name}:{number}"
        if row is None:
            problem = ("malformed_row", "expected as many cells as the header has")
            collected.rejects.add_problem(where, problem, where=where)
            continue
        image_id, region, *corners = row
        if image_id not in collected.images:
            collected.num_ignored += 1
        elif region not in REGIONS:
            detail = f"expected one of the 29 regions, found '{region}'"
            collected.rejects.add_problem(
                where, ("unknown_region", detail), where=where
            )
        else:
            box = GivenBox(region=region, corners=as_corners(corners))
            given[image_id].append(box)
    for image_id, boxes in given.items():
        collected.add(image_id, boxes)
