"""A JPEG-LS stream to samples by our own kernels (ITU-T T.87); that they are all there is proven by it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_scan import Scan
from fastdcm.codestream.jpegls import Coding, intervals
from fastdcm.errors import CodestreamError
from fastdcm.kernels import jpegls as kernels
from fastdcm.kernels.jpegls_tables import Tables, tables

Array = NDArray[Any]

_BY_SAMPLE = 2  # ILV (C.2.3)
_NO_BYTES, _NO_WORDS = np.empty(0, np.uint8), np.empty(0, np.uint16)


class Decoded(NamedTuple):
    """Samples as they are coded; how many rows of them are whole; bytes left over behind a scan's last one.

    ``array`` is (rows, columns) of one component, else (rows, columns, components); uint8 to 8 bits, uint16
    to 16 bits.
    """

    array: Array
    rows: int
    spare: int


def decode(data: bytes, header: JpegHeader, codings: tuple[Coding, ...], *, partial: bool = False) -> Decoded:
    """Decode a stream; ``header`` and ``codings`` are what `jpeg.parse` and `jpegls.codings` gave for it.

    Raises `CodestreamError` where a scan is damaged, has more than its samples or, without ``partial``, less.
    """
    kind = np.uint8 if header.precision <= 8 else np.uint16
    out = np.empty((header.rows, header.columns, len(header.components)), kind)
    rows, spare = header.rows, 0
    for number, (scan, coding) in enumerate(zip(header.scans, codings, strict=True), 1):
        code, whole, left = _decode_scan(data, header, scan, coding, out)
        if code == kernels.CUT and partial:
            rows = min(rows, whole)
        elif code == kernels.WHOLE:
            spare = max(spare, left)
        else:
            name = "the scan" if len(header.scans) == 1 else f"scan {number}"
            raise CodestreamError(_in_words(code, name, whole, left, header.rows))
    return Decoded(out[..., 0] if len(header.components) == 1 else out, rows, spare)


def _in_words(code: int, scan: str, whole: int, left: int, rows: int) -> str:
    if code == kernels.LEFT_OVER:
        spare = "bits" if left < 2 else f"{left} bytes"
        return f"damaged: {spare} are left over behind line {whole} of {rows} of {scan}"
    if code == kernels.WRONG:
        return f"damaged: {scan} has parameters that there cannot be"
    problem, verb = ("cut", "ends") if code == kernels.CUT else ("damaged", "is damaged")
    return f"{problem}: {scan} {verb} after {whole} of {rows} lines"


def _decode_scan(
    data: bytes, header: JpegHeader, scan: Scan, coding: Coding, out: Array
) -> tuple[int, int, int]:
    """What the kernel returns: what became of the scan, whole lines, bytes that are left over."""
    rows, columns, stride = out.shape
    interval = scan.restart_interval or rows  # lines are what JPEG-LS counts in them
    parts = intervals(data, scan)
    wanted = -(-rows // interval)
    if len(parts) > wanted:
        raise CodestreamError(f"damaged: {len(parts) - 1} restart markers, where {wanted - 1} belong")
    components, pixels = len(scan.components), out.reshape(-1)
    found: tuple[int, int, int] = kernels.decode_scan(
        np.frombuffer(data, np.uint8),
        *np.ascontiguousarray(np.array(parts, np.int64).T),
        interval,
        scan.spectral_end == _BY_SAMPLE,
        *_tables(coding),
        *kernels.work(max(end - start for start, end in parts), columns, components),
        columns,
        components,
        header.components.index(scan.components[0]),
        stride,
        *((pixels, _NO_WORDS) if out.itemsize == 1 else (_NO_BYTES, pixels)),
    )
    return found


@lru_cache(maxsize=16)
def _tables(coding: Coding) -> Tables:
    return tables(coding.near, coding.maxval, (coding.t1, coding.t2, coding.t3), coding.reset)
