"""What waits in memory: the bound on a run's queue, times what an item takes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from fastdcm.batch.discovery import discover
from fastdcm.batch.feed import AHEAD, Feed
from fastdcm.batch.targets import resolve


def bench_waiting_items(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """A queue as full as discovery fills it for one worker; ``extra_info`` has the bytes an item."""
    for number in range(AHEAD):
        folder = tmp_path / "in" / f"patient{number // 512:03}"
        if number % 512 == 0:
            folder.mkdir(parents=True)
        (folder / f"1.2.840.113619.2.55.3.{number:06}.dcm").touch()
    targets = resolve([str(tmp_path / "in")], str(tmp_path / "out"), "jpeg")

    def fill() -> Feed:
        feed = Feed(1)
        for item in discover(targets):
            feed.put(item)
        return feed

    feed = benchmark(fill)
    assert feed.waiting == AHEAD
    del feed
    tracemalloc.start()
    try:
        feed = fill()
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    benchmark.extra_info["bytes an item"] = used / feed.waiting
    assert used / feed.waiting < 1000
