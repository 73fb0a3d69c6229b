"""The folder of a finished run."""

import shutil
from typing import Any

from asg_core.data.corpus import digest_ids
from asg_core.data.make_corpora import Corpora
from asg_core.files import replacing
from asg_core.learning.run_folder import DESCRIPTION, HISTORY_FILE, TOKENIZER
from asg_core.models.checkpoint import save_model
from asg_core.models.export import export_image_encoder, export_text_encoder
from asg_core.provenance import versions
from asg_core.tables.catalog import HISTORY
from asg_core.tables.schema import write_table
from asg_core.training.job import PretrainJob
from asg_core.training.loop import RunParts, throughput
from asg_core.training.progress import RunProgress

_PACKAGES = ("asg-core", "timm", "tokenizers", "torch", "transformers")


def publish(
    job: PretrainJob, corpora: Corpora, parts: RunParts, progress: RunProgress
) -> None:
    """Write the folder of a run.

    It holds history.parquet, tokenizer.json, image_encoder (for timm), text_encoder (for
    transformers), model.safetensors and, last, run.json. An earlier run.json goes first,
    so a folder that has one is complete.
    """
    out = job.out
    out.mkdir(parents=True, exist_ok=True)
    (out / DESCRIPTION).unlink(missing_ok=True)
    write_table(progress.history(), out / HISTORY_FILE, schema=HISTORY)
    tokenizer = out / TOKENIZER
    with replacing(tokenizer) as temporary:
        shutil.copyfile(job.tokenizer, temporary)
    export_image_encoder(parts.model, out / "image_encoder")
    export_text_encoder(parts.model, out / "text_encoder", tokenizer=tokenizer)
    run = _describe(job, corpora, parts, progress)
    save_model(parts.model, run, folder=out)


def _describe(
    job: PretrainJob, corpora: Corpora, parts: RunParts, progress: RunProgress
) -> dict[str, Any]:
    train, validate = corpora.train, corpora.validate
    best = progress.step if progress.best_step is None else progress.best_step
    kept = best if job.settings.keep == "best" else progress.step
    return {
        "run": job.run,
        "settings": job.settings.model_dump(mode="json"),
        "crop": {
            "resize": job.settings.crop.resize,
            "size": job.settings.model.image_encoder.size,
        },
        "corpus_digest": train.digest(),
        "num_images": len(train),
        "num_studies": len(train.study_ids),
        "num_units": train.num_units,
        "num_validation_images": len(validate),
        "processes": parts.world.size,
        "steps": progress.step,
        "steps_planned": parts.num_steps,
        "best_step": best,
        "kept_step": kept,
        "best_validation_loss": progress.best_loss,
        "trained_patients_digest": digest_ids(train.patient_ids),
        "versions": versions(_PACKAGES),
        "seconds": progress.train_seconds,
        "throughput": throughput(progress, settings=job.settings, world=parts.world),
    }
