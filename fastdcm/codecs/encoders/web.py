"""What browsers show besides JPEG and PNG: WebP and AVIF by Pillow, JPEG XL by libjxl."""

from __future__ import annotations

from typing import Any

from fastdcm.codecs.encoders.library import as_rgb, by_pillow, call, check_side, contiguous
from fastdcm.options import EncodeOptions

#: RFC 9649 2.4, 2.7: 14 bits for a side.
_WEBP_SIDE = 16383
#: Of 0 (smallest, slowest) to 10: a tenth of the time of the usual 6, and 5 % larger.
_AVIF_SPEED = 8
#: Butteraugli distance of libjxl's quality (JxlEncoderDistanceFromQuality): linear from 30 on.
_LINEAR_FROM, _DISTANCE_AT_100, _DISTANCE_A_STEP = 30, 0.1, 0.09


def webp(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """WebP: lossy as VP8 in 4:2:0, or lossless; gray is coded as colour, there is no other kind."""
    check_side(pixels, _WEBP_SIDE, "WebP")
    lossless = options.is_lossless
    # For lossless ones quality is effort: 75 is libwebp's own.
    quality = 75 if lossless else options.quality
    return by_pillow(
        as_rgb(pixels), "WEBP", lossless=lossless, exact=True, quality=quality, icc_profile=profile or b""
    )


def avif(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """AVIF of 8 bits, lossy, as AV1 in 4:2:0; gray is coded as colour, which costs next to nothing."""
    how: dict[str, Any] = {"quality": options.quality, "speed": _AVIF_SPEED, "max_threads": 1}
    if profile:
        how["icc_profile"] = profile
    return by_pillow(as_rgb(pixels), "AVIF", **how)


def jpegxl(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """JPEG XL of 8 or 16 bits, sRGB; a bare codestream without boxes, and so without anything else in it."""
    import imagecodecs

    how: dict[str, Any] = {"lossless": True}
    if not options.is_lossless and options.quality < 100:
        how = {"lossless": False, "distance": _distance(options.quality)}
    return bytes(call("libjxl", imagecodecs.jpegxl_encode, contiguous(pixels), numthreads=1, **how))


def _distance(quality: int) -> float:
    if quality >= _LINEAR_FROM:
        return _DISTANCE_AT_100 + (100 - quality) * _DISTANCE_A_STEP
    return 53 / 3000 * quality * quality - 23 / 20 * quality + 25
