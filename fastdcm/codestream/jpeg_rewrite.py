"""Baseline JPEG streams as files of their own: the coded image untouched, and nothing beside it.

A frame's stream shows right inside its data set, which says what its components are. Outside of it
viewers go by the stream's own signs, so these are written anew; what else an encoder left there,
comments and application data, may name a patient and is dropped.
"""

from __future__ import annotations

from functools import lru_cache

from fastdcm.codestream import markers
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_scan import Frame, Scan, grid
from fastdcm.codestream.markers import marker_at, segment_end
from fastdcm.codestream.profiles import segments

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOF0, _DQT = 0xC0, 0xDB
_KEPT = frozenset([_SOF0, _DQT, markers.DHT, markers.DRI, markers.SOS])
#: T.871 10.1: version 1.02, no unit, square pixels, no thumbnail.
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"
#: Adobe Technical Note 5116: version 100, no flags; the transform follows.
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
#: What libjpeg calls JPEG_MAX_DIMENSION, and takes no more than.
_MAX_SIDE = 65500
#: Data units of an MCU (T.81 B.2.3).
_MAX_UNITS = 10
#: Table class and destination of the Huffman tables of baseline (T.81 B.2.4.2).
_DESTINATIONS = frozenset([0x00, 0x01, 0x10, 0x11])


def rewrite(data: bytes, header: JpegHeader, coded: str, profile: bytes = b"") -> bytes | None:
    """The stream from SOI to EOI with the same tables, frame header and scans; None where none is made.

    ``header`` is what `fastdcm.codestream.jpeg.parse` found in ``data``, ``coded`` what its
    `colour` is. JFIF and Adobe segments say so in terms that libjpeg and others understand, behind them is
    the ICC ``profile``, where there is one; other application segments, comments, DNL, fill bytes between
    segments and what follows the last scan are left out.

    None is for whatever is not plain baseline of 8 bits (T.81 B.2.2 to B.2.4), even where libjpeg
    puts up with it: other decoders may not. The entropy-coded data is taken as it is;
    `fastdcm.codestream.jpeg_entropy` tells whether it is whole.
    """
    if not _is_baseline(header) or _looks_otherwise(header, coded):
        return None
    parts = [_SOI, *_signs(header, coded), segments(profile)]
    defined: set[int] = set()  # quantization tables so far
    wanted: dict[int, int] = {}  # component -> its quantization table
    number, position = 0, 2
    while number < len(header.scans):
        code, start = marker_at(data, position)
        position = segment_end(data, start, code)
        if code not in _KEPT:
            continue
        contents = data[start + 2 : position]
        parts.append(bytes([0xFF, code]) + data[start:position])
        if code == _DQT:
            tables = contents[::65]
            if len(contents) % 65 or max(tables, default=0) > 3:  # 0..3, each of 64 bytes (T.81 B.2.4.1)
                return None
            defined.update(tables)
        elif code == _SOF0:
            wanted = dict(zip(contents[6::3], contents[8::3], strict=True))
        elif code == markers.DHT:
            if not _is_baseline_huffman(contents):
                return None
        elif code == markers.DRI:
            if len(contents) != 2:
                return None
        else:
            scan = header.scans[number]
            if not defined.issuperset(wanted[c.identifier] for c in scan.components):
                return None
            if not _is_plain(data, header, scan):
                return None
            parts.append(data[scan.start : scan.end])
            number, position = number + 1, scan.end
    return b"".join([*parts, _EOI])


def _signs(header: JpegHeader, coded: str) -> list[bytes]:
    """Application segments in front of everything else, by which viewers know the colours.

    libjpeg, and with it most viewers, takes JFIF for YCbCr whatever else is there, then Adobe's
    transform, then guesses by component identifiers (default_decompress_parms); so RGB must not have
    JFIF. An ICC profile has its place behind these.
    """
    signs = [] if coded == "RGB" else [_JFIF]
    if coded == "RGB" or header.app14_transform is not None:
        signs.append(_ADOBE + bytes([coded == "YBR_FULL"]))
    return signs


def _looks_otherwise(header: JpegHeader, coded: str) -> bool:
    """Whether identifiers say RGB where YCbCr is coded: some viewers go by them before JFIF."""
    return coded == "YBR_FULL" and bytes(c.identifier for c in header.components) == b"RGB"


def _is_baseline(header: JpegHeader) -> bool:
    """Baseline of 8 bits (T.81 table B.2), of a size that libjpeg takes.

    Sampling factors must divide the largest ones: libjpeg interpolates by whole numbers.
    """
    components = header.components
    highest, widest = max(c.vertical for c in components), max(c.horizontal for c in components)
    return (
        header.process == "baseline"
        and header.precision == 8
        and max(header.rows, header.columns) <= _MAX_SIDE
        and not any(widest % c.horizontal or highest % c.vertical for c in components)
    )


def _is_plain(data: bytes, header: JpegHeader, scan: Scan) -> bool:
    """A scan as T.81 B.2.3 wants it of a sequential frame, without entropy-coded data that is not used."""
    if (scan.spectral_start, scan.spectral_end, scan.high, scan.low) != (0, 63, 0, 0):
        return False
    components = scan.components
    if len(components) > 1:
        if sum(c.horizontal * c.vertical for c in components) > _MAX_UNITS:
            return False
        if components != tuple(c for c in header.components if c in components):  # in this order
            return False
    if data.find(b"\xff\xff\x00", scan.start, scan.end) >= 0:
        return False  # libjpeg takes it for a stuffed byte, T.81 B.1.1.5 knows no fill there
    if scan.restart_interval:
        frame = Frame(*(getattr(header, name) for name in Frame._fields))
        across, down = grid(frame, scan)
        found = len(markers.RESTARTS.findall(data, scan.start, scan.end))
        return found == (across * down - 1) // scan.restart_interval
    return True


@lru_cache(maxsize=64)
def _is_baseline_huffman(contents: bytes) -> bool:
    """Whether the tables of a DHT segment have places of baseline and no code of ones only (T.81 C.2)."""
    position = 0
    while position < len(contents):
        counts = contents[position + 1 : position + 17]
        if contents[position] not in _DESTINATIONS:
            return False
        code = 0
        for length, count in enumerate(counts, 1):
            code += count
            if code >= 1 << length:
                return False
            code <<= 1
        position += 17 + sum(counts)
    return True
