"""What our own decoder of sequential JPEG takes (ITU-T T.81 annex F), as headers tell it."""

from __future__ import annotations

from fastdcm.codestream.jpeg import JpegHeader

#: What `components_refusal` may say.
SAMPLING = "sampling factors other than those of 4:4:4, 4:2:2 and 4:2:0"
NARROW = "subsampled chroma of fewer than three columns"
#: What `fastdcm.codecs.jpeg_scans` takes instead.
SEVERAL_SCANS = "a scan for each component, or components in another order"
SCAN_HEADER = "scan headers of other processes"
#: All that `refusal` may say of what libjpeg-turbo gets.
REFUSALS = (SAMPLING, NARROW, SCAN_HEADER)

_SAMPLINGS = ((1, 1), (2, 1), (2, 2))
#: libjpeg interpolates rows of three chroma samples and more.
_LEAST_COLUMNS = 5


def refusal(stream: JpegHeader) -> str:
    """What our own decoder does not take of a sequential stream of 8 bits, of `REFUSALS`; or nothing.

    Or `SEVERAL_SCANS`.
    """
    if len(stream.scans) != 1 or stream.scans[0].components != stream.components:
        return SEVERAL_SCANS
    return components_refusal(stream) or scans_refusal(stream)


def components_refusal(stream: JpegHeader) -> str:
    """What our own decoders do not take of the components of a stream: `SAMPLING`, `NARROW`, or nothing."""
    if len(stream.components) != 1:
        first, *others = ((each.horizontal, each.vertical) for each in stream.components)
        if others != [(1, 1), (1, 1)] or first not in _SAMPLINGS:
            return SAMPLING
        if first != (1, 1) and stream.columns < _LEAST_COLUMNS:
            return NARROW
    return ""


def scans_refusal(stream: JpegHeader) -> str:
    """`SCAN_HEADER` where a scan is none of a sequential stream (table B.3)."""
    for scan in stream.scans:
        if (scan.spectral_start, scan.spectral_end, scan.high, scan.low) != (0, 63, 0, 0):
            return SCAN_HEADER
    return ""
