from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from asg_core.config import ConfigError, ProjectConfig, read_config, resolve_config
from asg_core.plan.run import RunPlan
from asg_core.terms.stages import Stage

ROOT = Path(__file__).parents[2]


def test_no_keys_are_the_defaults() -> None:
    assert resolve_config({}) == ProjectConfig()


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"corpsu": {}}, "corpsu: expected a known key, .* did you mean 'corpus'"),
        ({"images": {"siez": 1}}, "images.siez: .* did you mean 'size'"),
        (
            {"regions": {"training": {"stepz": 3}}},
            "regions.training.stepz: .* did you mean 'steps'",
        ),
        ({"images": {"size": "big"}}, "images.size: .* found 'big'"),
        ({"images": {"size": 3}}, "images.size: .* found 3"),
        ({"corpus": {"source": "open_i"}}, "corpus.root is not set"),
        (
            {"regions": {"annotations": {"source": "none"}}},
            "regions.annotations.source is none while regions.backend",
        ),
    ],
)
def test_each_problem_is_a_sentence_with_the_full_key(
    keys: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        resolve_config(keys)


def test_several_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_config({"images": {"size": 3}, "corpus": {"shards": 0}})

    lines = str(caught.value).splitlines()
    assert lines[0] == "The configuration cannot be run."
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "corpus.shards",
        "images.size",
    ]


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("[1, 2]")
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "empty.yaml").write_text("")

    with pytest.raises(ConfigError, match="expected a YAML mapping of keys"):
        read_config(tmp_path / "list.yaml")
    with pytest.raises(ConfigError, match="expected YAML"):
        read_config(tmp_path / "broken.yaml")
    assert read_config(tmp_path / "empty.yaml") == ProjectConfig()


FIVE = ("nih", "chexpert", "rsna", "covidx", "siim")


def test_every_shipped_file_resolves_to_what_it_says() -> None:
    resolved = {
        path.name: read_config(path)
        for path in sorted((ROOT / "config").rglob("*.yaml"))
    }

    found = {
        name: (
            config.corpus.name,
            config.corpus.source,
            config.corpus.images,
            config.corpus.shards,
            config.images.size,
            config.regions.backend,
            config.regions.training.device,
            tuple(config.pretraining.runs) if config.has_pretraining else (),
            tuple(config.benchmarks),
        )
        for name, config in resolved.items()
    }
    assert found == {
        "config.yaml": (
            "synthetic", "synthetic", "files", 4, 160, "torchvision", "cpu",
            ("full", "ira"), FIVE,
        ),
        "default.yaml": (
            "synthetic", "synthetic", "files", 4, 256, "torchvision", "cpu",
            ("full",), FIVE,
        ),
        "mimic_cxr.yaml": (
            "mimic_cxr", "mimic_cxr", "files", 128, 512, "torchvision", "cuda",
            ("full",), (),
        ),
        "open_i.yaml": (
            "open_i", "open_i", "none", 4, 256, "torchvision", "cpu", (), (),
        ),
        "table.yaml": (
            "my_corpus", "table", "files", 4, 160, "torchvision", "cpu", ("full",), (),
        ),
        "table_gpu.yaml": (
            "my_corpus_gpu", "table", "files", 64, 512, "torchvision", "cpu",
            ("full",), (),
        ),
        "test_detectron2.yaml": (
            "test_detectron2", "synthetic", "files", 2, 96, "detectron2", "cpu", (), (),
        ),
        "test.yaml": (
            "test", "synthetic", "files", 2, 96, "torchvision", "cpu",
            ("full", "ira"), FIVE,
        ),
        # Laid over a corpus: alone they are over the default one.
        "asg_vit.yaml": (
            "synthetic", "synthetic", "files", 4, 256, "torchvision", "cpu",
            ("full",), FIVE,
        ),
        "asg_resnet50.yaml": (
            "synthetic", "synthetic", "files", 4, 256, "torchvision", "cpu",
            ("full",), FIVE,
        ),
        "objective.yaml": (
            "synthetic", "synthetic", "files", 4, 256, "torchvision", "cpu",
            ("full_1", "full_2", "ira_1", "ira_2"), FIVE,
        ),
    }  # fmt: skip
    assert resolved["default.yaml"] == ProjectConfig()


def test_the_laptop_s_table_fits_the_demo_and_fetches_nothing() -> None:
    demo = read_config(ROOT / "config" / "config.yaml")
    table = read_config(ROOT / "config" / "table.yaml")

    assert table.images.size == demo.images.size
    assert table.regions.checkpoint == Path("results") / demo.corpus.name / "detector"
    assert table.pretraining.model == demo.pretraining.model
    assert table.pretraining.model.text_encoder.name is None
    assert not table.pretraining.model.image_encoder.pretrained


def test_the_gpu_s_table_fits_the_detector_that_it_names() -> None:
    corpus = read_config(ROOT / "config" / "mimic_cxr.yaml")
    table = read_config(ROOT / "config" / "table_gpu.yaml")

    assert table.images.size == corpus.images.size
    assert table.regions.checkpoint == Path("results") / corpus.corpus.name / "detector"


def test_crops_larger_than_the_cached_images_are_named_together() -> None:
    images = {"size": 160}

    with pytest.raises(ConfigError) as caught:
        resolve_config({"images": images})
    assert (
        "pretraining.crop.resize is 256 and pretraining.model.image_encoder.size is 224, "
        "and images.size is 160"
    ) in str(caught.value)

    runs = {"full": {}, "large": {"crop": {"resize": 200}}}
    small = {"crop": {"resize": 126}, "model": {"image_encoder": {"size": 112}}}
    with pytest.raises(ConfigError) as caught:
        resolve_config({"images": images, "pretraining": small | {"runs": runs}})
    assert "pretraining.runs.large.crop.resize is 200, and" in str(caught.value)
    assert "pretraining.crop.resize" not in str(caught.value)
    resolve_config({"images": images, "pretraining": small})


def test_a_run_names_only_what_it_changes() -> None:
    default = ProjectConfig().model_dump(mode="json")

    for path in (ROOT / "config").glob("*.yaml"):
        values = yaml.safe_load(path.read_text())
        if path.name != "default.yaml":
            assert list(restated(values, default)) == [], path.name


NAMED = ("runs", "encoders", "options")
"""Keys whose values are entries by free names, and are given as a whole."""


def test_the_paper_files_state_every_switch_and_the_published_settings() -> None:
    for name in ("asg_vit", "asg_resnet50"):
        path = ROOT / "config" / "paper" / f"{name}.yaml"
        stated = yaml.safe_load(path.read_text())["pretraining"]
        run = read_config(path).pretraining.settings_of("full")

        legacy = run.model.legacy.model_dump()
        assert stated["model"]["legacy"] == legacy == dict.fromkeys(legacy, False)
        assert set(stated["losses"]) == set(type(run.losses).model_fields)
        assert set(stated["optimizer"]) == set(type(run.optimizer).model_fields)
        assert run.model.text_encoder.num_layers == 6
        assert (run.batch_size, run.processes, run.epochs) == (72, 4, 50)
        assert (run.optimizer.learning_rate, run.losses.tags) == (4e-5, 5.0)
        assert (run.crop.resize, run.model.image_encoder.size) == (256, 224)


def restated(values: dict[str, Any], default: dict[str, Any]) -> Iterator[str]:
    """Yield the keys that a file sets to what they are anyway."""
    for key, value in values.items():
        if isinstance(value, dict) and key not in NAMED:
            yield from (f"{key}.{inner}" for inner in restated(value, default[key]))
        # A key that the default lacks is the name of an entry, such as a benchmark.
        elif key in default and value == default[key] and key not in ("name", "source"):
            yield key


def test_a_parser_is_not_compared_with_itself() -> None:
    second = {"second_opinion": {"parser": "radgraph"}}

    assert resolve_config({"check_triplets": second}).second_reports is not None
    with pytest.raises(
        ConfigError, match=r"second_opinion\.parser is 'radgraph', and so"
    ):
        resolve_config({"reports": {"parser": "radgraph"}, "check_triplets": second})


def test_images_of_a_synthetic_benchmark_that_there_is_not_are_refused() -> None:
    benchmarks = {"nih": 3, "nhi": 3}

    with pytest.raises(
        ConfigError, match=r"names 'nhi', and the benchmarks are \['nih'"
    ):
        resolve_config({"corpus": {"synthetic": {"benchmarks": benchmarks}}})


def test_images_that_no_stage_would_use_are_refused() -> None:
    corpus = {
        "name": "mine",
        "source": "table",
        "root": "data",
        "table": {"file": "rows.csv", "columns": {"image_path": "file"}},
    }
    regions = {"backend": "none"}

    with pytest.raises(
        ConfigError, match=r"the view UNKNOWN, which images\.views leave"
    ):
        resolve_config({"corpus": corpus, "regions": regions})
    with pytest.raises(ConfigError, match=r"images\.views and alignment\.views"):
        resolve_config({"corpus": corpus, "regions": {"checkpoint": "detector"}})

    named = resolve_config(
        {
            "corpus": corpus,
            "regions": regions,
            "images": {"views": ["UNKNOWN"]},
        }
    )
    assert named.annotations.source == "none"
    assert RunPlan(named).metric_stages == (Stage.COUNT_TABLES,)


def test_a_real_corpus_needs_a_name_of_its_own() -> None:
    corpus = {"source": "open_i", "root": "data", "images": "none"}

    with pytest.raises(ConfigError, match="replace those of the demo"):
        resolve_config({"corpus": corpus})
