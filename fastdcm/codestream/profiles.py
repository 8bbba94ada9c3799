"""ICC profiles in codestreams: segments of JPEG (ICC.1 annex B.4), colour boxes of JP2 (T.800 I.5.3.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastdcm.codestream import markers, signatures
from fastdcm.codestream.markers import marker_at, segment_end
from fastdcm.errors import CodestreamError

SIGNATURE = b"ICC_PROFILE\0"
#: A segment holds 65535 bytes, its length, the signature, number and count among them.
_CHUNK_BYTES = 65535 - 2 - len(SIGNATURE) - 2
_MAX_CHUNKS = 255
#: Bytes of a stream that are looked at first: most have no profile, and their tables and frame header here.
_HEAD_BYTES = 1024


def embedded(read: Callable[[int], bytes]) -> bytes | None:
    """The profile of a JPEG stream or JP2 file, None where it has none; empty where a part of it is missing.

    ``read`` gives so many bytes of its start, or all there are. Streams that are damaged have none.
    """
    size = _HEAD_BYTES
    while True:
        data = read(size)
        try:
            return _of(data)
        except CodestreamError:
            if len(data) < size:
                return None
        size *= 16


def _of(data: bytes) -> bytes | None:
    if data[:2] == signatures.JPEG:
        return of_jpeg(data)
    if data[:12] == signatures.JP2:
        from fastdcm.codestream.jpeg2000.boxes import read_boxes

        return read_boxes(data, partial=True).icc
    return None


def of_jpeg(data: bytes) -> bytes | None:
    """The profile in the segments before the frame header; as `embedded`. Raises CodestreamError."""
    chunks: dict[int, bytes] = {}
    count = 0
    for code, start, end in _segments(data):
        if code == markers.APP2 and data[start : start + len(SIGNATURE)] == SIGNATURE and end >= start + 14:
            chunks.setdefault(data[start + 12], data[start + 14 : end])
            count = data[start + 13]
    if not count:
        return None
    if chunks.keys() != set(range(1, count + 1)):
        return b""
    return b"".join(chunks[number] for number in range(1, count + 1))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start of the contents and end of each segment before the first scan."""
    position = 2
    for _ in range(markers.LIMIT_SEGMENTS):
        code, position = marker_at(data, position)
        if code in (markers.SOS, markers.EOI):
            return
        end = segment_end(data, position, code)
        yield code, position + 2, end
        position = end


def segments(profile: bytes) -> bytes:
    """APP2 segments that hold a profile. Raises CodestreamError for more than 16 MB, which they do not."""
    chunks = [profile[at : at + _CHUNK_BYTES] for at in range(0, len(profile), _CHUNK_BYTES)]
    if len(chunks) > _MAX_CHUNKS:
        raise CodestreamError(f"an ICC profile of {len(profile)} bytes is more than JPEG holds")
    parts = []
    for number, chunk in enumerate(chunks, 1):
        length = 2 + len(SIGNATURE) + 2 + len(chunk)
        parts += [b"\xff\xe2", length.to_bytes(2, "big"), SIGNATURE, bytes([number, len(chunks)]), chunk]
    return b"".join(parts)
