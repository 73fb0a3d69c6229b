"""Where runs are mirrored to, and what may leave the machine with them."""

from pydantic import ConfigDict, Field, field_validator

from asg_core.redaction import has_secret
from asg_core.settings import Settings


class TrackingConfig(Settings):
    """How the events of jobs reach an MLflow tracking store."""

    model_config = ConfigDict(hide_input_in_errors=True)  # it may be a password

    enabled: bool = True
    """Whether runs are mirrored at all. The files under results/ are the same without."""

    uri: str | None = None
    """Address of the store, without user name, password or token. When empty, the
    environment variable MLFLOW_TRACKING_URI; when that is empty too, sqlite:///mlflow.db
    in the working directory."""

    experiment: str = Field(default="asg", min_length=1, max_length=500)
    """Name of the MLflow experiment that holds the runs."""

    poll_seconds: float = Field(default=2.0, gt=0)
    """How often the mirror looks for new events, in seconds."""

    drain_seconds: float = Field(default=20.0, ge=0)
    """How long the end of a run waits for the mirror to send what is left, in seconds.
    The mirror then goes on alone."""

    artifact_limit_mb: float = Field(default=10.0, ge=0)
    """Files above this size stay where they are, in megabytes."""

    digest_limit_mb: float = Field(default=256.0, ge=0)
    """Inputs above this size are named by size and time instead of by content, in
    megabytes: reading them again could take longer than the job."""

    @field_validator("uri")
    @classmethod
    def _has_no_credentials(cls, uri: str | None) -> str | None:
        if uri is not None and has_secret(uri):
            raise ValueError(
                "expected an address without user name and password or token, because a "
                "configuration is kept and shown; set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, or the whole address "
                "in MLFLOW_TRACKING_URI instead"
            )
        return uri


class PrivacyConfig(Settings):
    """What may be copied out of the tables into MLflow and the HTML summary."""

    export_examples: bool = False
    """Whether report text, pixels and ids of a corpus that is not synthetic may be
    copied. Check the data use agreement before you say yes."""
