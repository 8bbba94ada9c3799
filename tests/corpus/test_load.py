"""Real files of all kinds in one array: the same for any number of threads, and what `render` gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fastdcm

#: Files of more bytes are seen by other tests.
_MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def paths(corpus: Path) -> list[str]:
    files = sorted((corpus / "files").iterdir())
    return [str(path) for path in files if path.stat().st_size <= _MOST_BYTES]


def test_threads_change_nothing(paths: list[str]) -> None:
    one = fastdcm.load(paths, (40, 56), channels=3, on_error="mask", threads=1)
    many = fastdcm.load(paths, (40, 56), channels=3, on_error="mask", threads=5)
    assert one.mask.sum() > 100
    assert np.array_equal(one.array, many.array)
    assert np.array_equal(one.mask, many.mask)
    assert [str(error) for error in one.errors] == [str(error) for error in many.errors]
    assert one.mappings == many.mappings


def test_rows_are_what_render_gives(paths: list[str]) -> None:
    batch = fastdcm.load(paths, (40, 56), channels=3, on_error="mask", threads=4)
    errors = {error.path: str(error) for error in batch.errors}
    for path, row, there in zip(paths, batch.array, batch.mask, strict=True):
        try:
            picture = fastdcm.render(path, size=(40, 56), fit="pad")
        except fastdcm.FastdcmError as error:
            expected, picture = str(error), np.zeros((40, 56), np.uint8)
        else:
            expected = None
        assert errors.get(path) == expected
        assert there == (expected is None)
        assert np.array_equal(row, picture if picture.ndim == 3 else np.stack([picture] * 3, -1)), path
