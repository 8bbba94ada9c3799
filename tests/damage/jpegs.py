"""JPEG of every process that is read here, and JPEG-LS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np

from tests.damage.subject import EOI, SIZE, Array, Subject, encapsulating, picture, pictures
from tests.unit.codestream import streams


def encode_jpeg(array: Array, **options: Any) -> bytes:
    """A JPEG by libjpeg-turbo."""
    return bytes(imagecodecs.jpeg8_encode(array, **({"level": 90} | options)))


def _under(stream: bytes, sof: int) -> bytes:
    """The same stream under another SOFn, where the process allows what is in it."""
    at = _position(stream, 0xC0)
    return stream[: at + 1] + bytes([sof]) + stream[at + 2 :]


def _position(stream: bytes, *codes: int) -> int:
    """Where the first segment of one of these codes starts."""
    at = 2
    while stream[at + 1] not in codes:
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return at


def _segments(stream: bytes, code: int) -> bytes:
    """All segments of a code before the scan, joined."""
    at, found = 2, b""
    while stream[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        found += stream[at:end] if stream[at + 1] == code else b""
        at = end
    return found


def scans_by_component(planes: Sequence[bytes], luma: int = 0x11) -> bytes:
    """One stream with a scan a component (T.81 A.2.2) of single-component streams.

    ``luma`` holds the sampling factors of the first one, 0x22 for 4:2:0; the others have 1 x 1.
    """
    first = planes[0]
    sof = _position(first, 0xC0, 0xC1, 0xC3)
    each = b"".join(bytes([number + 1, 0x11 if number else luma, 0]) for number in range(len(planes)))
    header = first[sof + 4 : sof + 9] + bytes([len(planes)]) + each
    joined = b"\xff\xd8" + _segments(first, 0xDB) + streams.segment(first[sof + 1], header)
    for number, plane in enumerate(planes):
        sos = _position(plane, 0xDA)
        scan = bytearray(plane[sos:-2])
        scan[5] = number + 1  # Cs1 (T.81 B.2.3)
        joined += _segments(plane, 0xC4) + scan
    return joined + EOI


def _planes(array: Array) -> list[Array]:
    return [np.ascontiguousarray(array[..., number]) for number in range(3)]


def _lossy(
    codec: str, syntax: str, name: str, array: Array, bits: int, stream: bytes, colour: str = "YBR_FULL_422"
) -> Subject:
    attributes = {} if array.ndim == 2 else {"photometric": colour}
    return encapsulating(codec, syntax, name, array, bits, stream, exact=False, end=EOI, **attributes)


def jpeg_baseline() -> Iterator[Subject]:
    def row(name: str, array: Array, stream: bytes, *colour: str) -> Subject:
        return _lossy("JPEG baseline", "baseline", name, array, 8, stream, *colour)

    for name, _, array in pictures((8, 1)):
        yield row(name, array, encode_jpeg(array))
    for name, _, array in pictures((8, 3)):
        for subsampling in ("444", "422", "420", "411"):
            yield row(f"{name} {subsampling}", array, encode_jpeg(array, subsampling=subsampling))
        yield row(f"{name} restarts", array, streams.pillow(array, restart_marker_blocks=3, quality=90))
        yield row(f"{name} optimised", array, streams.pillow(array, optimize=True, quality=90))
        planes = [encode_jpeg(plane) for plane in _planes(array)]
        yield row(f"{name} by component", array, scans_by_component(planes), "RGB")
        # Chroma of half the size, here of nothing but gray.
        gray = np.repeat(array[..., :1], 3, 2)
        neutral = encode_jpeg(np.full((SIZE[0] // 2, SIZE[1] // 2), 128, np.uint8))
        shared = scans_by_component([planes[0], neutral, neutral], 0x22)
        yield row(f"{name} 420 by component", gray, shared)


def jpeg_extended() -> Iterator[Subject]:
    def row(depth: str, name: str, array: Array, bits: int, stream: bytes, *colour: str) -> Subject:
        return _lossy(f"JPEG extended, {depth} bits", "extended", name, array, bits, stream, *colour)

    for name, bits, array in pictures((8, 1), (8, 3)):
        yield row("8", name, array, bits, _under(encode_jpeg(array), 0xC1))
    for name, bits, array in pictures((12, 1), (12, 3)):
        yield row("12", name, array, bits, encode_jpeg(array, bitspersample=12))
    array = picture(12, 3)
    planes = [encode_jpeg(plane, bitspersample=12) for plane in _planes(array)]
    yield row("12", "colour 12 by component", array, 12, scans_by_component(planes), "RGB")


def jpeg_progressive() -> Iterator[Subject]:
    for name, bits, array in pictures((8, 1), (8, 3)):
        for subsampling in (0, 2) if array.ndim == 3 else (0,):
            for restarts in (0, 4):
                stream = streams.pillow(
                    array,
                    progressive=True,
                    quality=90,
                    subsampling=subsampling,
                    restart_marker_blocks=restarts,
                )
                kind = f"{name} {'420' if subsampling else ''} {'restarts' if restarts else ''}".strip()
                yield _lossy("JPEG progressive", "1.2.840.10008.1.2.4.55", kind, array, bits, stream)


def jpeg_lossless() -> Iterator[Subject]:
    def row(name: str, array: Array, bits: int, stream: bytes) -> Subject:
        return encapsulating("JPEG lossless", "lossless", name, array, bits, stream, end=EOI)

    for name, bits, array in pictures((8, 1), (12, 1), (16, 1)):
        for predictor in (1, 4, 7):
            stream = encode_jpeg(array, lossless=True, predictor=predictor, bitspersample=bits)
            yield row(f"{name} predictor {predictor}", array, bits, stream)
    for name, bits, array in pictures((8, 3)):
        options = {"lossless": True, "colorspace": "RGB", "outcolorspace": "RGB"}
        yield row(name, array, bits, encode_jpeg(array, **options))
        planes = [encode_jpeg(plane, lossless=True) for plane in _planes(array)]
        yield row(f"{name} by component", array, bits, scans_by_component(planes))
    for name, bits, array in pictures((16, 1)):
        yield row(f"{name} liblj92", array, bits, bytes(imagecodecs.ljpeg_encode(array, bitspersample=bits)))


def jpeg_ls_streams() -> Iterator[Subject]:
    def row(name: str, array: Array, bits: int, stream: bytes, *, exact: bool = True) -> Subject:
        syntax = "jpeg-ls" if exact else "1.2.840.10008.1.2.4.81"
        return encapsulating("JPEG-LS", syntax, name, array, bits, stream, end=EOI, exact=exact)

    for name, bits, array in pictures((8, 1), (12, 1), (16, 1)):
        for near in (0, 2):
            arguments = (array.tobytes(), *array.shape, 1, bits, near, None)
            yield row(
                f"{name} near {near}", array, bits, bytes(jpeg_ls.encode_buffer(*arguments)), exact=not near
            )
    for name, bits, array in pictures((8, 3)):
        yield row(f"{name} by component", array, bits, streams.by_plane(array))
        for interleave, how in ((1, "by line"), (2, "by sample")):
            arguments = (array.tobytes(), *array.shape, bits, 0, interleave)
            yield row(f"{name} {how}", array, bits, bytes(jpeg_ls.encode_buffer(*arguments)))
