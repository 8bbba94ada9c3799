"""PS3.5 annex G: byte segments, PackBits and the header, encoded here as the annex says."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from fastdcm.codecs.decode import decode_frame
from fastdcm.model import Header, Samples

RLE = "1.2.840.10008.1.2.5"


def pack(data: bytes) -> bytes:
    """G.3.1: runs of two and more as (1 - length), all else as literals of at most 128."""
    out, position = bytearray(), 0
    while position < len(data):
        run = 1
        while position + run < len(data) and run < 128 and data[position + run] == data[position]:
            run += 1
        if run > 1:
            out += bytes([257 - run, data[position]])
            position += run
            continue
        end = position + 1
        while end < len(data) and end - position < 128 and data[end - 1 : end + 1] != data[end : end + 1] * 2:
            end += 1
        out += bytes([end - position - 1]) + data[position:end]
        position = end
    return bytes(out) + b"\0" * (len(out) % 2)


def frame(segments: list[bytes]) -> bytes:
    """G.4 and G.5: the header of 16 long words, then the segments."""
    offsets, position = [], 64
    for segment in segments:
        offsets.append(position)
        position += len(segment)
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


def decoded(data: bytes, rows: int, columns: int, samples: int, bits: int) -> Samples:
    photometric = "MONOCHROME2" if samples == 1 else "RGB"
    header = Header(RLE, rows, columns, 1, samples, photometric, 0, bits, bits, bits - 1, 0)
    return decode_frame(memoryview(data), header, encapsulated=True, note=print)


def test_packbits_by_hand() -> None:
    """0..127 copies one more bytes literally, -1..-127 repeats, -128 does nothing (G.3.2)."""
    segment = bytes([2, 10, 20, 30, 0x100 - 3, 7, 0x80, 0, 99, 0x100 - 127, 5])
    assert len(segment) % 2 == 1
    found = decoded(frame([segment + b"\0"]), 8, 17, 1, 8)
    assert found.array.ravel().tolist() == [10, 20, 30, 7, 7, 7, 7, 99] + [5] * 128


def test_longest_literal() -> None:
    found = decoded(frame([bytes([127]) + bytes(range(128)) + b"\0"]), 2, 64, 1, 8)
    assert found.array.ravel().tolist() == list(range(128))


@pytest.mark.encodes(cell=lambda samples, bits: (".5", bits, "RGB" if samples == 3 else "MONOCHROME2"))
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (16, 16), (1, 300)])
def test_segments_are_planes_from_the_most_significant_byte_on(
    samples: int, bits: int, rows: int, columns: int
) -> None:
    """G.2: composite pixel code, most significant byte first, sample by sample."""
    random = np.random.default_rng(bits + samples)
    top = min(2**bits, 1 << 20)
    values = random.integers(0, top, (rows, columns, samples), np.uint32).astype(f"u{bits // 8}")
    values[:, columns // 2 :] = 7
    segments = []
    for sample in range(samples):
        plane = values[..., sample].astype(f">u{bits // 8}").reshape(-1).view(np.uint8).reshape(-1, bits // 8)
        segments += [pack(plane[:, number].tobytes()) for number in range(bits // 8)]
    found = decoded(frame(segments), rows, columns, samples, bits)
    assert found.array.dtype == f"u{bits // 8}"
    assert np.array_equal(found.array, values if samples == 3 else values[..., 0])
