"""pydicom is here for comparison; what it logs about damaged files is not of interest."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.corpus.reading import hush_pydicom


@pytest.fixture(autouse=True)
def hushed() -> Iterator[None]:
    level = logging.getLogger("pydicom").level
    hush_pydicom()
    yield
    logging.getLogger("pydicom").setLevel(level)
