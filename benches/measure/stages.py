"""``python -m benches.measure.stages FOLDER CASE SECONDS``: where the time of one worker goes, and the floor.

In one process, in alternation: a worker's whole work with a file (``total``), the same with the clock of
``convert --profile`` (its stages), and what nobody can leave out: the file's bytes read by bare calls of the
system (``bare read``), the bare decoder on the frame's bytes (``bare decode``), the rendering of samples with
a plan that is made (``kernel``), the bare encoder on pixels in memory (``bare encode``), the image written
under a name and renamed (``bare write``). Medians, in seconds an image.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np

import fastdcm
from benches import peers
from benches.corpus import Case, load
from fastdcm import system
from fastdcm.batch.convert import Converter, Job
from fastdcm.batch.discovery import Task
from fastdcm.batch.protocol import Outlook
from fastdcm.batch.report import Outcome
from fastdcm.batch.stages import STAGES
from fastdcm.codecs.table import SYNTAXES
from fastdcm.kernels import OUTLOOK
from fastdcm.options import ConvertOptions, EncodeOptions, RenderOptions
from fastdcm.pipeline import Image
from fastdcm.rendering.execute import execute
from fastdcm.sinks.run import Run

RENDER, ENCODE = RenderOptions(), EncodeOptions(quality=peers.QUALITY)
LEAST_ROUNDS = 5
#: Each way of a round lasts about so long, less in a short measurement: the first files after another way
#: are dearer than those of a run, pages that were given back among other things.
TURN_SECONDS = 0.3

#: Family of a syntax -> the library's own function on the bytes of a frame.
DECODERS: dict[str, Callable[[bytes, Any], Any]] = {
    "rle": lambda data, header: imagecodecs.dicomrle_decode(
        data, np.dtype(f"<u{header.bits_allocated // 8}")
    ),
    "jpeg": lambda data, header: imagecodecs.jpeg8_decode(data),
    "jpeg-ls": lambda data, header: imagecodecs.jpegls_decode(data),
    "jpeg2000": lambda data, header: imagecodecs.jpeg2k_decode(data, numthreads=1),
    "htj2k": lambda data, header: imagecodecs.htj2k_decode(data),
}


class Clock:
    """Seconds by name, of one round."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start


def passes_through(image: Image, index: int) -> bool:
    """Whether the frame is copied as it is."""
    return SYNTAXES[image.header.transfer_syntax_uid].family == "jpeg" and bool(
        image.encode_frame(index, RENDER, EncodeOptions()).passed_through
    )


def scan_is_untouched(path: str) -> bool | None:
    """Whether the scan of a frame that is copied comes out as it went in; None where none is copied."""
    with fastdcm.open(path) as image:
        if not passes_through(image, 0):
            return None
        stream = bytes(image._frames.read(0)[0])
        written = image.encode_frame(0, RENDER, EncodeOptions()).data
    before, after = (data[data.rindex(b"\xff\xda") : data.rindex(b"\xff\xd9")] for data in (stream, written))
    return before == after


class Floor:
    """What a file and its frames cost at least, with everything but the codecs' work done before."""

    def __init__(self, path: str, target: str) -> None:
        self._path, self._target = path, target
        self._frames = []
        with fastdcm.open(path) as image:
            family = SYNTAXES[image.header.transfer_syntax_uid].family
            self._header, self._decoder = image.header, DECODERS.get(family)
            for index in range(len(image)):
                data = bytes(image._frames.read(index)[0])
                samples = image._decode(index, as_rgb=True, mask=False)
                plan = image._plan(index, RENDER, samples.bits)
                self._frames.append((data, plan, samples, image.render(index)))

    def __len__(self) -> int:
        return len(self._frames)

    def run(self, name: str, clock: Clock) -> None:
        """The file read, then each frame once through each library, and written."""
        with clock("bare read"):
            descriptor = os.open(self._path, os.O_RDONLY)
            os.read(descriptor, os.fstat(descriptor).st_size)
            os.close(descriptor)
        for index, (data, plan, samples, pixels) in enumerate(self._frames):
            if self._decoder is not None:
                with clock("bare decode"):
                    self._decoder(data, self._header)
            with clock("kernel"):
                execute(plan, samples)
            subsampling = None if pixels.ndim == 2 else ENCODE.subsampling
            with clock("bare encode"):
                encoded = imagecodecs.jpeg8_encode(pixels, level=ENCODE.quality, subsampling=subsampling)
            path = os.path.join(self._target, f"{name}_{index}.jpg")
            with clock("bare write"):
                descriptor = os.open(path + "~", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
                os.write(descriptor, encoded)
                os.close(descriptor)
                os.rename(path + "~", path)


class Work:
    """Rounds of the same work done in three ways, each for a while: what one way leaves behind, buffers
    and caches, is what a run leaves for its next file.
    """

    def __init__(self, paths: list[str], target: str) -> None:
        system.keep_freed_memory()  # as a worker does
        OUTLOOK.times = 1e9  # in the middle of a long run, which uses all kernels; converters know, too
        run = Run.begin()
        self._target, self._paths = target, paths
        self._floors = [Floor(path, target) for path in paths]
        self._plain, self._profiled = (
            Converter(Job(run, ConvertOptions(), every_file=True, profile=profile))
            for profile in (False, True)
        )
        for converter in (self._plain, self._profiled):
            converter.foresee(Outlook(10**9, may_compile=True))
        self.images = sum(map(len, self._floors))

    def round(self, turns: int) -> Clock:
        """Each way so many turns over all files."""
        clock = Clock()
        for way in (self._whole, self._by_stages, self._floor):
            for turn in range(turns):
                way(f"{turn}", clock)
        for name in os.listdir(self._target):  # every round makes new files, as a run does
            os.unlink(os.path.join(self._target, name))
        return clock

    def _whole(self, turn: str, clock: Clock) -> None:
        for number, path in enumerate(self._paths):
            with clock("total"):
                self._convert(self._plain, path, f"{turn}-{number}")

    def _by_stages(self, turn: str, clock: Clock) -> None:
        for number, path in enumerate(self._paths):
            outcome = self._convert(self._profiled, path, f"{turn}-stages{number}")
            for name, seconds in zip(STAGES, outcome.stages, strict=True):
                clock.seconds[name] += seconds

    def _floor(self, turn: str, clock: Clock) -> None:
        for number, floor in enumerate(self._floors):
            floor.run(f"{turn}-floor{number}", clock)

    def _convert(self, converter: Converter, path: str, name: str) -> Outcome:
        outcome, _ = converter(Task(path, self._target, name), False, lambda frame, seconds: None)
        assert outcome is not None
        return outcome


def measure(case: Case, seconds: float) -> dict[str, Any]:
    """Medians of rounds over the case's files, in seconds an image; and how many rounds."""
    paths = [path for path, _ in peers.files_of(case.folder)][:8]
    rounds: list[dict[str, float]] = []
    end = time.perf_counter() + seconds
    with tempfile.TemporaryDirectory(dir=Path(case.folder).parent) as target:
        work = Work(paths, target)
        turns = 1
        while len(rounds) <= LEAST_ROUNDS or time.perf_counter() < end:
            clock = work.round(turns)
            rounds.append({name: took / (turns * work.images) for name, took in clock.seconds.items()})
            if len(rounds) == 1:
                turns = max(1, round(min(TURN_SECONDS, seconds / LEAST_ROUNDS) / clock.seconds["total"]))
    del rounds[0]  # the first one fills caches
    names = sorted({name for found in rounds for name in found})
    by_name = {name: [found.get(name, 0.0) for found in rounds] for name in names}
    floor = [sum(found.get(name, 0.0) for name in ("bare decode", "bare encode")) for found in rounds]
    ratios = sorted(found["total"] / bare for found, bare in zip(rounds, floor, strict=True))
    return {
        "case": case.id,
        "rounds": len(rounds),
        "seconds": {name: statistics.median(times) for name, times in by_name.items()},
        "untouched": scan_is_untouched(paths[0]),
        "ratio": {"median": statistics.median(ratios), "least": ratios[0], "most": ratios[-1]},
    }


if __name__ == "__main__":
    folder, wanted, duration = sys.argv[1:]
    (found,) = (case for case in load(Path(folder)) if case.id == wanted)
    print(json.dumps(measure(found, float(duration))))
