"""A short run of the campaign of `tests/fuzz/jpeg.py`; the long one is run by hand."""

from __future__ import annotations

from tests.fuzz.jpeg import PROCESSES, run

CUTS = 60


def test_cuts_are_detected() -> None:
    found, wrong = run(3, range(CUTS))
    assert wrong == []
    assert found.total() == CUTS * len(PROCESSES)
