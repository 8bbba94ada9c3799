"""``python -m benches.measure.decoding FOLDER SECONDS [MORE ...]``: our own decoders beside the libraries'.

The first frames of real files, the first of each case in FOLDER and all in the folders MORE, that have at
least 512 x 512 pixels and are coded as our own decoders take it; each stream once. Both decode the same bytes
in turn, on one thread, in seconds of the processor, medians of the rounds: the library by its bare function,
ours with header, the proof that the stream is whole, and all other checks. Each stream has SECONDS.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastdcm
from benches.corpus import load
from benches.measure.stages import DECODERS
from fastdcm import system
from fastdcm.codecs.decode import decode_frame
from fastdcm.codecs.table import SYNTAXES
from fastdcm.codestream import jpeg2000
from fastdcm.kernels import OUTLOOK
from fastdcm.model import Header
from fastdcm.pipeline import Image

LEAST_ROUNDS, LEAST_PIXELS = 5, 512 * 512
_LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_NEAR_LOSSLESS = "1.2.840.10008.1.2.4.81"


def kind_of(data: bytes, header: Header) -> str | None:
    """What a stream is, by which decoders are compared; None where we have no decoder of our own."""
    uid = header.transfer_syntax_uid
    family = SYNTAXES[uid].family if uid in SYNTAXES else None
    if uid in _LOSSLESS_JPEG:
        return "JPEG lossless"
    if family == "jpeg-ls":
        return "JPEG-LS near-lossless" if uid == _NEAR_LOSSLESS else "JPEG-LS"
    if family != "jpeg2000":
        return None
    if header.samples_per_pixel > 1:
        return "JPEG 2000, colour"
    reversible = jpeg2000.parse(data).cod.blocks.reversible
    return "JPEG 2000 lossless (5/3)" if reversible else "JPEG 2000 lossy (9/7)"


def measure(path: str, seconds: float, seen: set[bytes]) -> dict[str, Any] | None:
    """Seconds of both for the first frame of a file; None where there is nothing to be compared.

    ``seen`` are the streams that were compared before, which other files may have, too.
    """
    try:
        with fastdcm.open(path) as image:
            found = _compare(image, seconds, seen)
    except fastdcm.FastdcmError:
        return None  # no DICOM, damaged, or not for a decoder of our own
    return found and {"file": Path(path).name, **found}


def _compare(image: Image, seconds: float, seen: set[bytes]) -> dict[str, Any] | None:
    header = image.header
    if header.rows * header.columns < LEAST_PIXELS or not image._frames.encapsulated:
        return None
    data = bytes(image._frames.read(0)[0])
    kind = kind_of(data, header)
    if kind is None or data in seen:
        return None
    seen.add(data)
    library = DECODERS[SYNTAXES[header.transfer_syntax_uid].family]

    def theirs() -> None:
        library(data, header)

    def ours() -> None:
        decode_frame(
            memoryview(data), header, encapsulated=True, rgb=False, decoder="own", note=lambda notice: None
        )

    times: tuple[list[float], list[float]] = [], []
    end = time.perf_counter() + seconds
    theirs(), ours()
    while len(times[0]) < LEAST_ROUNDS or time.perf_counter() < end:
        for run, took in zip((theirs, ours), times, strict=True):
            start = time.thread_time()
            run()
            took.append(time.thread_time() - start)
    ratios = sorted(library / own for library, own in zip(*times, strict=True))
    return {
        "kind": kind,
        "rounds": len(ratios),
        "library": statistics.median(times[0]),
        "own": statistics.median(times[1]),
        "ratio": {"median": statistics.median(ratios), "least": ratios[0], "most": ratios[-1]},
    }


def paths(folder: Path, more: list[Path]) -> Iterator[tuple[str, str | None]]:
    """Files, each with the case that it is of."""
    for case in load(folder):
        yield str(min(path for path in Path(case.folder).iterdir())), case.id
    for place in more:
        for path in sorted(path for path in place.rglob("*") if path.is_file()):
            yield str(path), None


def main() -> None:
    folder, seconds, *more = sys.argv[1:]
    system.keep_freed_memory()  # as a worker does
    OUTLOOK.times = 1e9  # as in the middle of a long run
    found, seen = [], set[bytes]()
    for path, case in paths(Path(folder), [Path(name) for name in more]):
        if (one := measure(path, float(seconds), seen)) is not None:
            found.append({"case": case, **one})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
