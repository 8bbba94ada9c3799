"""What our own decoder of sequential JPEG takes (ITU-T T.81 annex F), as headers tell it."""

from __future__ import annotations

from fastdcm.codestream.jpeg import JpegHeader

#: All that `refusal` may say.
REFUSALS = (
    _SEVERAL_SCANS, _SAMPLING, _NARROW, _SCAN_HEADER,
) = (
    "a scan for each component, or components in another order",
    "sampling factors other than those of 4:4:4, 4:2:2 and 4:2:0",
    "subsampled chroma of fewer than three columns",
    "scan headers of other processes",
)  # fmt: skip

_SAMPLINGS = ((1, 1), (2, 1), (2, 2))
#: libjpeg interpolates rows of three chroma samples and more.
_LEAST_COLUMNS = 5


def refusal(stream: JpegHeader) -> str:
    """What our own decoder does not take of a sequential stream of 8 bits, of `REFUSALS`; or nothing."""
    scan = stream.scans[0]
    if len(stream.scans) != 1 or scan.components != stream.components:
        return _SEVERAL_SCANS
    if len(stream.components) != 1:
        first, *others = ((each.horizontal, each.vertical) for each in stream.components)
        if others != [(1, 1), (1, 1)] or first not in _SAMPLINGS:
            return _SAMPLING
        if first != (1, 1) and stream.columns < _LEAST_COLUMNS:
            return _NARROW
    if (scan.spectral_start, scan.spectral_end, scan.high, scan.low) != (0, 63, 0, 0):
        return _SCAN_HEADER  # not legal (table B.3)
    return ""
