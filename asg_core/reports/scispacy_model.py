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
_NEEDED = ("tagger", "parser")
# What costs time and is not read.
_UNREAD = ("ner", "lemmatizer", "senter", "scispacy_linker")


def check_model(model: str) -> None:
    """Check that a model is there, as an installed package or as a folder.

    Raises:
        ValueError: If it is not; the message says how to install it.
    """
    if model.isidentifier() and not Path(model).is_dir():
        spec = find_spec(model)
        if spec is None or spec.origin is None:
            name = model if model.startswith("en_core_sci_") else "en_core_sci_sm"
            archive = f"{_ARCHIVES}/v{MODEL_RELEASE}/{name}-{MODEL_RELEASE}.tar.gz"
            raise ValueError(
                f"reports.scispacy.model: expected the installed model '{model}', "
                f"found no such package. Install a model with `pip install --no-deps {archive}` "
                "(scispaCy's models are not on the package index), name the folder of "
                "one, or use reports.parser: lexicon."
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
        ValueError: If the model is not there, or has no tagger or no parser.
    """
    check_model(model)
    # Seconds to import, and of use to this parser only.
    import spacy  # noqa: PLC0415

    with warnings.catch_warnings():
        # "Trained with v3.7": said in the log instead.
        warnings.filterwarnings("ignore", message=r"\[W095\]")
        pipeline = spacy.load(model, exclude=list(_UNREAD))
    missing = [name for name in _NEEDED if name not in pipeline.pipe_names]
    if missing:
        raise ValueError(
            f"reports.scispacy.model: expected a model with a tagger and a dependency "
            f"parser, '{model}' has no {' and no '.join(missing)} (it has "
            f"{pipeline.pipe_names}). Use one of en_core_sci_sm, en_core_sci_md, "
            "en_core_sci_lg or en_core_sci_scibert."
        )
    logger.info(
        "trees by %s_%s %s, made for spaCy %s, read with spaCy %s",
        *(pipeline.meta[key] for key in ("lang", "name", "version", "spacy_version")),
        version("spacy"),
    )
    return pipeline
