"""A child of the fuzzer: takes files from its standard input, says in JSON what became of each."""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.fuzz.target import exercise

#: Function of imagecodecs -> what it is the entrance of.
LIBRARIES = {
    "packbits_decode": "RLE",
    "jpeg8_decode": "libjpeg-turbo",
    "jpegls_decode": "CharLS",
    "jpeg2k_decode": "OpenJPEG",
    "htj2k_decode": "OpenJPH",
    "jpegxl_decode": "libjxl",
}

#: Decoders of our own.
OWN = {
    "fastdcm.codecs.jpeg2000.decode": "own JPEG 2000",
    "fastdcm.codecs.jpeg_baseline.decode": "own sequential JPEG",
    "fastdcm.codecs.jpeg_lossless.decode": "own lossless JPEG",
    "fastdcm.codecs.jpeg_scans.decode": "own JPEG in several scans",
    "fastdcm.codecs.jpegls.decode": "own JPEG-LS",
}

reached: Counter[str] = Counter()


def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and a count of its calls."""

    def call(*arguments: Any, **options: Any) -> Any:
        reached[name] += 1
        return function(*arguments, **options)

    return call


def watch() -> None:
    """Count the calls of every decoder."""
    import imagecodecs

    from fastdcm.codecs.decoders import native

    for function, name in LIBRARIES.items():
        setattr(imagecodecs, function, counted(name, getattr(imagecodecs, function)))
    for module, name in OWN.items():
        decoder: Any = import_module(module)  # compiles its kernels, before anybody looks at the clock
        decoder.decode = counted(name, decoder.decode)
    native.stored_values = counted("native", native.stored_values)
    native.decode_deflated = counted("zlib", native.decode_deflated)


def peak_bytes() -> int:
    """The most memory since `forget_peak`, where the system tells; 0 elsewhere."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return 0


def forget_peak() -> None:
    """Let `peak_bytes` start anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def answer(data: bytes) -> dict[str, Any]:
    """What became of one file."""
    reached.clear()
    forget_peak()
    before, start = peak_bytes(), time.process_time()
    outcomes: list[str] = []
    finding = ""
    try:
        outcomes.extend(exercise(data))
    except Exception as error:  # that is what is looked for
        finding = f"{type(error).__name__}: {error}"
    return {
        "outcomes": sorted(set(outcomes)),
        "reached": sorted(reached),
        "finding": finding,
        "seconds": time.process_time() - start,
        "more": peak_bytes() - before,
        "peak": peak_bytes(),
    }


def main() -> None:
    """Answer until there is no more input."""
    import faulthandler

    faulthandler.enable()
    watch()
    # What a library prints goes to the standard error.
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    while head := source.read(4):
        (size,) = struct.unpack("<I", head)
        sink.write(json.dumps(answer(source.read(size))) + "\n")
        sink.flush()


if __name__ == "__main__":
    main()
