"""Finding and loading the model of the parser `scispacy`.

Its models are not on the package index; they are archives that scispaCy's makers
distribute. Whether one is there is asked before the first job, without loading spaCy.
"""

import logging
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

# The documentation of scispaCy 0.6.2 names the models of 0.5.4. They ask for spaCy 3.7,
# so that pip would put it in the place of 3.8; scispaCy's tests pass with both
# (https://github.com/allenai/scispacy/pull/551), hence --no-deps.
MODEL_RELEASE = "0.5.4"
_ARCHIVES = "https://s3-us-west-2.amazonaws.com/ai2-s2-scispacy/releases"
# The fourth, en_core_sci_scibert, needs spacy-transformers, which is not in the lock file.
_MODELS = ("en_core_sci_sm", "en_core_sci_md", "en_core_sci_lg")
# What costs time and is not read.
_UNREAD = ("tagger", "attribute_ruler", "lemmatizer", "ner", "senter")


def check_model(model: str) -> None:
    """Check that a model is there, as an installed package or as a folder.

    Raises:
        ValueError: If it is not; the message says how to install it.
    """
    if model.isidentifier() and not Path(model).is_dir():
        spec = find_spec(model)
        origin = None if spec is None else spec.origin
        if origin is None or not Path(origin).with_name("meta.json").is_file():
            name = model if model in _MODELS else _MODELS[0]
            archive = f"{_ARCHIVES}/v{MODEL_RELEASE}/{name}-{MODEL_RELEASE}.tar.gz"
            raise ValueError(
                f"reports.scispacy.model: expected the installed model '{model}', found "
                f"no spaCy model of this name. Install one with `pip install --no-deps "
                f"{archive}` (scispaCy's models are not on the package index), name the "
                "folder of one, or use reports.parser: lexicon."
            )
    elif not (Path(model) / "config.cfg").is_file():
        raise ValueError(
            f"reports.scispacy.model: expected the folder of a spaCy model, found no "
            f"{Path(model) / 'config.cfg'}. Give the folder that `nlp.to_disk` wrote, "
            "or the name of an installed model."
        )


def load_model(model: str) -> Any:  # noqa: ANN401 - spaCy is untyped here
    """Return the spaCy pipeline of a model, without the components that are not read.

    Raises:
        ValueError: If the model is not there, is not one that this release of spaCy can
            load, or has no parser.
    """
    check_model(model)
    # Seconds to import, and of use to this parser only.
    import spacy  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            # "Trained with v3.7": said in the log instead.
            warnings.filterwarnings("ignore", message=r"\[W095\]")
            pipeline = spacy.load(model, exclude=list(_UNREAD))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"reports.scispacy.model: expected a model that spaCy {version('spacy')} can "
            f"load, found that it cannot load '{model}': {error} Use one of "
            f"{', '.join(_MODELS)}, or install what this one needs."
        ) from error
    if "parser" not in pipeline.pipe_names:
        raise ValueError(
            f"reports.scispacy.model: expected a model with a dependency parser, found "
            f"none in '{model}' (it has {pipeline.pipe_names}). Use one of "
            f"{', '.join(_MODELS)}."
        )
    logger.info(
        "trees by %s_%s %s, made for spaCy %s, read with spaCy %s",
        *(pipeline.meta[key] for key in ("lang", "name", "version", "spacy_version")),
        version("spacy"),
    )
    return pipeline
