"""JPEG streams with other signs of their colours than their encoder wrote (T.81 B.2, T.871, Adobe 5116)."""

from __future__ import annotations

from tests.unit.codestream.streams import segment, without_segments

APP0, APP14, SOS = 0xE0, 0xEE, 0xDA
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3)


def signed(
    stream: bytes, *, adobe: int | None = None, jfif: bool = False, identifiers: bytes = b"\1\2\3"
) -> bytes:
    """The stream with these signs and no others; ``adobe`` is the transform of APP14."""
    stream = _identified(without_segments(stream, APP0, APP14), identifiers)
    signs = segment(APP0, b"JFIF\0\1\1\0\0\1\0\1\0\0") if jfif else b""
    if adobe is not None:
        signs += segment(APP14, b"Adobe\0\x64" + bytes(4) + bytes([adobe]))
    return stream[:2] + signs + stream[2:]


def _identified(stream: bytes, identifiers: bytes) -> bytes:
    """The stream with other component identifiers, in the frame header and in that of its only scan."""
    data = bytearray(stream)
    frame, scan = _position(stream, *_FRAMES), _position(stream, SOS)
    for number, identifier in enumerate(identifiers):
        data[frame + 10 + 3 * number] = data[scan + 5 + 2 * number] = identifier
    return bytes(data)


def _position(stream: bytes, *codes: int) -> int:
    """Where the first segment of one of these codes starts."""
    at = 2
    while stream[at + 1] not in codes:
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return at
