"""Uncompressed frames as PS3.5 8.1.1 and annex D lay them out: words, bits, planes, shared chroma."""

from __future__ import annotations

import numpy as np

from tests.encodings.cases import BIG_ENDIAN, SHARED_CHROMA, Array, Case


def native(pixels: Array, case: Case) -> bytes:
    """The value of Pixel Data for frames (frames, rows, columns[, 3]), of even length."""
    little = case.syntax != BIG_ENDIAN
    values = np.concatenate([_ordered(frame, case) for frame in pixels])
    if case.is_float:
        return values.astype(f"{'<' if little else '>'}{case.kind}").tobytes()
    if case.bits < 64:
        values = (values.astype(np.int64) & ((1 << case.bits) - 1)) << case.shift
    if case.allocated in (1, 12):
        data = pack(values, case.allocated)
    else:
        data = values.astype(f"{'<' if little else '>'}u{case.allocated // 8}").tobytes()
    data += bytes(len(data) % 2)
    if not little and case.allocated < 16 and case.vr != "OB":
        # Smaller samples share words, and the first lies in the less significant byte (PS3.5 8.1.2).
        return np.frombuffer(data, "<u2").astype(">u2").tobytes()
    return data


def _ordered(frame: Array, case: Case) -> Array:
    """The samples of one frame in the order of the file."""
    if case.photometric in SHARED_CHROMA:
        return share_chroma(frame).ravel()
    if case.planar:
        return frame.transpose(2, 0, 1).ravel()
    return frame.ravel()


def share_chroma(frame: Array) -> Array:
    """Y1 Y2 Cb Cr of each two pixels of a row (PS3.3 C.7.6.3.1.2); the last of an odd row goes twice."""
    even = np.concatenate([frame, frame[:, -1:]], 1) if frame.shape[1] % 2 else frame
    left, right = even[:, 0::2], even[:, 1::2]
    return np.stack([left[..., 0], right[..., 0], left[..., 1], left[..., 2]], -1)


def pack(values: Array, size: int) -> bytes:
    """Values of ``size`` bits, one behind the other from the lowest bit up (PS3.5 8.1.1)."""
    each = (values.astype(np.int64).reshape(-1, 1) >> np.arange(size)) & 1
    return np.packbits(each.astype(np.uint8), bitorder="little").tobytes()
