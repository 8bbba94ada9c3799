"""The budget itself: what exceeds it fails its row, and the next one runs."""

from __future__ import annotations

import os
import time

import pytest

from tests.refusals.budget import LINUX, MEGABYTES, Budget

pytestmark = pytest.mark.skipif(not LINUX, reason="rows have a budget on Linux alone")


def spin(_: object) -> None:
    while True:
        pass


def take_memory(megabytes: int) -> int:
    try:
        return len(bytearray(megabytes << 20))
    except MemoryError:
        return 0


def crash(_: object) -> None:
    os.abort()


def leave(_: object) -> None:
    raise RuntimeError("on purpose: a row that fails in its child")


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "awake"


def test_what_exceeds_the_budget(budget: Budget) -> None:
    assert budget.call(spin, None) == "took more than 2 s"
    assert budget.call(take_memory, MEGABYTES) == 0
    assert budget.call(take_memory, MEGABYTES // 2) == MEGABYTES << 19
    assert budget.call(crash, None) == "ended with -6: SIGABRT"
    assert budget.call(leave, None) == "ended with 1: an exception; see above"
    assert budget.call(sleep, 0.01) == "awake"


def test_hanging(budget: Budget) -> None:
    """A child that waits takes no processor time."""
    assert budget.call(sleep, 100, hangs=0.2) == "hung for 0.2 s"
    assert budget.call(sleep, 0.01) == "awake"
