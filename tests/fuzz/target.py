"""What is done with a mutated file: everything that reading one can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fastdcm
from fastdcm.errors import FastdcmError

#: Notices that one file can have: they must not grow with what is in it.
_MOST_NOTICES = 50


def exercise(data: bytes) -> Iterator[str]:
    """Open, decode and render first, second and last frame, by libraries, and by our own decoders where there
    are some; then the same with what is there of them.

    Yields what became of each: ``read``, ``notice`` or the name of an error of fastdcm's. Any other
    exception is a finding, and so is a result of another shape than the header's.
    """
    yield from _read(data, decoder="library")
    yield from _read(data, decoder="own")
    yield from _read(data, allow_partial=True)


def _read(data: bytes, **options: Any) -> Iterator[str]:
    try:
        found = fastdcm.open(data, **options)
    except FastdcmError as error:
        yield type(error).__name__
        return
    with found:
        for index in sorted({0, min(1, len(found) - 1), len(found) - 1}):
            yield _frame(found, index)
        assert len(found.notices) < _MOST_NOTICES, f"{len(found.notices)} notices"


def _frame(found: fastdcm.Image, index: int) -> str:
    size = (found.header.rows, found.header.columns)
    refused: FastdcmError | None = None
    try:
        assert found.pixels(index, raw=True).shape[:2] == size, "pixels of another shape"
        shown = found.render(index)
    except FastdcmError as error:
        refused = error
    if refused is not None:
        assert refused.message, "an error without a message"
        assert refused.frame is not None, "an error without a frame"
        return type(refused).__name__
    assert shown.shape[:2] == size, "display values of another shape"
    assert shown.dtype == "u1", f"display values of {shown.dtype}"
    return "notice" if found.notices else "read"
