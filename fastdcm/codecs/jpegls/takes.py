"""What our own JPEG-LS decoder takes, and what CharLS does: headers alone tell."""

from __future__ import annotations

from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpegls import DEFAULT_RESET, Coding

#: All that `refusal` may say.
REFUSALS = (_TRANSFORM,) = ("a colour transform of HP's (mrfx)",)

_BY_SAMPLE = 2  # ILV


def refusal(header: JpegHeader) -> str:
    """Why our own decoder does not take a stream; empty where it does."""
    return _TRANSFORM if header.hp_transform else ""


def library_refusal(header: JpegHeader, codings: tuple[Coding, ...]) -> str:
    """Why CharLS is not given a stream; empty where it is."""
    if tuple(component for scan in header.scans for component in scan.components) != header.components:
        # It does not look at which component a scan names.
        return "JPEG-LS with scans in another order than the frame header's"
    if len({scan.spectral_end for scan in header.scans}) > 1:
        # It lays out its output by the first scan.
        return "JPEG-LS with scans of different interleave modes"
    if any(coding.maxval != (1 << header.precision) - 1 for coding in codings):
        # Of it CharLS takes the largest sample alone: not RANGE, qbpp and LIMIT, as T.87 A.2.1 has it.
        return f"JPEG-LS with a MAXVAL below that of {header.precision} bits"
    if header.scans[0].spectral_end == _BY_SAMPLE and codings[0].reset != DEFAULT_RESET:
        # It has other values then, where T.87 (A.6.1, A.7.2.3) makes no difference.
        return f"JPEG-LS interleaved by sample with a RESET other than {DEFAULT_RESET}"
    return ""
