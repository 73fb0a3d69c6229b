"""Lets the radgraph package run beside transformers 5.

Its tokenizer calls two methods that transformers 5 no longer has: `encode_plus`, and
`build_inputs_with_special_tokens`. Both are restored on the base class of the
tokenizers, and only where they are missing, so that older releases keep their own.

That the package runs does not say that it reads the same. Models on ModernBERT were seen to
give wrong graphs under transformers 5 (https://github.com/Stanford-AIMI/radgraph/pull/16).
"""

import logging
from importlib.metadata import version
from typing import Any

logger = logging.getLogger(__name__)

TRIED_TRANSFORMERS = ("4.57.6", "5.23.0")
"""The releases under which a BERT of random weights gave the same graphs, to the byte."""

_MODERN_BREAKS_AT = 5


def restore_tokenizer_methods() -> list[str]:
    """Add what radgraph needs to the tokenizers of transformers, where it is missing.

    To be called before radgraph is imported. Calling it again does nothing.

    Returns:
        The names of the methods that were added.
    """
    # Only the radgraph path needs transformers; the lexicon runs without it.
    from transformers import PreTrainedTokenizerBase  # noqa: PLC0415

    methods = {
        "encode_plus": _encode_plus,
        "build_inputs_with_special_tokens": _build_inputs_with_special_tokens,
    }
    added = [name for name in methods if not hasattr(PreTrainedTokenizerBase, name)]
    for name in added:
        setattr(PreTrainedTokenizerBase, name, methods[name])
    if added:
        logger.info("restored for radgraph: %s", ", ".join(added))
    return added


def warn_of_other_output(model: str) -> None:
    """Log a warning where a model may not give the graphs that its makers measured.

    Args:
        model: A name of the radgraph package. Those on ModernBERT begin with "modern".
    """
    found = version("transformers")
    if model.startswith("modern") and int(found.partition(".")[0]) >= _MODERN_BREAKS_AT:
        logger.warning(
            "reports.radgraph.model: expected transformers 4 for '%s', found %s, under "
            "which models on ModernBERT were reported to give wrong graphs "
            "(github.com/Stanford-AIMI/radgraph/pull/16); no release was tried here with "
            "this model. Use radgraph-xl, or the environment envs/radgraph.yaml "
            "(--software-deployment-method conda).",
            model,
            found,
        )
    elif found not in TRIED_TRANSFORMERS:
        logger.info(
            "transformers %s: radgraph was tried with %s",
            found,
            " and ".join(TRIED_TRANSFORMERS),
        )


def _encode_plus(
    self: Any,  # noqa: ANN401 - a tokenizer; transformers is untyped here
    text: Any,  # noqa: ANN401
    text_pair: Any = None,  # noqa: ANN401
    **kwargs: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Encode one text or one pair, as calling the tokenizer does."""
    return self(text, text_pair, **kwargs)


def _build_inputs_with_special_tokens(
    self: Any,  # noqa: ANN401 - a tokenizer; transformers is untyped here
    token_ids_0: list[int],
    token_ids_1: list[int] | None = None,
) -> list[int]:
    """Wrap ids as [CLS] a [SEP], or [CLS] a [SEP] b [SEP]; BOS and EOS stand in."""
    start = self.bos_token_id if self.cls_token_id is None else self.cls_token_id
    end = self.eos_token_id if self.sep_token_id is None else self.sep_token_id
    starts = [] if start is None else [start]
    ends = [] if end is None else [end]
    ids = [*starts, *token_ids_0, *ends]
    return ids if token_ids_1 is None else [*ids, *token_ids_1, *ends]
