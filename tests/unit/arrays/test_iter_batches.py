"""Batches: order, read-ahead, what is left behind, and memory that is used again."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.arrays import pieces
from fastdcm.arrays.batch import Form, Room
from fastdcm.errors import OptionError, SourceError
from tests.unit.arrays.test_load import slice_of


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    for number in range(23):
        (tmp_path / f"{number:02}.dcm").write_bytes(slice_of(number))
    return [str(tmp_path / f"{number:02}.dcm") for number in range(23)]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The paths of frames, as they are read."""
    found: list[str | None] = []
    original = pieces.array_of

    def noted(image: Any, *arguments: Any) -> Any:
        found.append(image.path)
        return original(image, *arguments)

    monkeypatch.setattr(pieces, "array_of", noted)
    return found


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fastdcm-batches"]


def until(true: Callable[[], bool]) -> bool:
    """Whether something becomes true within some seconds."""
    end = time.monotonic() + 5
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


@pytest.mark.parametrize("read_ahead", [0, 1, 3])
@pytest.mark.parametrize("number", [1, 2, 3, 8])
def test_batches_are_what_load_gives(paths: list[str], number: int, read_ahead: int) -> None:
    batches = list(fastdcm.iter_batches(paths, 5, threads=number, read_ahead=read_ahead))
    assert [len(batch.array) for batch in batches] == [5, 5, 5, 5, 3]
    assert np.array_equal(np.concatenate([batch.array for batch in batches]), fastdcm.load(paths))
    assert np.concatenate([batch.positions for batch in batches]).tolist() == list(range(23))
    assert [origin.path for batch in batches for origin in batch.origins] == paths
    assert not threads()


def test_last_batch_is_left_out(paths: list[str]) -> None:
    assert len(list(fastdcm.iter_batches(paths, 5, drop_last=True))) == 4
    assert len(list(fastdcm.iter_batches(paths[:20], 5, drop_last=True))) == 4
    assert len(list(fastdcm.iter_batches(paths[:20], 5))) == 4
    assert list(fastdcm.iter_batches([], 5)) == []


@pytest.mark.parametrize("read_ahead", [0, 2])
def test_errors(paths: list[str], read_ahead: int) -> None:
    several = ["zeroth", *paths[:6], "sixth", *paths[6:9], "tenth"]
    options: dict[str, Any] = {"read_ahead": read_ahead, "threads": 3}
    skipped = list(fastdcm.iter_batches(several, 4, on_error="skip", **options))
    assert [len(batch.array) for batch in skipped] == [3, 3, 3]
    assert [[error.path for error in batch.errors] for batch in skipped] == [["zeroth"], ["sixth"], ["tenth"]]
    assert np.array_equal(np.concatenate([batch.array for batch in skipped]), fastdcm.load(paths[:9]))
    masked = list(fastdcm.iter_batches(several, 4, on_error="mask", **options))
    assert [batch.mask.tolist() for batch in masked] == [
        [False, True, True, True],
        [True, True, True, False],
        [True, True, True, False],
    ]
    assert not masked[0].array[0].any()
    batches = fastdcm.iter_batches(several[1:], 4, **options)
    assert len(next(batches).array) == 4
    with pytest.raises(SourceError) as found:
        next(batches)
    assert found.value.path == "sixth"
    assert not threads()


def test_nothing_but_errors(paths: list[str]) -> None:
    batches = list(fastdcm.iter_batches(["a", "b", "c"], 2, 8, on_error="mask"))
    assert [batch.array.shape for batch in batches] == [(2, 8, 8), (1, 8, 8)]
    assert not any(batch.mask.any() for batch in batches)


@pytest.mark.parametrize("read_ahead", [0, 1, 2])
def test_no_more_is_read_ahead_than_was_asked_for(
    paths: list[str], begun: list[str | None], read_ahead: int
) -> None:
    batches = fastdcm.iter_batches(paths, 3, threads=2, read_ahead=read_ahead)
    next(batches)
    most = 3 * (1 + read_ahead)
    assert until(lambda: len(begun) == most)
    time.sleep(0.05)
    assert len(begun) == most
    next(batches)
    assert until(lambda: len(begun) == most + 3)
    batches.close()  # type: ignore[attr-defined]
    assert not threads()


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
@pytest.mark.parametrize("way", ["break", "error", "close", "forgotten"])
def test_who_breaks_off_leaves_nothing(paths: list[str], begun: list[str | None], way: str) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = open_files()
    if way == "break":
        for _ in fastdcm.iter_batches(paths, 2, threads=4, read_ahead=3):
            break
    elif way == "error":
        with suppress(ZeroDivisionError):
            for _ in fastdcm.iter_batches(paths, 2, threads=4, read_ahead=3):
                raise ZeroDivisionError
    else:
        batches = fastdcm.iter_batches(paths, 2, threads=4, read_ahead=3)
        next(batches)
        assert threads()
        if way == "close":
            batches.close()  # type: ignore[attr-defined]
        else:
            del batches
    gc.collect()
    assert not threads()
    assert open_files() == before
    count = len(begun)
    time.sleep(0.02)
    assert len(begun) == count


def test_nothing_is_read_before_it_is_asked_for(paths: list[str], begun: list[str | None]) -> None:
    batches = fastdcm.iter_batches(paths, 2)
    assert not begun
    assert not threads()
    del batches
    with pytest.raises(OptionError, match="batch_size must be a whole number of at least 1"):
        fastdcm.iter_batches(paths, 0)
    with pytest.raises(OptionError, match="read_ahead"):
        fastdcm.iter_batches(paths, 1, read_ahead=-1)


def test_one_thread_without_read_ahead_is_the_callers(paths: list[str]) -> None:
    for _ in fastdcm.iter_batches(paths, 4, threads=1, read_ahead=0):
        assert not threads()


def test_memory_is_used_again(paths: list[str]) -> None:
    places = set()
    for batch in fastdcm.iter_batches(paths * 4, 2, threads=2, read_ahead=1):
        places.add(batch.array.__array_interface__["data"][0])
        del batch
    assert len(places) <= 4, "46 batches of which three are there at a time"


def test_memory_of_what_is_kept_is_not(paths: list[str]) -> None:
    kept = [batch.array[:1] for batch in fastdcm.iter_batches(paths * 4, 2, threads=2, read_ahead=2)]
    whole = fastdcm.load(paths * 4)
    assert np.array_equal(np.concatenate(kept), whole[::2])


def test_room_waits_for_all_views() -> None:
    room, form = Room(2), Form((4, 4), np.dtype(np.uint8))
    first = room.array(3, form)
    first[:] = 7
    view = memoryview(first[1])
    del first
    second = room.array(3, form)
    second[:] = 9
    assert view[0, 0] == 7
    place = second.__array_interface__["data"][0]
    del second
    assert room.array(3, form).__array_interface__["data"][0] == place
