"""The Huffman tables that a scan is coded by (ITU-T T.81 C.2)."""

from __future__ import annotations

from typing import Literal

from fastdcm.codestream.jpeg_scan import Scan
from fastdcm.errors import CodestreamError, UnsupportedError

#: What the codes of a table stand for: categories of DC differences; of lossless ones; runs and sizes of AC
#: coefficients; those of progressive scans.
Kind = Literal["difference", "category", "coefficients", "band"]


def definition_of(scan: Scan, table_class: int, destination: int) -> bytes:
    """The Huffman table of a scan: its 16 counts and its values."""
    definition = scan.huffman.get(table_class << 4 | destination)
    if definition is None:
        # libjpeg takes those of T.81 annex K then; DICOM knows no abbreviated streams.
        name = f"{'AC' if table_class else 'DC'} table {destination}"
        raise UnsupportedError(f"the stream does not define its Huffman {name}, which is not supported")
    return definition


def check_definition(definition: bytes) -> None:
    """Raise `CodestreamError` for more codes of a length than there can be (T.81 C.2)."""
    code = 0
    for length, count in enumerate(definition[:16], 1):
        code += count
        if code > 1 << length:
            raise CodestreamError(f"a Huffman table has too many codes of {length} bits")
        code <<= 1


def check_category(value: int, kind: Kind) -> None:
    """Raise `CodestreamError` for a category that differences do not have (T.81 F.1.2.1, table H.2)."""
    if value > (15 if kind == "difference" else 16):
        raise CodestreamError(f"a Huffman table has category {value} of differences")
