"""What our own decoder of lossless JPEG takes (ITU-T T.81 annex H), as headers tell it."""

from __future__ import annotations

from fastdcm.codestream.jpeg import JpegHeader

#: All that `refusal` may say.
REFUSALS = (
    _DIFFERENT_SIZES, _SOME_COMPONENTS, _PARTS_OF_LINES, _SCAN_HEADER,
) = (
    "components of different resolution",
    "scans of some components, or in another order",
    "restart intervals that are no whole lines",
    "scan headers of other processes",
)  # fmt: skip


def refusal(stream: JpegHeader) -> str:
    """What our own decoder does not take of a lossless stream, of `REFUSALS`; empty where it takes it."""
    interleaved = any(len(scan.components) > 1 for scan in stream.scans)
    first = stream.components[0]
    if stream.subsampled or (interleaved and (first.horizontal, first.vertical) != (1, 1)):
        return _DIFFERENT_SIZES
    for scan in stream.scans:
        if len(scan.components) > 1 and scan.components != stream.components:
            return _SOME_COMPONENTS
        if scan.restart_interval % stream.columns:  # not legal (H.1.1)
            return _PARTS_OF_LINES
        if scan.spectral_end or scan.high or scan.low >= stream.precision:  # not legal (table B.3)
            return _SCAN_HEADER
    return ""
