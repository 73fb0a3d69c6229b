"""How fast the lexicon parser reads, on one core and in sharded jobs, beside negspaCy.

    python bench/bench_reports.py [REPORTS.parquet] [--mimic-sized 228000]

REPORTS has the columns study_id and text; without it the reports of the golden tests are
used, over and over. Times are CPU seconds of one thread, the best of five rounds in which
the systems take turns. A sentence that was read before in the same job is cheaper, so the
speed is given for the reports as they are and for reports in which no sentence repeats.

negspaCy is its pipeline as documented: a blank English tokenizer, the sentencizer, an
entity ruler with the finding phrases of our lexicon, and `negex`. It finds and denies; it
knows no places, sections, doubts or removals, which our parser reads in the same time.

The MIMIC-sized part writes as many reports of MIMIC-CXR's layout as asked for, cut into
shards, and reads them by two processes at a time, each of them started anew for one shard
as the workflow does: seconds on the clock, and the peak memory of a job. Half of their
sentences occur once.
"""

import argparse
import gc
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from asg_core.reports.lexicon.files import read_rows
from asg_core.reports.lexicon.load import SHIPPED, load_lexicon
from asg_core.reports.parse import parse_reports
from asg_core.reports.text.sections import SectionCutter
from asg_core.reports.text.sentences import SentenceCutter

if TYPE_CHECKING:
    import spacy

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "reports"
NUM_GOLDEN = 4_000
ROUNDS = 5
SHARDS = 16
PROCESSES = 2
# What stands above the findings of a portable study.
TOP = """ FINAL REPORT
 EXAMINATION:  CHEST (PORTABLE AP)

 INDICATION:  ___ year old {who} with {why}.  // evaluate for {why}

 TECHNIQUE:  Portable AP radiograph of the chest.

 COMPARISON:  ___.

"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="?", type=Path)
    parser.add_argument("--mimic-sized", type=int, default=228_000, metavar="REPORTS")
    parser.add_argument("--shard", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.shard:
        parse_shard(*arguments.shard)
        return
    measure_one_core(read(arguments.reports) if arguments.reports else golden())
    if arguments.mimic_sized:
        measure_jobs(arguments.mimic_sized)


def measure_one_core(reports: pl.DataFrame) -> None:
    """Print reports per second of CPU time, for each system and state."""
    started = time.process_time()
    load_lexicon()
    loaded = time.process_time() - started
    texts = reports["text"].to_list()
    pipeline = negspacy_pipeline()
    distinct = iter([without_repetition(reports, salt=salt) for salt in "vwxyz"])

    systems: dict[str, Callable[[], object]] = {
        "lexicon": lambda: parse_reports(reports),
        "lexicon, no sentence repeats": lambda: parse_reports(next(distinct)),
        "negspaCy, findings and denials only": lambda: denied(pipeline, texts),
    }
    parse_reports(golden().head(1))
    denied(pipeline, texts[:10])
    # Neither system pays for searching what the other keeps in memory.
    gc.collect()
    gc.freeze()
    best = dict.fromkeys(systems, float("inf"))
    for _ in range(ROUNDS):
        for name, run in systems.items():
            started = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - started)
    words = sum(len(text.split()) for text in texts) / len(texts)
    print(f"lexicon and its files read in {loaded:.2f} s of CPU")
    print(f"{len(texts)} reports of {words:.0f} words on average; reports/s of CPU:")
    slowest = best["negspaCy, findings and denials only"]
    for name, seconds in best.items():
        print(f"{name:38}{len(texts) / seconds:8.0f}  {slowest / seconds:5.2f} x")


def negspacy_pipeline() -> "spacy.Language":
    """Return negspaCy with the phrases of our findings."""
    # Not in the jobs below, which have no use for it and would pay for it.
    import spacy  # noqa: PLC0415
    from negspacy.negation import Negex  # noqa: F401, PLC0415 - registers it

    columns = ("phrase", "findings", "place", "source", "reason")
    rows = read_rows(SHIPPED / "findings.tsv", columns=columns)
    phrases = sorted({phrase for row in rows for phrase in row.phrases("phrase")})
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    ruler = pipeline.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "FINDING", "pattern": phrase} for phrase in phrases])
    pipeline.add_pipe("negex", config={"ent_types": ["FINDING"]})
    return pipeline


def denied(pipeline: "spacy.Language", texts: list[str]) -> int:
    """Return how many findings negspaCy takes for denied."""
    return sum(
        entity._.negex for document in pipeline.pipe(texts) for entity in document.ents
    )


def measure_jobs(count: int) -> None:
    """Print how long sharded jobs take for a corpus of the size of MIMIC-CXR."""
    with tempfile.TemporaryDirectory() as folder:
        inputs, words = write_shards(Path(folder), count)
        started = time.perf_counter()
        with ThreadPoolExecutor(PROCESSES) as pool:
            results = list(pool.map(run_shard, inputs))
        seconds = time.perf_counter() - started
    rows = sum(rows for rows, _ in results)
    peaks = [peak for _, peak in results]
    print(f"{count} reports of MIMIC-CXR's layout, {words:.0f} words on average:")
    print(f"{SHARDS} jobs, {PROCESSES} at a time: {seconds:.1f} s, {rows} triplets")
    print(f"peak memory of a job: {min(peaks):.0f} to {max(peaks):.0f} MB")


def write_shards(folder: Path, count: int) -> tuple[list[Path], float]:
    """Write the reports, and return the files and the mean number of words."""
    generator = mimic_texts(random.Random(0))
    paths, words = [], 0
    for shard in range(SHARDS):
        size = count // SHARDS + (shard < count % SHARDS)
        texts = [next(generator) for _ in range(size)]
        words += sum(len(text.split()) for text in texts)
        ids = [f"s{shard:02}{index:06}" for index in range(size)]
        paths.append(folder / f"shard-{shard:04}.parquet")
        pl.DataFrame({"study_id": ids, "text": texts}).write_parquet(paths[-1])
    return paths, words / count


def mimic_texts(rng: random.Random) -> Iterator[str]:
    """Yield reports of six findings and two impressions from the golden sentences."""
    lexicon = load_lexicon()
    sections = SectionCutter(lexicon.headers)
    sentences = SentenceCutter(lexicon.sentence_words)
    pool = sorted(
        {
            " ".join(text[start:end].split())
            for text in golden_texts()
            for section in sections.cut(text)
            if section.name in ("findings", "impression")
            for start, end in sentences.cut(text, section.start, section.end)
        }
    )
    serial = 0
    while True:
        drawn = rng.choices(pool, k=8)
        for index in range(0, 8, 2):
            serial += 1
            drawn[index] = f"{drawn[index].rstrip('.')} x{serial:x}."
        top = TOP.format(who=rng.choice(["man", "woman"]), why="shortness of breath")
        yield (
            f"{top} FINDINGS:  {'  '.join(drawn[:6])}\n\n"
            f" IMPRESSION:  {'  '.join(drawn[6:])}\n"
        )


def run_shard(path: Path) -> tuple[int, float]:
    """Read one shard in a process of its own; return its triplets and peak memory."""
    output = path.with_suffix(".out.parquet")
    done = subprocess.run(
        [sys.executable, __file__, "--shard", path, output],
        check=True,
        capture_output=True,
        text=True,
    )
    rows, megabytes = done.stdout.split()
    return int(rows), float(megabytes)


def parse_shard(path: Path, output: Path) -> None:
    """Do what a job of the workflow does, and print triplets and peak memory."""
    parsed = parse_reports(pl.read_parquet(path))
    parsed.sentences.write_parquet(output.with_suffix(".sentences.parquet"))
    parsed.triplets.write_parquet(output)
    peak = peak_megabytes()
    print(len(parsed.triplets), peak)


def peak_megabytes() -> float:
    """Return the peak memory of this process; `getrusage` counts its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def read(path: Path) -> pl.DataFrame:
    """Read the reports that have a text."""
    return pl.read_parquet(path, columns=["study_id", "text"]).filter(
        pl.col("text").str.strip_chars() != ""
    )


def golden_texts() -> list[str]:
    """Return the reports of the golden tests."""
    return [path.read_bytes().decode() for path in sorted(GOLDEN.glob("*.txt"))]


def golden() -> pl.DataFrame:
    """Return the reports of the golden tests, over and over."""
    texts = golden_texts()
    return pl.DataFrame(
        {
            "study_id": [str(index) for index in range(NUM_GOLDEN)],
            "text": [texts[index % len(texts)] for index in range(NUM_GOLDEN)],
        }
    )


def without_repetition(reports: pl.DataFrame, *, salt: str) -> pl.DataFrame:
    """Add a word of its own to every sentence, so that none has been read before."""
    cutter = SentenceCutter(load_lexicon().sentence_words)
    texts = []
    count = 0
    for text in reports["text"]:
        pieces, begin = [], 0
        for _, end in cutter.cut(text, 0, len(text)):
            stop = end - 1 if text[end - 1] == "." else end
            pieces.append(f"{text[begin:stop]} {salt}{count}")
            begin, count = stop, count + 1
        texts.append("".join(pieces) + text[begin:])
    return reports.with_columns(text=pl.Series(texts, dtype=pl.String))


if __name__ == "__main__":
    main()
