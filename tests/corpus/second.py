"""Second decoders, independent of fastdcm's, for frames that pydicom's own way does not decode.

Each takes a path and an index (from 0) and gives stored values, or raises `AbsentError` where what it
needs is not installed.
"""

from __future__ import annotations

import subprocess
import tempfile
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import generate_frames

from tests.conftest import find_tool

Array = NDArray[Any]


class AbsentError(Exception):
    """A decoder is not installed."""


def module(name: str) -> Any:
    """An optional module; `AbsentError` where it is not there."""
    try:
        return import_module(name)
    except ImportError as error:
        raise AbsentError(f"{name} is not installed") from error


def run(tool: str, *arguments: str | Path) -> bytes:
    """The standard output of a command; `AbsentError` without it, RuntimeError where it fails."""
    command = find_tool(tool)
    if command is None:
        raise AbsentError(f"{tool} is not installed")
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, timeout=120, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(f"{tool}: {said[-1]}")
    return done.stdout


def dcmdjpeg(path: Path, index: int) -> Array:
    """Grayscale JPEG by DCMTK, which carries IJG's decoders for 8, 12 and 16 bits."""
    with tempfile.TemporaryDirectory() as folder:
        native = Path(folder) / "native.dcm"
        run("dcmdjpeg", path, native)
        return by_hand(native, index)


def frame_bytes(path: Path, index: int) -> tuple[bytes, pydicom.Dataset]:
    """One encapsulated frame as it is coded, and its data set."""
    data_set = pydicom.dcmread(path, force=True)
    frames = int(data_set.get("NumberOfFrames") or 1)
    return list(generate_frames(data_set.PixelData, number_of_frames=frames))[index], data_set


def _in_its_sign(values: Array, data_set: pydicom.Dataset) -> Array:
    """Unsigned values of Bits Stored bits as Pixel Representation says."""
    if data_set.PixelRepresentation == 0:
        return values
    wide = values.astype(np.int64) & ((1 << data_set.BitsStored) - 1)
    wide[wide >> (data_set.BitsStored - 1) == 1] -= 1 << data_set.BitsStored
    return wide.astype(f"i{data_set.BitsAllocated // 8}")


def libjpeg(path: Path, index: int) -> Array:
    """JPEG by T. Richter's libjpeg (pylibjpeg-libjpeg)."""
    frame, _ = frame_bytes(path, index)
    result: Array = module("libjpeg").decode(frame)
    return result


def charls(path: Path, index: int) -> Array:
    """JPEG-LS by CharLS (pyjpegls), sign added as pydicom would."""
    frame, data_set = frame_bytes(path, index)
    return _in_its_sign(module("jpeg_ls").decode(np.frombuffer(frame, np.uint8)), data_set)


def openjpeg(path: Path, index: int) -> Array:
    """JPEG 2000 by OpenJPEG (pylibjpeg-openjpeg), sign added as pydicom would."""
    frame, data_set = frame_bytes(path, index)
    return _in_its_sign(module("openjpeg").decode(frame), data_set)


def inflate(path: Path, index: int) -> Array:
    """Deflated Image Frame Compression of 1-bit frames by zlib and numpy (PS3.5 A.4.11)."""
    frame, data_set = frame_bytes(path, index)
    bits = np.unpackbits(np.frombuffer(zlib.decompress(frame, -15), np.uint8), bitorder="little")
    return bits[: data_set.Rows * data_set.Columns].reshape(data_set.Rows, data_set.Columns)


def rle_bits(path: Path, index: int) -> Array:
    """One RLE segment of packed 1-bit pixels by pydicom's own expander (PS3.5 annex G)."""
    from pydicom.pixels.decoders.rle import _rle_decode_segment, _rle_parse_header

    frame, data_set = frame_bytes(path, index)
    (offset,) = _rle_parse_header(frame[:64])
    bits = np.unpackbits(np.frombuffer(_rle_decode_segment(frame[offset:]), np.uint8), bitorder="little")
    return bits[: data_set.Rows * data_set.Columns].reshape(data_set.Rows, data_set.Columns)


def by_hand(path: Path, index: int) -> Array:
    """The native 16-bit little-endian words that pydicom finds, shaped by numpy."""
    data_set = pydicom.dcmread(path, force=True)
    words = np.frombuffer(data_set.PixelData, "<u2" if data_set.PixelRepresentation == 0 else "<i2")
    return words.reshape(-1, data_set.Rows, data_set.Columns)[index]


DECODERS: dict[str, Callable[[Path, int], Array]] = {
    function.__name__: function
    for function in (dcmdjpeg, libjpeg, charls, openjpeg, inflate, rle_bits, by_hand)
}
