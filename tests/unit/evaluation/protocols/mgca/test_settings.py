"""The numbers that the names of MGCA's protocols stand for.

They are written here a second time, from what its code says, so that none changes unseen.
"""

from dataclasses import asdict

from asg_core.evaluation.protocols.mgca.settings import MGCA_LINEAR, MGCA_SEGMENTATION


def test_mgca_linear_is_what_its_code_does() -> None:
    assert asdict(MGCA_LINEAR) == {
        "learning_rate": 0.0005,
        "weight_decay": 0.000001,
        "batch_size": 48,
        "epochs": 50,
        "patience": 10,
        "seed": 42,
        "augmented": {"chexpert"},
        "augmentation": {
            "brightness": 0.4,
            "contrast": 0.4,
            "jitter_probability": 0.8,
            "blur_sigma": (0.1, 2.0),
            "blur_probability": 0.5,
            "flip_probability": 0.5,
        },
    }


def test_mgca_segmentation_is_what_its_code_does() -> None:
    assert asdict(MGCA_SEGMENTATION) == {
        "learning_rate": 0.0005,
        "weight_decay": 0.05,
        "epochs": 50,
        "patience": 10,
        "seed": 42,
        "benchmarks": {
            "siim": {"batch_size": 8, "is_balanced": True},
            "rsna": {"batch_size": 16, "is_balanced": False},
        },
        "setr_channels": (512, 256, 128, 64),
        "unet_channels": (256, 128, 64, 32, 16),
        "focal_weight": 10,
        "focal_gamma": 2,
        "scale": 0.1,
        "rotation": 10,
        "augmentation_probability": 0.5,
        "stored_size": 1024,
    }
