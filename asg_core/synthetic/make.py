"""Make the synthetic world on disk: a corpus, the benchmarks, and the truth about them.

Everything is written below one folder, `manifest.json` last: without it the folder is the
rest of a run that was stopped, and the next run begins by clearing it.
"""

import itertools
import logging
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import polars as pl

from asg_core.files import write_json
from asg_core.synthetic.config import SyntheticConfig
from asg_core.synthetic.folder import claim_folder, open_text, write_manifest
from asg_core.synthetic.layouts import chexpert, covidx, mimic_cxr, nih, rsna, siim
from asg_core.synthetic.layouts.population import Contribution, PatientJob, Population
from asg_core.tables.catalog import REGION_BOXES, SENTENCES, STAGE_METRICS, TRIPLETS
from asg_core.tables.schema import TableSchema, write_table
from asg_core.tables.shards import shard_name, shard_of
from asg_core.tables.stage_metrics import metric_row
from asg_core.terms.stages import Stage

logger = logging.getLogger(__name__)

STAGE = Stage.MAKE_SYNTHETIC
BROKEN = "broken.json"

POPULATIONS: Mapping[str, Population] = {
    population.name: population
    for population in (
        mimic_cxr.POPULATION,
        nih.POPULATION,
        chexpert.POPULATION,
        rsna.POPULATION,
        covidx.POPULATION,
        siim.POPULATION,
    )
}
_TRUTH: Mapping[str, TableSchema] = {
    schema.name: schema for schema in (SENTENCES, TRIPLETS, REGION_BOXES)
}
# About a second of work: small enough to share out, large enough to be worth a message.
_PATIENTS_PER_TASK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """Patients of one population that one process makes in one go."""

    population: str
    jobs: tuple[PatientJob, ...]
    config: SyntheticConfig
    root: Path
    num_shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What a task has made, beside the files it wrote."""

    population: str
    lines: Mapping[str, Sequence[str]]
    truth: Mapping[tuple[str, int], pl.DataFrame]
    """The rows of the truth, by table and shard."""

    broken: Sequence[Mapping[str, str]]
    counts: Counter[str]


Progress = Callable[[Iterable[_Result]], Iterable[_Result]]
"""Passes its items through and shows how far they are."""


def make_synthetic(
    *,
    config: SyntheticConfig,
    root: Path,
    truth: Path,
    num_shards: int,
    num_processes: int,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Write the synthetic corpus and benchmarks to `root`, and ground truth to `truth`.

    The bytes of all files but the manifest, which holds times, follow from `config` (and
    those of the truth from `num_shards` too), not from `num_processes`. What an earlier
    call left in `root` is removed first. Memory grows by the rows of the truth alone.

    Args:
        config: The world.
        root: Folder of the corpus (MIMIC-CXR-JPG, its reports, Chest ImaGenome) and of
            `benchmarks/`; empty, missing, or filled by an earlier call.
        truth: Folder of the tables sentences, triplets and region_boxes.
        num_shards: How many shards the truth tables have.
        num_processes: That work side by side; 1 works in this one.
        progress: Wraps the pieces of work as they are done.

    Returns:
        Rows of the table `stage_metrics`: what was made, by population.

    Raises:
        ValueError: If `root` holds files that are not of an earlier call, or if the
            configuration names a benchmark that there is not.
    """
    populations = _populations(config)
    claim_folder(root)
    _forget_truth(truth)
    counts: dict[str, Counter[str]] = {}
    broken: list[Mapping[str, str]] = []
    frames: dict[tuple[str, int], list[pl.DataFrame]] = {}
    tasks = _tasks(populations, config=config, root=root, num_shards=num_shards)
    with ExitStack() as stack:
        files = _open_label_files(populations, root=root, stack=stack)
        results = stack.enter_context(_results_of(tasks, num_processes=num_processes))
        for result in results if progress is None else progress(results):
            for name, lines in result.lines.items():
                files[name].writelines(lines)
            for key, frame in result.truth.items():
                frames.setdefault(key, []).append(frame)
            broken.extend(result.broken)
            counts.setdefault(result.population, Counter()).update(result.counts)
    _write_truth(frames, truth=truth, num_shards=num_shards)
    write_json(root / BROKEN, broken)
    write_manifest(root, config=config)
    for name, count in counts.items():
        logger.info("%s: %s", name, dict(sorted(count.items())))
    return _metrics(counts, broken=broken)


def _forget_truth(truth: Path) -> None:
    """Remove the truth tables of an earlier call, which may have had other shards."""
    for table in _TRUTH:
        for path in (truth / table).glob("shard-*.parquet"):
            path.unlink()


def _populations(config: SyntheticConfig) -> list[Population]:
    """Return the populations to be written: the corpus, and benchmarks with images.

    Raises:
        ValueError: If images are wanted of a benchmark that there is not.
    """
    known = [one.name for one in POPULATIONS.values() if one.num_images is not None]
    unknown = sorted(config.benchmarks.keys() - set(known))
    if unknown:
        raise ValueError(
            f"make_synthetic: expected numbers of images of {known}, found one of "
            f"'{unknown[0]}': correct its name in corpus.synthetic.benchmarks"
        )
    return [one for one in POPULATIONS.values() if one.num_wanted(config) != 0]


def _tasks(
    populations: Sequence[Population],
    *,
    config: SyntheticConfig,
    root: Path,
    num_shards: int,
) -> Iterator[_Task]:
    for population in populations:
        jobs = _patient_jobs(population, config=config)
        while batch := tuple(itertools.islice(jobs, _PATIENTS_PER_TASK)):
            yield _Task(
                population=population.name,
                jobs=batch,
                config=config,
                root=root,
                num_shards=num_shards,
            )


def _patient_jobs(
    population: Population, *, config: SyntheticConfig
) -> Iterator[PatientJob]:
    """Yield all patients of the corpus, or those that fill a benchmark."""
    wanted = population.num_wanted(config)
    num_images = 0
    for index in itertools.count():
        is_done = index >= config.patients if wanted is None else num_images >= wanted
        if is_done:
            return
        own = len(population.images_of(population.plan(index, config)))
        if wanted is not None:
            own = min(own, wanted - num_images)
        yield PatientJob(
            index=index,
            first_image=num_images,
            num_images=own,
            num_in_all=wanted or 0,
        )
        num_images += own


@contextmanager
def _results_of(
    tasks: Iterator[_Task], *, num_processes: int
) -> Iterator[Iterator[_Result]]:
    """Give the results in the order of the tasks."""
    if num_processes == 1:
        yield map(_run, tasks)
        return
    # Forking is not safe beside the threads of polars, hence "spawn".
    context = multiprocessing.get_context("spawn")
    with context.Pool(num_processes, initializer=_start_worker) as pool:
        yield pool.imap(_run, tasks)


def _start_worker() -> None:
    # Each process has one core; threads of OpenCV would only fight for it.
    cv2.setNumThreads(1)


def _run(task: _Task) -> _Result:
    """Make the patients of a task, and join what they add."""
    population = POPULATIONS[task.population]
    joined = Contribution()
    rows: dict[tuple[str, int], list[dict[str, object]]] = {}
    for job in task.jobs:
        patient = population.plan(job.index, task.config)
        made = population.write_patient(patient, job, task.config, task.root)
        for name, lines in made.lines.items():
            joined.lines.setdefault(name, []).extend(lines)
        joined.broken.extend(made.broken)
        joined.counts.update(made.counts)
        if made.truth:
            shard = shard_of(patient.patient_id, num_shards=task.num_shards)
            for table, truth in made.truth.items():
                rows.setdefault((table, shard), []).extend(truth)
    return _Result(
        population=population.name,
        lines=joined.lines,
        truth={key: _TRUTH[key[0]].frame(values) for key, values in rows.items()},
        broken=joined.broken,
        counts=joined.counts,
    )


def _open_label_files(
    populations: Sequence[Population], *, root: Path, stack: ExitStack
) -> dict[str, IO[str]]:
    """Open the label files of all populations, each with its header written."""
    files: dict[str, IO[str]] = {}
    for population in populations:
        for name, header in population.headers.items():
            files[name] = open_text(root / name, stack=stack)
            files[name].write(header)
    return files


def _write_truth(
    frames: Mapping[tuple[str, int], Sequence[pl.DataFrame]],
    *,
    truth: Path,
    num_shards: int,
) -> None:
    """Write every shard of every truth table, those without rows too."""
    for table, schema in _TRUTH.items():
        for shard in range(num_shards):
            parts = [schema.empty(), *frames.get((table, shard), [])]
            name = f"shard-{shard_name(shard, num_shards=num_shards)}.parquet"
            write_table(pl.concat(parts), truth / table / name, schema=schema)


def _metrics(
    counts: Mapping[str, Mapping[str, int]], *, broken: Sequence[Mapping[str, str]]
) -> pl.DataFrame:
    kinds = Counter(item["kind"] for item in broken)
    numbers = [
        (f"num_{what}", name, count)
        for name, made in counts.items()
        for what, count in made.items()
    ]
    numbers += [("num_broken", kind, count) for kind, count in kinds.items()]
    return STAGE_METRICS.frame(
        metric_row(STAGE, metric, target, count, num_items=count)
        for metric, target, count in numbers
    ).sort(STAGE_METRICS.key)
