"""Whether decoders gain by writing into an array that is used again (``out=``).

``python -m benches.decoder_outputs`` prints a table. As a worker does, the process keeps the memory that is
freed: the next image of the size gets the same pages, which is all that an array of one's own would give.
So no decoder is handed one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np

from benches.bench_jpeg2000 import encoded
from fastdcm import system

ROUNDS = 25
DECODERS: dict[str, Callable[..., Any]] = {
    "JPEG lossless": imagecodecs.jpeg8_decode,
    "JPEG-LS": imagecodecs.jpegls_decode,
    "JPEG 2000 lossless": lambda data, out=None: imagecodecs.jpeg2k_decode(data, numthreads=1, out=out),
    "HTJ2K": imagecodecs.htj2k_decode,
}


def _seconds(decode: Callable[..., Any], data: bytes, out: Any = None) -> float:
    start = time.perf_counter()
    decode(data, out=out)
    return time.perf_counter() - start


def main() -> None:
    """Print the table: medians of alternations."""
    system.keep_freed_memory()
    print("| image | syntax | new array, ms | the same array, ms | ratio |\n| --- | --- | --- | --- | --- |")
    for kind in ("CT", "CR"):
        for syntax, decode in DECODERS.items():
            data = encoded(kind, syntax)
            out = np.empty_like(decode(data))
            new, same = [], []
            for _ in range(ROUNDS):
                new.append(_seconds(decode, data))
                same.append(_seconds(decode, data, out))
            ratio = statistics.median(first / second for first, second in zip(new, same, strict=True))
            times = " | ".join(f"{1e3 * statistics.median(found):.2f}" for found in (new, same))
            print(f"| {kind} | {syntax} | {times} | {ratio:.3f} |")


if __name__ == "__main__":
    main()
