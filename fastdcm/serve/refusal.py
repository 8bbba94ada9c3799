"""Answers that refuse, each with its status (PS3.18 table 8.5-1 ff.) and words for whoever asked."""

from __future__ import annotations

from collections.abc import Mapping

from fastdcm.errors import (
    FastdcmError,
    OptionError,
    WorkerError,
    WorkerTimeoutError,
)


class RefusalError(FastdcmError):
    """A request that is answered with an error; ``status`` is HTTP's."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


def refusal_of(error: FastdcmError) -> RefusalError:
    """The answer for an error of `fastdcm`.

    What was asked for wrongly is 400. An object of which no representation can be made, because it is damaged
    or of a kind that nothing here reads, is 406, as PS3.18 8.7.5 has it for what cannot be rendered.
    """
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, OptionError):
        return RefusalError(400, error.message)
    if isinstance(error, WorkerTimeoutError):
        return RefusalError(503, error.message, {"Retry-After": "10"})
    if isinstance(error, WorkerError):
        return RefusalError(500, error.message)
    where = f"frame {error.frame}: " if error.frame is not None else ""
    return RefusalError(406, f"no representation can be made of the object: {where}{error.message}")
