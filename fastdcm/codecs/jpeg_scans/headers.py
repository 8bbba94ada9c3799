"""Which of our own decoders is for a JPEG stream with DCT, and what that of several scans takes.

As headers tell it (ITU-T T.81 annexes F and G).
"""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.codecs.jpeg_baseline import headers as one_scan
from fastdcm.codecs.jpeg_baseline.headers import NARROW, SAMPLING, SCAN_HEADER
from fastdcm.codestream.jpeg import JpegHeader

#: libjpeg goes on with such streams, with a warning, or makes of what is missing what it sees fit.
_ORDER = "progressive scans in another order than coefficients need"
_INCOMPLETE = "progressive scans that leave coefficients out, or bits of them"
_DEEP_COLOUR = "colour of 12 bits"
#: Against B.2.3; libjpeg-turbo takes few of these.
_COMPONENTS = "scans of components in another order than the frame's"
#: All that `refusal` may say.
REFUSALS = (_DEEP_COLOUR, SAMPLING, NARROW, SCAN_HEADER, _COMPONENTS, _ORDER, _INCOMPLETE)

_BLOCK, _UNKNOWN = 64, 0xFF
#: libjpeg's, by which coefficients are shifted (G.1.1.1.2).
_MOST_LOW = 13


class Judged(NamedTuple):
    """Which decoder of ours is for a stream: its name; whether that of several scans; what is refused."""

    name: str
    several: bool
    refusal: str


def judged(stream: JpegHeader) -> Judged | None:
    """Which of our own decoders is for a stream; None where it is lossless.

    What has 12 bits is for that of several scans, however many it has.
    """
    if stream.process == "progressive":
        return Judged("progressive JPEG", True, refusal(stream))
    if stream.process not in ("baseline", "extended"):
        return None
    reason = one_scan.refusal(stream)
    if reason == one_scan.SEVERAL_SCANS or stream.precision != 8:
        return Judged("sequential JPEG", True, refusal(stream))
    return Judged("sequential JPEG", False, reason)


def refusal(stream: JpegHeader) -> str:
    """What our own decoder does not take of a stream of 8 or 12 bits, of `REFUSALS`; or nothing."""
    if stream.precision != 8 and len(stream.components) != 1:
        return _DEEP_COLOUR
    if reason := one_scan.components_refusal(stream):
        return reason
    places = {each: place for place, each in enumerate(stream.components)}
    for scan in stream.scans:
        order = [places[each] for each in scan.components]
        if order != sorted(order):
            return _COMPONENTS
    if stream.process == "progressive":
        return _progression_refusal(stream)
    return one_scan.scans_refusal(stream)


def _progression_refusal(stream: JpegHeader) -> str:
    """Whether each coefficient comes once, then bit by bit (G.1.1.1), DC before AC, and to its last bit."""
    missing = {each.identifier: bytearray([_UNKNOWN]) * _BLOCK for each in stream.components}
    for scan in stream.scans:
        first, behind, high, low = scan.spectral_start, scan.spectral_end + 1, scan.high, scan.low
        if (first == 0 and behind != 1) or (first > 0 and len(scan.components) != 1):
            return _ORDER
        if low > _MOST_LOW or (high > 0 and low != high - 1):
            return _ORDER
        expected = bytes([high or _UNKNOWN]) * (behind - first)
        for component in scan.components:
            bits = missing[component.identifier]
            if (first > 0 and bits[0] == _UNKNOWN) or bits[first:behind] != expected:
                return _ORDER
            bits[first:behind] = bytes([low]) * (behind - first)
    return _INCOMPLETE if any(any(bits) for bits in missing.values()) else ""
