import pytest
from pydantic import ValidationError

from asg_core.tracking.config import TrackingConfig


def test_an_address_may_not_carry_credentials() -> None:
    with pytest.raises(ValidationError, match="without user name and password"):
        TrackingConfig(uri="https://me:secret@tracking.example.org")


def test_addresses_without_credentials_pass() -> None:
    for uri in ("sqlite:///mlflow.db", "http://127.0.0.1:5000", None):
        assert TrackingConfig(uri=uri).uri == uri


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TrackingConfig.model_validate({"url": "sqlite:///mlflow.db"})
