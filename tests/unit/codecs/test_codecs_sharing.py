"""Jobs of one image by threads that are kept, and which code-blocks they take at a time."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from fastdcm.codecs import sharing
from fastdcm.codecs.jpeg2000 import shares
from fastdcm.codecs.jpeg2000.reading import tiles
from fastdcm.codestream import jpeg2000
from fastdcm.kernels.code_blocks import CHUNK, CHUNK_END, OUT
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
    free, done = threading.Event(), []
    with ThreadPoolExecutor(1) as pool:
        pool.submit(free.wait, _SECONDS)
        monkeypatch.setattr(sharing, "_helpers", lambda: pool)
        sharing.run([lambda: done.append(1)] * 10, 2)
        assert len(done) == 10
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


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_shares_have_each_code_block_once(levels: int) -> None:
    """Those of lower levels are the ones at the top left of the plane; the longest come first."""
    component = _component(levels)
    lowest = np.zeros(len(component.blocks), np.int64)
    blocks, _, lower, highest = shares.shares(component, component.blocks, lowest, 2)
    assert sorted(blocks.tolist()) == sorted(component.blocks.tolist())
    ranges = [*lower, *highest]
    assert [number for first, end in ranges for number in range(first, end)] == list(range(len(blocks)))
    rows, columns = np.divmod(blocks[:, OUT], component.plane[1])
    inside = (rows < component.plane[0] // 2) & (columns < component.plane[1] // 2)
    assert [end for _, end in lower][-1] == (len(blocks) if levels == 1 else np.count_nonzero(inside))
    behind = np.concatenate([[0], np.cumsum(component.chunks[:, 1])])
    sizes = behind[blocks[:, CHUNK_END]] - behind[blocks[:, CHUNK]]
    for part in (lower, highest):
        if part:
            assert (np.diff(sizes[part[0][0] : part[-1][1]]) <= 0).all()


def test_shares_get_smaller() -> None:
    """No thread has much to do when another has nothing left."""
    costs = sorted(np.random.default_rng(1).integers(50, 3000, 200).tolist(), reverse=True)
    parts = list(shares._parts(costs, 0, len(costs), 2))
    sums = [sum(costs[first:end]) for first, end in parts]
    assert sum(sums) == sum(costs)
    assert sums[0] >= sum(costs) / 8
    assert max(sums[-2:]) <= shares._LEAST_BYTES + max(costs[first] for first, _ in parts[-2:])
    assert len(parts) < len(costs) / 2


def test_shares_by_bit_plane() -> None:
    """One call of the kernel has one last bit-plane."""
    component = _component(4)
    lowest = np.sort(np.arange(len(component.blocks)) % 3)
    for threads in (1, 2):
        _, planes, lower, highest = shares.shares(component, component.blocks, lowest, threads)
        ranges = [*lower, *highest]
        assert sum(end - first for first, end in ranges) == len(lowest)
        assert all(len(set(planes[first:end].tolist())) == 1 for first, end in ranges)
