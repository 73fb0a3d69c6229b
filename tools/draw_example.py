"""Draw docs/example.png: a synthetic radiograph with two of its units, from a demo run.

By hand, after `make demo`: .venv/bin/python tools/draw_example.py
"""

import textwrap
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image, ImageDraw, ImageFont

from asg_core.tables.catalog import ALIGNMENTS, IMAGES, REPORTS
from asg_core.tables.schema import read_tables

RESULTS = Path("results/synthetic")
COLOURS = ("#ffb000", "#4fc3ff")
SIDE, MARGIN, WIDTH = 520, 24, 1160
FONT = ImageFont.load_default(size=19)
SMALL = ImageFont.load_default(size=15)


def read_shards(table: str) -> list[Path]:
    """Return the shards of a table of the demo."""
    return sorted((RESULTS / "tables" / table).glob("*.parquet"))


def choose_image(units: pl.DataFrame) -> str:
    """Return an image with an effusion or an opacity: short units, apart from each other."""
    candidates = (
        units.filter(
            (pl.col("scenario") == 1)
            & pl.col("words").str.len_chars().is_between(25, 110)
        )
        .group_by("image_id")
        .agg(pl.len(), pl.col("words").str.join(" "))
        .filter(
            pl.col("words").str.contains("(?i)effusion|consolidation|opacity|enlarged")
        )
        .filter(pl.col("len") >= len(COLOURS))
        .sort("len", "image_id", descending=[True, False])
    )
    return str(candidates["image_id"][0])


def main() -> None:
    """Choose an image of the demo and draw it beside its sentences."""
    texts = dict(read_tables(read_shards("reports"), schema=REPORTS).iter_rows())
    units = read_tables(read_shards("alignments"), schema=ALIGNMENTS).with_columns(
        pl.struct("study_id", "spans")
        .map_elements(lambda row: words_of(row, texts=texts), return_dtype=pl.String)
        .alias("words")
    )
    image_id = choose_image(units)
    images = read_tables(read_shards("images"), schema=IMAGES)
    image = images.row(by_predicate=pl.col("image_id") == image_id, named=True)
    shown = units.filter((pl.col("image_id") == image_id) & (pl.col("scenario") == 1))
    chosen = shown.sort(
        pl.col("words").str.contains("(?i)^no |without|normal"), "unit_index"
    )
    draw(image, chosen.head(len(COLOURS)).to_dicts()).save(
        "docs/example.png", optimize=True
    )


def words_of(row: dict[str, Any], *, texts: dict[str, str]) -> str:
    """Return the words of a unit in one line."""
    text = texts[row["study_id"]]
    return " ... ".join(
        " ".join(text[span["start"] : span["end"]].split()) for span in row["spans"]
    )


def draw(image: dict[str, Any], units: list[dict[str, Any]]) -> Image.Image:
    """Return the picture: the radiograph with boxes on the left, the words on the right."""
    pixels = Image.open(RESULTS / "source" / image["path"]).convert("RGB")
    scale = SIDE / max(pixels.size)
    size = (round(pixels.width * scale), round(pixels.height * scale))
    page = Image.new("RGB", (WIDTH, size[1] + 2 * MARGIN), "#15181c")
    page.paste(pixels.resize(size, Image.Resampling.LANCZOS), (MARGIN, MARGIN))
    pen = ImageDraw.Draw(page)
    x, y = size[0] + 3 * MARGIN, 2 * MARGIN
    for unit, colour in zip(units, COLOURS, strict=True):
        corners = [MARGIN + value * scale for value in unit["box_xyxy"]]
        pen.rectangle(corners, outline=colour, width=3)
        pen.text((x, y), ", ".join(unit["regions"]), font=SMALL, fill=colour)
        words = textwrap.fill(unit["words"], width=max((WIDTH - x) // 10, 20))
        pen.multiline_text((x, y + 26), words, font=FONT, fill="#e8e8e8", spacing=8)
        y += 26 + 30 * (words.count("\n") + 1) + 2 * MARGIN
    return page


if __name__ == "__main__":
    main()
