"""The protocols `zero-shot-tags` and `zero-shot-prompts`: no label of the benchmark.

`zero-shot-tags` asks the tag decoder; the score is the sigmoid of its answer. Targets that
are none of the 40 tags are asked for in free text, together with the tags, and stand
apart: the mean `all` is over the tags, `all with free text` over every target.

`zero-shot-prompts` compares the image with sentences in the joint space; the score is the
share of the positive sentence in the softmax with the negative one, or of a class among
all classes.
"""

# Shape suffixes:
#   N = images, B = images of a batch, T = targets, Q = texts, F = the 40 tags,
#   P = patches, E = width of query features, D = width of the joint space

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from asg_core.benchmarks.form import Benchmark
from asg_core.data.texts import encode_texts
from asg_core.data.tokenizer import load_tokenizer
from asg_core.evaluation.config import PromptsConfig
from asg_core.evaluation.encoders import FeatureEncoder, NetworkEncoder, read_inputs
from asg_core.evaluation.features import Features
from asg_core.evaluation.protocols.result import NotApplicable, ProtocolResult
from asg_core.evaluation.protocols.run_fits import subject_of
from asg_core.evaluation.scoring.fits import Draw, Fit, Subject
from asg_core.evaluation.scoring.score_frames import Scores, score_frame
from asg_core.evaluation.scoring.target_metrics import ScoreRules
from asg_core.evaluation.target_phrases import Query, prompt_queries, tag_queries
from asg_core.images.pixel_cache import PixelCache
from asg_core.models.asg import AsgModel
from asg_core.terms.findings import FINDINGS, finding_index
from asg_core.terms.targets import ALL

TAGS = "zero-shot-tags"
PROMPTS = "zero-shot-prompts"

ALL_WITH_FREE_TEXT = "all with free text"
"""The target of the mean over tags and free text queries."""

NO_LABELS = Draw(fraction=0.0, seed=0)
"""What a model learns from that sees no label of the benchmark."""

NOT_A_FINDING = "the target is no finding, so there is nothing to ask for"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSide:
    """A model that reads texts, with its tokenizer."""

    encoder: NetworkEncoder
    model: AsgModel

    def pieces(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the word pieces of texts and which are no padding, on the device."""
        folder = self.encoder.folder
        if folder is None:
            raise ValueError(
                f"encoder '{self.encoder.name}': expected the folder of its run, which "
                "has the tokenizer, found none; load it with load_encoder"
            )
        found = encode_texts(
            texts,
            tokenizer=load_tokenizer(folder / "tokenizer.json"),
            max_pieces=self.model.text_encoder.max_pieces,
        )
        device = self.encoder.device
        return found.piece_BT.to(device), found.is_piece_BT.to(device)


def text_side(
    encoder: FeatureEncoder, *, losses: Sequence[str]
) -> TextSide | NotApplicable:
    """Return the text side of an encoder, or why there is none to ask.

    Args:
        encoder: Any encoder.
        losses: Names in `pretraining.losses`; one of them must have trained the model.
    """
    if not isinstance(encoder, NetworkEncoder) or encoder.model is None:
        return NotApplicable(
            reason="the encoder has no text side: it is no pre-trained model of images "
            "and texts"
        )
    if not any(encoder.loss_weights.get(name, 0) > 0 for name in losses):
        return NotApplicable(
            reason="the model was trained without the loss it needs: "
            + " or ".join(losses)
        )
    return TextSide(encoder=encoder, model=encoder.model)


def zero_shot_tags(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    cache: PixelCache,
    *,
    batch_size: int,
) -> ProtocolResult | NotApplicable:
    """Ask the tag decoder about every target of the validation and test images.

    The tags are asked for together, as in training; free text is asked for together with
    the tags, in a second round, so that it does not change their answers.

    Args:
        benchmark: Any.
        encoder: Any.
        cache: The pixels.
        batch_size: Images of a forward pass.

    Returns:
        One fit, with the fraction 0 and the seed 0; or why there is no such model, or no
        tag for what the benchmark asks.
    """
    if benchmark.is_exclusive:
        return NotApplicable(reason="no tag stands for a class of this benchmark")
    text = text_side(encoder, losses=("tags",))
    if isinstance(text, NotApplicable):
        return text
    queries = tag_queries(benchmark.targets)
    free = [query.phrase for query in queries if not query.is_tag]
    image_ids = benchmark.part("validate") + benchmark.part("test")
    logit_NQ = _tag_logits(text, cache, image_ids, free=free, batch_size=batch_size)
    columns = [
        finding_index(query.phrase)
        if query.is_tag
        else len(FINDINGS) + free.index(query.phrase)
        for query in queries
    ]
    named = [f"{query.target} as '{query.phrase}'" for query in queries]
    about = [f"asked for {', '.join(named)}"]
    if free:
        about.append(f"in free text, not trained on: {', '.join(free)}")
    subject = subject_of(benchmark, protocol=TAGS, encoder=encoder.name)
    return ProtocolResult(
        subject=subject,
        outcomes=(
            _fit(
                logit_NQ[:, columns].sigmoid().numpy(),
                benchmark=benchmark,
                queries=queries,
                subject=subject,
            ),
        ),
        about=tuple(about),
        rules=tag_rules(benchmark.targets),
    )


def tag_rules(targets: Sequence[str]) -> ScoreRules:
    """Return which means `zero-shot-tags` has, and why a target has no score."""
    queries = tag_queries(targets)
    tags = tuple(query.target for query in queries if query.is_tag)
    means = {ALL: tags}
    if len(tags) < len(queries):
        means[ALL_WITH_FREE_TEXT] = tuple(query.target for query in queries)
    return ScoreRules(
        means=means, has_oracle=True, unscored=_unscored(targets, queries=queries)
    )


def _unscored(targets: Sequence[str], *, queries: Sequence[Query]) -> dict[str, str]:
    asked = {query.target for query in queries}
    return {target: NOT_A_FINDING for target in targets if target not in asked}


def zero_shot_prompts(
    benchmark: Benchmark,
    encoder: FeatureEncoder,
    features: Features,
    *,
    config: PromptsConfig,
) -> ProtocolResult | NotApplicable:
    """Compare the validation and test images with sentences about every target.

    Args:
        benchmark: Any.
        encoder: Any.
        features: Of this encoder.
        config: The sentences.

    Returns:
        One fit, with the fraction 0 and the seed 0; or why there is no such model.
    """
    text = text_side(encoder, losses=("image_report", "soft_labels"))
    if isinstance(text, NotApplicable):
        return text
    image_ids = benchmark.part("validate") + benchmark.part("test")
    queries = prompt_queries(benchmark.targets, phrases=config.phrases)
    phrases = [query.phrase for query in queries]
    with torch.inference_mode():
        image_ND = _image_embeddings(text, features.pooled_NE[features.rows(image_ids)])
        positive_NT = _cosines(image_ND, text, config.positive, phrases, config=config)
        if benchmark.is_exclusive:
            score_NT = (positive_NT / config.temperature).softmax(dim=1)
        else:
            negative_NT = _cosines(
                image_ND, text, config.negative, phrases, config=config
            )
            score_NT = ((positive_NT - negative_NT) / config.temperature).sigmoid()
    negatives = "" if benchmark.is_exclusive else f" against {list(config.negative)}"
    about = (
        f"templates '{config.name}': {list(config.positive)}{negatives}, "
        f"{config.aggregation}, temperature {config.temperature:g}, images of "
        f"{text.encoder.input_size} px; names: {', '.join(phrases)}"
    )
    subject = subject_of(benchmark, protocol=PROMPTS, encoder=encoder.name)
    return ProtocolResult(
        subject=subject,
        outcomes=(
            _fit(
                score_NT.cpu().numpy(),
                benchmark=benchmark,
                queries=queries,
                subject=subject,
            ),
        ),
        about=(about,),
        rules=ScoreRules(
            has_oracle=True, unscored=_unscored(benchmark.targets, queries=queries)
        ),
    )


def _tag_logits(
    text: TextSide,
    cache: PixelCache,
    image_ids: Sequence[str],
    *,
    free: Sequence[str],
    batch_size: int,
) -> Tensor:
    """Return the answers to the 40 tags, then to the free texts: (N, F + Q)."""
    model, encoder = text.model, text.encoder
    found = []
    with torch.inference_mode(), encoder.arithmetic():
        tags_FE = model.text_queries(model.piece_FT, model.is_piece_FT)
        free_QE = model.text_queries(*text.pieces(free)) if free else tags_FE[:0]
        for start in range(0, len(image_ids), batch_size):
            image_BSS = read_inputs(
                encoder, cache, image_ids[start : start + batch_size]
            )
            patches_BPE = model.image_encoder(image_BSS.to(encoder.device)).patches_BPE
            logit_BQ = model.tag_decoder(tags_FE, patches_BPE).float()
            if free:
                both_BQ = model.tag_decoder(torch.cat([tags_FE, free_QE]), patches_BPE)
                logit_BQ = torch.cat(
                    [logit_BQ, both_BQ[:, len(tags_FE) :].float()], dim=1
                )
            found.append(logit_BQ.cpu())
    return torch.cat(found)


def _image_embeddings(text: TextSide, pooled_NE: Scores) -> Tensor:
    """Return the images in the joint space (N, D), of unit length."""
    pooled_device_NE = torch.from_numpy(pooled_NE).to(text.encoder.device)
    return functional.normalize(text.model.image_head(pooled_device_NE).float(), dim=1)


def _cosines(
    image_ND: Tensor,
    text: TextSide,
    templates: Sequence[str],
    phrases: Sequence[str],
    *,
    config: PromptsConfig,
) -> Tensor:
    """Return the cosines of images with the templates filled with each phrase, (N, T)."""
    filled = [
        template.replace("{}", phrase) for phrase in phrases for template in templates
    ]
    with text.encoder.arithmetic():
        text_QD = text.model.text_embedding(*text.pieces(filled)).float()
    mean_TD = text_QD.view(len(phrases), len(templates), -1).mean(dim=1)
    if config.aggregation == "mean-embedding":
        mean_TD = functional.normalize(mean_TD, dim=1)
    return image_ND @ mean_TD.T


def _fit(
    score_NT: Scores,
    *,
    benchmark: Benchmark,
    queries: Sequence[Query],
    subject: Subject,
) -> Fit:
    """Return the scores, those of the validation images before those of the test ones."""
    targets = [query.target for query in queries]
    columns = [benchmark.targets.index(target) for target in targets]
    validate_ids, test_ids = benchmark.part("validate"), benchmark.part("test")
    validation, test = (
        score_frame(
            part_NT,
            benchmark.truth(image_ids)[:, columns],
            image_ids=image_ids,
            targets=targets,
            subject=subject,
            draw=NO_LABELS,
        )
        for image_ids, part_NT in (
            (validate_ids, score_NT[: len(validate_ids)]),
            (test_ids, score_NT[len(validate_ids) :]),
        )
    )
    return Fit(draw=NO_LABELS, test=test, validation=validation)
