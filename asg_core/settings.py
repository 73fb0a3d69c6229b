"""The base of every settings model, and the types that several of them share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """A part of the configuration: closed, frozen, and documented key by key.

    The docstring under a field becomes its description in `config/default.yaml`, in the
    schema and in `docs/config.md`. A key that no field has is an error.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )


Device = Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")]
"""A torch device: "cpu", "cuda" or "cuda:1"."""

Precision = Literal["fp32", "bf16"]
"""Arithmetic of a forward pass: all in 32 bit, or with 16-bit products."""

RejectShare = Annotated[float, Field(ge=0, le=1)]
"""The share of the items of a job that may be rejected before the job stops."""
