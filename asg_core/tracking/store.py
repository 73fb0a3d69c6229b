"""The tracking store: the only module that imports mlflow."""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from asg_core.redaction import URI_VARIABLE, redact
from asg_core.tracking.events import Status
from asg_core.tracking.mirror import InputValue, MetricValue, StoreError

# MLflow reads these while it is imported and when it first connects. Its own patience
# with a server that is down is minutes; the mirror has its own.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger(__name__)

DEFAULT_URI = "sqlite:///mlflow.db"

# The limits of a request to an MLflow server, 3.17.
_MAX_METRICS = 1000
_MAX_PARAMS = 100
_MAX_KEY = 250
_MAX_PARAM_VALUE = 6000
_MAX_TAG_VALUE = 8000
_MAX_DIGEST = 36
_PAGE = 1000


def resolve_uri(uri: str | None) -> str:
    """Return the store's address: the configured, the environment's, or the default."""
    return uri or os.environ.get(URI_VARIABLE) or DEFAULT_URI


class MlflowStore:
    """One experiment of an MLflow tracking store; see `mirror.Store` for the methods."""

    def __init__(self, *, uri: str, experiment: str) -> None:
        """Connect; a SQLite file and the experiment are made when they are missing.

        Raises:
            StoreError: If the store does not answer.
        """
        with _as_store_error():
            # Making the client makes the schema, which must have a single writer.
            self._client = MlflowClient(tracking_uri=uri)
            found = self._client.get_experiment_by_name(experiment)
            if found is not None and found.lifecycle_stage == "deleted":
                raise StoreError(
                    f"tracking.experiment: '{experiment}' is deleted in the store; "
                    "restore it there, or name another"
                )
            self._experiment_id = (
                found.experiment_id
                if found is not None
                else self._client.create_experiment(
                    experiment, artifact_location=_artifact_location(uri)
                )
            )

    def find_runs(self, *, invocation: str) -> dict[str, str]:
        """Return the run ids of an invocation by their tag asg.job."""
        found: dict[str, str] = {}
        token: str | None = None
        with _as_store_error():
            while True:
                page = self._client.search_runs(
                    [self._experiment_id],
                    filter_string=f"tags.`asg.invocation` = '{invocation}'",
                    max_results=_PAGE,
                    page_token=token,
                )
                found |= {run.data.tags["asg.job"]: run.info.run_id for run in page}
                token = page.token
                if not token:
                    return found

    def create_run(self, *, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        """Return the id of a new run."""
        clipped = {key: _clip(value, _MAX_TAG_VALUE) for key, value in tags.items()}
        with _as_store_error():
            run = self._client.create_run(
                self._experiment_id,
                start_time=start_ms,
                tags=clipped,
                run_name=_clip(name, _MAX_KEY),
            )
        return str(run.info.run_id)

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str],
        metrics: Sequence[MetricValue],
        inputs: Sequence[InputValue],
    ) -> None:
        """Add to a run; what it has already stays once."""
        as_params = [
            Param(_key(key), _clip(value, _MAX_PARAM_VALUE))
            for key, value in params.items()
        ]
        as_metrics = [
            Metric(_key(metric.key), metric.value, metric.time_ms, metric.step)
            for metric in metrics
        ]
        with _as_store_error():
            for start in range(0, len(as_params), _MAX_PARAMS):
                some_params = as_params[start : start + _MAX_PARAMS]
                self._client.log_batch(run_id, params=some_params)
            for start in range(0, len(as_metrics), _MAX_METRICS):
                some_metrics = as_metrics[start : start + _MAX_METRICS]
                self._client.log_batch(run_id, metrics=some_metrics)
            if inputs:
                datasets = [_dataset_input(value) for value in inputs]
                self._client.log_inputs(run_id, datasets=datasets)

    def log_artifact(self, run_id: str, path: Path) -> None:
        """Copy a file to the store, over one of the same name."""
        with _as_store_error():
            self._client.log_artifact(run_id, str(path))

    def end_run(self, run_id: str, *, status: Status, end_ms: int) -> None:
        """Set how and when a run ended."""
        with _as_store_error():
            self._client.set_terminated(run_id, status=status.value, end_time=end_ms)


def experiments_with_runs(uri: str) -> dict[str, str]:
    """Return the ids of the experiments of a store that hold runs, by name.

    Raises:
        StoreError: If the store does not answer.
    """
    with _as_store_error():
        client = MlflowClient(tracking_uri=uri)
        return {
            found.name: found.experiment_id
            for found in client.search_experiments()
            if client.search_runs([found.experiment_id], max_results=1)
        }


@contextmanager
def _as_store_error() -> Iterator[None]:
    try:
        yield
    # A database may need a package that is not here.
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        # The cause would be printed with it, and names the address as it is.
        raise StoreError(redact(str(error))) from None


def _artifact_location(uri: str) -> str | None:
    """Return where artifacts go; a server decides for itself."""
    is_local = uri.startswith("sqlite:")
    return Path("mlartifacts").resolve().as_uri() if is_local else None


def _dataset_input(value: InputValue) -> DatasetInput:
    dataset = Dataset(
        name=_clip(value.name, 500),
        digest=value.digest[:_MAX_DIGEST],
        source_type="local",
        source=json.dumps({"uri": value.source}),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "input")])


def _key(name: str) -> str:
    """Return `name` as a key that MLflow takes: "F1 (all)" becomes "F1 _all_"."""
    clean = re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII).strip("/ ") or "_"
    return _clip(clean, _MAX_KEY)


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
