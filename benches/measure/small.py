"""``python -m benches.measure.small FOLDER CASE SECONDS``: small images, where decoders do the halvings.

In one process, in alternation, over the files of a case: ``small``, a file opened and rendered to `SIZE`
pixels, all in all, proof that the frame is whole and reading included; and ``full``, the library's own
decoder on the frame's bytes in memory, its samples rendered with a plan that is made, and shrunk by the area
filter that we have. ``decode``, ``kernel`` and ``resize`` are what that takes in turn. Medians, in seconds of
the processor an image, on one thread; ``mean`` and ``most`` are greys by which the two pictures differ.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import fastdcm
from benches import peers
from benches.corpus import Case, load
from benches.measure.stages import DECODERS
from fastdcm import system
from fastdcm.codecs.table import SYNTAXES
from fastdcm.kernels import OUTLOOK
from fastdcm.options import RenderOptions
from fastdcm.rendering.execute import execute
from fastdcm.rendering.fitting import resized
from fastdcm.rendering.resample import resampled

#: The longest side of the image, in pixels.
SIZE = 440
LEAST_ROUNDS = 7


class Frame:
    """The first frame of a file in both ways; options are those of rendering but for the size."""

    def __init__(self, path: str, size: int, **options: Any) -> None:
        self._path, self._options = path, options | {"size": size}
        with fastdcm.open(path) as image:
            self._decoder = DECODERS[SYNTAXES[image.header.transfer_syntax_uid].family]
            self._header = image.header
            self._data = bytes(image._frames.read(0)[0])
            self._samples = image._decode(0, as_rgb=True)
            render = fastdcm.options.split_options(options)[0] if options else RenderOptions()
            self._plan = image._plan(0, render, self._samples.bits)
            self._sides = resized(image.shape, fastdcm.options.GeometryOptions(size=size))

    def small(self) -> Any:
        """From the path to the picture."""
        with fastdcm.open(self._path) as image:
            return image.render(**self._options)

    def full(self, seconds: dict[str, float] | None = None) -> Any:
        """By bare calls, from the frame's bytes to the picture."""
        start = time.thread_time()
        array = self._decoder(self._data, self._header)
        decoded = time.thread_time()
        shown = execute(
            self._plan, self._samples._replace(array=array.astype(self._samples.array.dtype, copy=False))
        )
        rendered = time.thread_time()
        picture = resampled(shown, *self._sides, None)
        if seconds is not None:
            times = decoded - start, rendered - decoded, time.thread_time() - rendered
            for name, took in zip(("decode", "kernel", "resize"), times, strict=True):
                seconds[name] = seconds.get(name, 0.0) + took
        return picture


def measure(paths: list[str], seconds: float, size: int = SIZE, **options: Any) -> dict[str, Any]:
    """Both ways in alternation, for so many seconds, and how their pictures differ."""
    system.keep_freed_memory()  # as a worker does
    OUTLOOK.times = 1e9  # as in the middle of a long run
    frames = [Frame(path, size, **options) for path in paths]
    apart = [np.abs(frame.small().astype(int) - frame.full()) for frame in frames]
    rounds: list[dict[str, float]] = []
    end = time.perf_counter() + seconds
    while len(rounds) < LEAST_ROUNDS or time.perf_counter() < end:
        found: dict[str, float] = {}
        for frame in frames:
            found["small"] = found.get("small", 0.0) + _timed(frame.small)
            found["full"] = found.get("full", 0.0) + _timed(partial(frame.full, found))
        rounds.append({name: took / len(frames) for name, took in found.items()})
    ratios = sorted(one["full"] / one["small"] for one in rounds)
    return {
        "rounds": len(rounds),
        "seconds": {name: statistics.median(one[name] for one in rounds) for name in rounds[0]},
        "ratio": {"median": statistics.median(ratios), "least": ratios[0], "most": ratios[-1]},
        "mean": float(np.mean([each.mean() for each in apart])),
        "most": int(max(each.max() for each in apart)),
    }


def _timed(run: Callable[[], object]) -> float:
    start = time.thread_time()
    run()
    return time.thread_time() - start


def of_case(case: Case, seconds: float) -> dict[str, Any]:
    """`measure` of the case's files."""
    paths = [path for path, _ in peers.files_of(case.folder)][:8]
    return {"case": case.id, "size": SIZE, **measure(paths, seconds)}


if __name__ == "__main__":
    folder, wanted, duration = sys.argv[1:]
    (found,) = (case for case in load(Path(folder)) if case.id == wanted)
    print(json.dumps(of_case(found, float(duration))))
