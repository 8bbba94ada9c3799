"""JPEG 2000 by OpenJPEG and High-Throughput JPEG 2000 by OpenJPH: codestreams, and files around them."""

from __future__ import annotations

from typing import Any

from fastdcm.codecs.encoders.jp2_boxes import with_boxes
from fastdcm.codecs.encoders.library import call, contiguous
from fastdcm.options import EncodeOptions

#: What a quality of 0 and of 100 means: the distance of noise from the largest value, in dB (PSNR).
_NOISE_AT_0, _NOISE_AT_100 = 30.0, 50.0
#: OpenJPH is told a quantization step, as a share of the largest value: noise is so much further from it, in
#: dB, than a step is (measured: 7.6 to 10.7; of values that differ by a step at random it would be 10.8).
_NOISE_BELOW_STEP = 7.5
#: A comment, in which libraries name themselves (T.800 A.9.2).
_COM = 0xFF64


def encode(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """A codestream (format j2k, jhc), or a file of one (jp2, jph) with the profile, if there is one."""
    pixels = contiguous(pixels)
    high_throughput = options.format in ("jph", "jhc")
    noise = None
    if not options.is_lossless:
        noise = _NOISE_AT_0 + (_NOISE_AT_100 - _NOISE_AT_0) * options.quality / 100
    codestream = _without_comments(
        _by_openjph(pixels, noise) if high_throughput else _by_openjpeg(pixels, noise)
    )
    if options.format in ("j2k", "jhc"):
        return codestream
    return with_boxes(codestream, pixels, "jph " if high_throughput else "jp2 ", profile)


def _by_openjpeg(pixels: Any, noise: float | None) -> bytes:
    import imagecodecs

    # A level of 0 is the reversible path without any loss.
    level = 0 if noise is None else noise
    encode = imagecodecs.jpeg2k_encode
    return bytes(call("OpenJPEG", encode, pixels, level=level, codecformat="j2k", numthreads=1))


def _by_openjph(pixels: Any, noise: float | None) -> bytes:
    import imagecodecs

    how: dict[str, Any] = {"reversible": True}
    if noise is not None:
        how = {"reversible": False, "level": 10 ** ((_NOISE_BELOW_STEP - noise) / 20)}
    return bytes(call("OpenJPH", imagecodecs.htj2k_encode, pixels, rgb=pixels.ndim == 3, **how))


def _without_comments(codestream: bytes) -> bytes:
    """The same without the comments of its main header; nothing in it counts from its start."""
    from fastdcm.codestream import jpeg2000

    kept, start = [], 0
    for segment in jpeg2000.parse(codestream).segments:
        if segment.marker == _COM:
            kept.append(codestream[start : segment.start - 4])
            start = segment.end
    return b"".join([*kept, codestream[start:]])
