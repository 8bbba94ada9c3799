"""What our own JPEG-LS decoder takes, and what CharLS does: headers alone tell."""

from __future__ import annotations

from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpegls import Coding

#: All that `refusal` may say.
REFUSALS = (_TRANSFORM,) = ("a colour transform of HP's (mrfx)",)
#: CharLS keeps RESET in a byte.
_MOST_RESET = 255


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
    if max(coding.reset for coding in codings) > _MOST_RESET:
        return f"JPEG-LS with a RESET above {_MOST_RESET}"
    return ""
