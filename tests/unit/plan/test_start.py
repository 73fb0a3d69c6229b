"""What a configuration needs before its first job: files and models."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from asg_core.config import ConfigError, resolve_config
from asg_core.learning.run_folder import DETECTOR
from asg_core.plan.run import RunPlan
from asg_core.plan.start import check_start
from asg_core.regions.backends import detectron2_support
from asg_core.regions.config import DetectorTrainingConfig
from asg_core.terms.regions import REGIONS


def plan_of(values: dict[str, object]) -> RunPlan:
    return RunPlan(resolve_config(values))


def test_the_defaults_can_start() -> None:
    check_start(plan_of({}))


def test_every_missing_file_is_named_with_its_key(tmp_path: Path) -> None:
    plan = plan_of(
        {
            "regions": {"checkpoint": str(tmp_path / "detector")},
            "reports": {
                "parser": "radgraph",
                "radgraph": {"graphs": str(tmp_path / "graphs.json")},
                "lexicon": str(tmp_path / "words"),
            },
            "check_triplets": {"filled": str(tmp_path / "sheet.csv")},
        }
    )

    with pytest.raises(ConfigError) as caught:
        check_start(plan)

    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "regions.checkpoint",
        "reports.radgraph.graphs",
        "reports.lexicon",
        "check_triplets.filled",
    ]


def test_a_damaged_line_of_a_lexicon_stops_before_the_first_job(tmp_path: Path) -> None:
    (tmp_path / "cues.tsv").write_text("phrase\tcue\treason\nno\tdenies\t-\n")
    plan = plan_of({"reports": {"lexicon": str(tmp_path)}})

    with pytest.raises(
        ConfigError, match=r"reports\.lexicon: .*cues\.tsv, line 2: exp"
    ):
        check_start(plan)


def test_the_model_of_a_parser_is_looked_for_unless_conda_brings_it() -> None:
    plan = plan_of(
        {"reports": {"parser": "scispacy", "scispacy": {"model": "no_such_model"}}}
    )

    with pytest.raises(ConfigError, match=r"reports\.scispacy\.model"):
        check_start(plan)
    check_start(plan, uses_conda=True)
    # A folder is looked for in any case: no environment brings it.
    folder = {"parser": "scispacy", "scispacy": {"model": "models/no_such_folder"}}
    assert "reports.scispacy.model" in refusal(
        plan_of({"reports": folder}), uses_conda=True
    )


def _transformers_folder(folder: Path, *, vocabulary: bool) -> Path:
    folder.mkdir()
    names = ["config.json", "model.safetensors", *(["vocab.txt"] * vocabulary)]
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_of_an_encoder_has_to_be_whole(tmp_path: Path) -> None:
    def lines(text: Path, image: Path) -> list[str]:
        encoders = {"dino": {"kind": "transformers", "path": str(image)}}
        plan = plan_of(
            {
                "pretraining": {"model": {"text_encoder": {"name": str(text)}}},
                "evaluation": {"encoders": encoders},
            }
        )
        try:
            check_start(plan)
        except ConfigError as error:
            return str(error).splitlines()[1:]
        return []

    whole = _transformers_folder(tmp_path / "whole", vocabulary=True)
    bare = _transformers_folder(tmp_path / "bare", vocabulary=False)
    absent = tmp_path / "absent"

    assert lines(whole, bare) == []
    assert lines(absent, absent) == [
        f"evaluation.encoders.dino.path: expected the folder of an image encoder of "
        f"transformers, found {absent} without the folder itself.",
        f"pretraining.model.text_encoder.name: expected the folder of a text encoder, "
        f"found {absent} without the folder itself. Name a folder with config.json, "
        "weights and vocabulary, a name on the model hub, or null for a small one from "
        "scratch.",
    ]
    assert "without a vocabulary (tokenizer.json, vocab.txt" in lines(bare, bare)[0]
    (bare / "model.safetensors").unlink()
    assert "without weights (model.safetensors" in lines(whole, bare)[0]


def test_a_text_encoder_that_no_run_uses_is_not_looked_for(tmp_path: Path) -> None:
    text = {"name": str(tmp_path / "absent")}
    check_start(
        plan_of({"pretraining": {"enabled": False, "model": {"text_encoder": text}}})
    )


def test_weights_are_a_file(tmp_path: Path) -> None:
    def message(weights: Path) -> str:
        image = {"name": "resnet18", "weights": str(weights)}
        encoders = {"x": {"kind": "timm", "image_encoder": image}}
        with pytest.raises(ConfigError) as caught:
            check_start(plan_of({"evaluation": {"encoders": encoders}}))
        return str(caught.value)

    key = "evaluation.encoders.x.image_encoder.weights: expected a file of weights"
    assert f"{key}, found the folder {tmp_path}." in message(tmp_path)
    assert f"{key}, found no {tmp_path / 'x.pth'}." in message(tmp_path / "x.pth")


def test_the_weights_of_every_run_and_of_every_encoder_are_looked_for(
    tmp_path: Path,
) -> None:
    gone = str(tmp_path / "gone.pth")
    image = {"name": "resnet18", "weights": gone}
    plan = plan_of(
        {
            "pretraining": {"runs": {"mine": {"model": {"image_encoder": image}}}},
            "evaluation": {
                "encoders": {"theirs": {"kind": "timm", "image_encoder": image}}
            },
        }
    )

    with pytest.raises(ConfigError) as caught:
        check_start(plan)

    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()[1:]] == [
        "pretraining.runs.mine.model.image_encoder.weights",
        "evaluation.encoders.theirs.image_encoder.weights",
    ]


def test_the_package_of_a_parser_is_looked_for_unless_conda_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("asg_core.plan.start.find_spec", lambda _: None)
    plan = plan_of({"reports": {"parser": "radgraph"}})

    with pytest.raises(ConfigError, match=r"reports\.radgraph: expected the package"):
        check_start(plan)
    check_start(plan, uses_conda=True)
    graphs = tmp_path / "graphs.json"
    graphs.touch()
    check_start(
        plan_of(
            {"reports": {"parser": "radgraph", "radgraph": {"graphs": str(graphs)}}}
        )
    )


def test_what_a_second_opinion_needs_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("asg_core.plan.start.find_spec", lambda _: None)

    def second(
        reports: Mapping[str, object] = MappingProxyType({}), **keys: object
    ) -> RunPlan:
        check = {"second_opinion": keys}
        return plan_of({"check_triplets": check, "reports": dict(reports)})

    graphs = {"radgraph": {"graphs": str(tmp_path / "graphs.json")}}
    model = {"scispacy": {"model": "models/no_such_folder"}}

    assert "reports.radgraph: expected the package" in refusal(
        second(parser="radgraph")
    )
    assert (
        "reports.radgraph.graphs: expected the file that "
        "check_triplets.second_opinion.parser 'radgraph' reads, found no "
    ) in refusal(second(graphs, parser="radgraph"))
    assert "reports.scispacy.model" in refusal(second(model, parser="scispacy"))
    assert (
        "reports.brat.folder: expected the file that check_triplets.second_opinion.parser "
        "'brat' reads, found no *.ann. Name the file or folder where it lies."
    ) in refusal(second(parser="brat"))
    check_start(second(graphs | model))
    assert (
        "check_triplets.second_opinion.triplets: expected a Parquet file of the table "
        f"triplets, or a folder of such files, found none at {tmp_path}. Name"
    ) in refusal(second(triplets=str(tmp_path)))
    (tmp_path / "one.parquet").touch()
    check_start(second(triplets=str(tmp_path)))


def write_detector(folder: Path, **changes: object) -> Path:
    """Leave what a finished detector of 160 px looks like before its weights are read."""
    run = {
        "format": DETECTOR.format,
        "kind": DETECTOR.name,
        "backend": "torchvision",
        "size": 160,
        "regions": list(REGIONS),
        "training": DetectorTrainingConfig().model_dump(mode="json"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(run | changes))
    (folder / "model.safetensors").touch()
    return folder


def of_detector(folder: Path, **sections: object) -> RunPlan:
    """Return the configuration of a table of films under a trained detector."""
    columns = {"image_path": "file", "text": "text", "view": "view"}
    corpus = {
        "name": "mine",
        "source": "table",
        "root": str(folder.parent),
        "table": {"file": "rows.csv", "columns": columns},
    }
    regions = {"checkpoint": str(folder)}
    return plan_of({"corpus": corpus, "regions": regions} | sections)


def refusal(plan: RunPlan, *, uses_conda: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        check_start(plan, uses_conda=uses_conda)
    heading, *problems = str(caught.value).splitlines()
    assert heading == "The run cannot start."
    return "\n".join(problems)


def test_images_of_another_size_than_the_detector_s_are_refused_at_once(
    tmp_path: Path,
) -> None:
    folder = write_detector(tmp_path / "detector")

    told = refusal(of_detector(folder))

    assert told.startswith("images.size: expected 160, the size of the images that ")
    assert f"the detector {folder} was trained on, found 256" in told
    # What would be refused next is told with it.
    assert "pretraining.crop.resize (256)" in told
    assert "pretraining.model.image_encoder.size (224)" in told
    small = {"crop": {"resize": 126}, "model": {"image_encoder": {"size": 112}}}
    told = refusal(of_detector(folder, pretraining=small))
    assert "crop.resize" not in told
    check_start(of_detector(folder, pretraining=small, images={"size": 160}))
    told = refusal(of_detector(folder, pretraining=small, images={"size": 128}))
    assert "found 128" in told


def test_what_runs_change_has_to_fit_the_detector_too(tmp_path: Path) -> None:
    folder = write_detector(tmp_path / "detector")
    small = {"crop": {"resize": 126}, "model": {"image_encoder": {"size": 112}}}
    runs = {"full": {}, "large": {"crop": {"resize": 200}}}

    told = refusal(of_detector(folder, pretraining=small | {"runs": runs}))

    assert "pretraining.runs.large.crop.resize (200)" in told
    assert "runs.full" not in told


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backend": "detectron2"}, "regions.backend: expected 'detectron2', .* found"),
        ({"backend": "yolo"}, "one of the backends .* found 'yolo'"),
        ({"format": 2}, "format 1, found 'region_detector' format 2"),
        ({"regions": ["right lung"]}, "found 1 others or another order"),
        ({"size": "160"}, "expected a size in pixels"),
        ({"training": {"stepz": 3}}, "expected the settings of this release"),
    ],
)
def test_a_detector_that_cannot_be_applied_is_refused(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    folder = write_detector(tmp_path / "detector", **changes)
    plan = of_detector(folder, images={"size": 160}, pretraining={"enabled": False})

    told = refusal(plan)

    assert re.search(message, told), told
    assert len(told.splitlines()) == 1


def test_a_detector_without_weights_or_with_a_broken_description_is_refused(
    tmp_path: Path,
) -> None:
    folder = write_detector(tmp_path / "detector")
    plan = of_detector(folder, images={"size": 160}, pretraining={"enabled": False})

    (folder / "model.safetensors").unlink()
    assert "expected the weights of a detector, found no file" in refusal(plan)
    (folder / "run.json").write_text("{")
    assert "run.json: expected JSON" in refusal(plan)


def test_a_detector_s_backbone_is_looked_for_where_one_is_trained(
    tmp_path: Path,
) -> None:
    training = {"backbone_weights": str(tmp_path / "resnet50.pth")}

    told = refusal(plan_of({"regions": {"training": training}}))

    assert told.startswith("regions.training.backbone_weights: expected a file")
    unused = {"backend": "import", "training": training}
    check_start(plan_of({"regions": unused}))
    trained = write_detector(tmp_path / "detector")
    check_start(
        of_detector(
            trained,
            regions={"checkpoint": str(trained), "training": training},
            images={"size": 160},
            pretraining={"enabled": False},
        )
    )


def with_detectron2(**architecture: object) -> RunPlan:
    training = {"architecture": architecture}
    return plan_of({"regions": {"backend": "detectron2", "training": training}})


@pytest.mark.usefixtures("detectron2_installed")
@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({"backbone": "resnet10"}, "resnet18.* found 'resnet10'"),
        ({"backbone": "mobilenet_v3_large"}, "found 'mobilenet_v3_large'"),
        ({"norm": "group", "pyramid_width": 40}, "multiple of 32, found 40"),
    ],
)
def test_what_detectron2_cannot_build_is_refused(
    architecture: dict[str, object], message: str
) -> None:
    told = refusal(with_detectron2(**architecture))

    assert told.startswith("regions.training.architecture.")
    assert re.search(message, told), told
    assert "regions.backend to 'torchvision'" in told


@pytest.mark.usefixtures("detectron2_installed")
def test_weights_that_detectron2_does_not_read_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "resnet50.safetensors"
    weights.touch()
    training = {
        "backbone_weights": str(weights),
        "architecture": {"norm": "frozen"},
    }
    regions = {"backend": "detectron2", "training": training}

    told = refusal(plan_of({"regions": regions}))

    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "regions.training.architecture.norm",
        "regions.training.backbone_weights",
    ]


@pytest.mark.usefixtures("detectron2_installed")
def test_what_detectron2_can_build_may_start(tmp_path: Path) -> None:
    check_start(with_detectron2())
    check_start(with_detectron2(norm="group", pyramid_width=64))
    check_start(with_detectron2(pyramid_width=40))
    # An applied detector is built as its own run.json says.
    folder = write_detector(tmp_path / "detector", backend="detectron2")
    unused = {"architecture": {"backbone": "resnet10"}}
    regions = {"checkpoint": str(folder), "backend": "detectron2", "training": unused}
    plan = of_detector(
        folder,
        regions=regions,
        images={"size": 160},
        pretraining={"enabled": False},
    )
    check_start(plan)


def test_detectron2_is_looked_for_unless_conda_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detectron2_support, "find_spec", lambda _: None)

    told = refusal(with_detectron2())

    assert told.startswith("regions.backend: ")
    assert "make detectron2" in told
    check_start(with_detectron2(), uses_conda=True)


@pytest.fixture
def detectron2_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectron2_support, "find_spec", lambda _: object())


def test_an_encoder_whose_folder_is_empty_is_named_with_its_key(
    tmp_path: Path,
) -> None:
    (tmp_path / "run.json").write_text("{}")
    encoders = {
        "mine": {"kind": "checkpoint", "path": str(tmp_path)},
        # Made by this very run.
        "ours": {"kind": "checkpoint", "path": "results/synthetic/runs/full"},
    }
    plan = plan_of(
        {"corpus": {"source": "synthetic"}, "evaluation": {"encoders": encoders}}
    )

    with pytest.raises(ConfigError) as caught:
        check_start(plan)

    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 1
    assert lines[0].startswith("evaluation.encoders.mine.path: expected the folder")
    assert "found no model.safetensors, tokenizer.json in" in lines[0]
