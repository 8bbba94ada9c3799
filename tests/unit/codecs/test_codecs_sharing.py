"""Jobs of one image by threads that are kept, and which code-blocks they take at a time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import Any

import numpy as np
import pytest

from fastdcm.codecs import sharing
from fastdcm.codecs.jpeg2000 import shares
from fastdcm.codecs.jpeg2000.reading import tiles
from fastdcm.codestream import jpeg2000
from fastdcm.kernels.code_blocks import BYTES
from tests.unit.codecs.test_codecs_jpeg2000_own import pillow_2000, smooth

_SECONDS = 20


def test_each_job_once_by_all_threads() -> None:
    """Jobs that wait for each other end only where as many threads take them."""
    for threads in (2, 3):
        meeting, done = threading.Barrier(threads, timeout=_SECONDS), []

        def job(number: int, meeting: threading.Barrier = meeting, done: list[int] = done) -> None:
            meeting.wait()
            done.append(number)

        sharing.run([lambda number=number: job(number) for number in range(3 * threads)], threads)  # type: ignore[misc]
        assert sorted(done) == list(range(3 * threads))


def test_threads_are_kept() -> None:
    def meet() -> None:
        meeting = threading.Barrier(2, timeout=_SECONDS)
        sharing.run([meeting.wait] * 2, 2)

    meet()
    before = threading.active_count()
    for _ in range(20):
        meet()
        time.sleep(0.01)  # a thread is idle a moment after its last job
    assert threading.active_count() <= before + 1


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_ends_all(threads: int) -> None:
    """It is raised, by whomever; what began has ended then, and nothing begins any more."""
    begun, ended = [], []

    def slow() -> None:
        begun.append(1)
        time.sleep(0.1)
        ended.append(1)

    def wrong() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        sharing.run([slow, wrong, *[slow] * 50], threads)
    assert 1 <= len(begun) == len(ended) <= threads + 1
    sharing.run([slow] * 2, threads)
    assert len(ended) == len(begun)


def test_busy_threads_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has another call before; and there is none where there are many."""
    free, done = threading.Event(), []
    busy = sharing._Helper()
    busy.calls.put(sharing._Call(lambda: free.wait(_SECONDS)))
    monkeypatch.setattr(sharing, "_IDLE", deque([busy]))
    monkeypatch.setattr(sharing, "_MOST_HELPERS", 0)
    for _ in range(2):
        sharing.run([lambda: done.append(1)] * 10, 2)
    assert len(done) == 20
    assert not sharing._IDLE
    assert not free.is_set()
    free.set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    def meet() -> None:
        meeting = threading.Barrier(2, timeout=_SECONDS)
        sharing.run([meeting.wait] * 2, 2)

    meet()
    child = os.fork()
    if child == 0:
        try:
            meet()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _component(levels: int) -> Any:
    stream = pillow_2000(smooth(400, 300), irreversible=False, num_resolutions=levels)
    ((component,),) = (tile.components for tile in tiles(stream, jpeg2000.parse(stream)))
    return component


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("levels", [1, 2, 5])
def test_shares_have_each_code_block_once(levels: int, threads: int) -> None:
    """With several threads the longest come first."""
    component = _component(levels)
    lowest = np.zeros(len(component.blocks), np.int64)
    blocks, _, parts = shares.shares(component.blocks, lowest, threads)
    assert sorted(blocks.tolist()) == sorted(component.blocks.tolist())
    assert [number for part in parts for number in range(*part)] == list(range(len(blocks)))
    if threads > 1:
        assert (np.diff(blocks[:, BYTES]) <= 0).all()


def test_shares_get_smaller() -> None:
    """No thread has much to do when another has nothing left."""
    component = _component(5)
    lowest = np.zeros(len(component.blocks), np.int64)
    blocks, _, parts = shares.shares(component.blocks, lowest, 2)
    sizes = blocks[:, BYTES]
    sums = [int(sizes[slice(*part)].sum()) for part in parts]
    longest = int(sizes.max())
    assert sum(sums) == sizes.sum()
    assert sums[0] >= sizes.sum() / (2 * shares._PARTS)
    assert max(sums[-2:]) <= shares._LEAST_BYTES + longest
    assert 2 < len(parts) < len(blocks) / 1.5


def test_shares_of_code_blocks_without_bytes() -> None:
    """A tile of one gray has nothing in it."""
    stream = pillow_2000(np.full((300, 200), 128, np.uint8), irreversible=False, num_resolutions=4)
    ((component,),) = (tile.components for tile in tiles(stream, jpeg2000.parse(stream)))
    lowest = np.zeros(len(component.blocks), np.int64)
    blocks, _, parts = shares.shares(component.blocks, lowest, 2)
    assert [number for part in parts for number in range(*part)] == list(range(len(blocks)))


def test_shares_by_bit_plane() -> None:
    """One call of the kernel has one last bit-plane."""
    component = _component(4)
    lowest = np.sort(np.arange(len(component.blocks)) % 3)
    for threads in (1, 2):
        _, planes, parts = shares.shares(component.blocks, lowest, threads)
        assert sum(end - first for first, end in parts) == len(lowest)
        assert all(len(set(planes[first:end].tolist())) == 1 for first, end in parts)


def test_in_turn() -> None:
    """What comes then waits for all that comes first, and for errors of that, too."""
    done: list[str] = []

    def first() -> None:
        time.sleep(0.01)
        done.append("first")

    def wrong() -> None:
        time.sleep(0.01)
        raise ValueError("wrong")

    sharing.run(sharing.in_turn([first] * 5, [lambda: done.append("then")] * 3), 3)
    assert done == ["first"] * 5 + ["then"] * 3
    sharing.run(sharing.in_turn([], [lambda: done.append("then")]), 2)
    with pytest.raises(ValueError, match="wrong"):
        sharing.run(sharing.in_turn([first, wrong, first], [lambda: None] * 3), 3)
