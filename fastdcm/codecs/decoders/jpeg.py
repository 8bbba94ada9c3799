"""JPEG (ITU-T T.81): by our own decoders, else by libjpeg-turbo."""

from __future__ import annotations

import imagecodecs

from fastdcm.codecs.decoders.common import (
    Array,
    Darkest,
    Note,
    call,
    check_geometry,
    filled_below,
    samples_of,
    shaped,
)
from fastdcm.codecs.jpeg_lossless.headers import refusal
from fastdcm.codecs.jpeg_scans import headers as of_dct
from fastdcm.codestream import jpeg, jpeg_entropy, markers
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import Payoff
from fastdcm.model import Halved, Header, Less, Notice, Samples

#: Samples by which our own decoder is ahead of libjpeg-turbo, and of the walk before it, as long as its
#: kernels take to compile, and to load (benches/bench_jpeg_lossless.py, bench_loading.py).
_SAMPLES_BEFORE_NUMBA, _SAMPLES_BEFORE_KERNELS = 1_000_000_000, 4_000_000
_PAYOFF = Payoff(
    _SAMPLES_BEFORE_NUMBA,
    ("differences", "lossless_scans"),
    loading=_SAMPLES_BEFORE_KERNELS / _SAMPLES_BEFORE_NUMBA,
)

#: The same of sequential JPEG of 8 bits (benches/bench_jpeg_baseline.py).
_PIXELS_BEFORE_NUMBA, _PIXELS_BEFORE_KERNELS = 10_000_000_000, 60_000_000
_SEQUENTIAL = Payoff(
    _PIXELS_BEFORE_NUMBA,
    ("sequential_scans", "sequential_tables"),
    loading=_PIXELS_BEFORE_KERNELS / _PIXELS_BEFORE_NUMBA,
)

#: The same of JPEG of 8 bits in several scans: a pixel is 3 to 6 ns ahead, compiling takes 14 s, loading and
#: the first call 12 to 25 ms.
_SCANNED_BEFORE_NUMBA, _SCANNED_BEFORE_KERNELS = 4_000_000_000, 8_000_000
_SEVERAL = Payoff(
    _SCANNED_BEFORE_NUMBA,
    ("several_scans", "kept_pixels", "sequential_tables"),
    loading=_SCANNED_BEFORE_KERNELS / _SCANNED_BEFORE_NUMBA,
)

#: The same of gray JPEG of 12 bits; and the pixels from which sequential scans of these, whose tables are
#: made for each image, are ahead at all.
_DEEP_BEFORE_NUMBA, _DEEP_BEFORE_KERNELS, _LEAST_DEEP = 10_000_000_000, 15_000_000, 1 << 15
_DEEP = Payoff(
    _DEEP_BEFORE_NUMBA,
    ("several_scans", "deep_pixels", "sequential_tables"),
    loading=_DEEP_BEFORE_KERNELS / _DEEP_BEFORE_NUMBA,
)

_EOI = b"\xff\xd9"
#: Transfer syntax -> the processes of its streams (PS3.5 A.4.1); baseline is a part of extended.
_PROCESSES = {
    "1.2.840.10008.1.2.4.50": ("baseline",),
    "1.2.840.10008.1.2.4.51": ("baseline", "extended"),
    "1.2.840.10008.1.2.4.53": ("progressive",),
    "1.2.840.10008.1.2.4.55": ("progressive",),
    "1.2.840.10008.1.2.4.57": ("lossless",),
    "1.2.840.10008.1.2.4.70": ("lossless",),
}
_CODED = {"RGB": "RGB", "YBR_FULL": "YCBCR"}


def decode(
    data: bytes,
    header: Header,
    *,
    rgb: bool,
    decoder: str = "auto",
    threads: int = 1,
    darkest: Darkest | None = None,
    less: Less | None = None,
    note: Note,
) -> Samples:
    """A JPEG frame to samples, colour as RGB where ``rgb``.

    ``decoder`` is "own", "library", or "auto": our own where it takes the stream and pays. That of lossless
    JPEG has ``threads`` share the restart intervals of large frames. Baseline JPEG may come ``less`` halvings
    smaller, gray by our own kernel unless ``decoder`` is "library".

    Raises `CodestreamError` where the stream contradicts the header or is cut; with ``darkest``
    rows that a cut stream lacks are filled with that value. Raises `UnsupportedError` for what our own
    decoder does not take where that is asked for.
    """
    partial = darkest is not None
    found = None
    if decoder != "library":
        found = _by_us(data, header, threads, required=decoder == "own", partial=partial)
    photometric = header.photometric_interpretation
    halved = None
    if found is not None:
        stream, array, rows = found
        _check_process(stream, header, note)
        if len(stream.components) == 3:
            photometric = jpeg.colour(stream, photometric)
    else:
        stream = jpeg.parse(data, partial=partial)
        check_geometry(header, "JPEG", stream.rows, stream.columns, len(stream.components))
        _check_process(stream, header, note)
        may_halve = less is not None and rgb and not partial and _is_plain(stream, header)
        halvings = less.squares if less is not None and may_halve else 0
        means = pixels = None
        if halvings and decoder != "library":
            from fastdcm.codecs.decoders import jpeg_means

            means = jpeg_means.decode(data, stream, halvings)
        elif decoder != "library":
            # Of one that is cut they cannot tell what is there.
            required = decoder == "own" and not partial
            pixels = _pixels_by_us(data, stream, photometric, rgb=rgb, required=required)
        if pixels is not None:
            (array, photometric), rows = pixels, stream.rows
        elif means is not None:
            array, halved = means
            rows, photometric = stream.rows, jpeg.colour(stream, photometric)
        else:
            array, photometric, rows, halved = _by_library(
                data, stream, photometric, rgb=rgb, partial=partial, halvings=halvings, note=note
            )
    if halved is not None:
        samples = samples_of(array, header, precision=8, signed=None, photometric=photometric, note=note)
        return samples._replace(halved=halved)
    array = shaped(array, header, "the JPEG decoder")
    samples = samples_of(
        array, header, precision=stream.precision, signed=None, photometric=photometric, note=note
    )
    return filled_below(samples, rows, darkest, note)


def _by_us(
    data: bytes, header: Header, threads: int, *, required: bool, partial: bool
) -> tuple[jpeg.JpegHeader, Array, int] | None:
    """A lossless stream, its samples, and how many rows it codes; by our own kernels.

    None where they do not take it or do not pay, an error if they are ``required``.
    """
    if markers.frame_marker(data) != markers.LOSSLESS:
        return None
    pays = _PAYOFF.reached(header.rows * header.columns * header.samples_per_pixel)
    if not (required or pays):
        return None
    from fastdcm.codecs.jpeg_lossless.decode import decode, scan_end

    stream = jpeg.parse(data, partial=partial, scan_end=scan_end)
    check_geometry(header, "JPEG", stream.rows, stream.columns, len(stream.components))
    reason = refusal(stream)
    if not reason:
        return stream, *decode(data, stream, partial=partial, threads=threads)
    if required:
        raise UnsupportedError(f"the own lossless JPEG decoder does not take {reason}")
    return None


def _pixels_by_us(
    data: bytes, stream: jpeg.JpegHeader, photometric: str, *, rgb: bool, required: bool
) -> tuple[Array, str] | None:
    """The samples of a stream that is not lossless, and of what they are; by our own kernels.

    None where they do not take it, which is an error if they are ``required``; where they do not pay; and
    where they cannot tell that all is whole, which the walk then does, or says what is wrong.
    """
    judged = of_dct.judged(stream)
    if judged is None or not stream.complete:  # which is no question of who decodes
        return None
    name, several, reason = judged
    if reason:
        if required:
            raise UnsupportedError(f"the own {name} decoder does not take {reason}")
        return None
    if not (required or _pays(stream, several=several)):
        return None
    from fastdcm.codecs.jpeg_baseline import room

    if not (required or room.is_faster()):
        return None
    if several:
        from fastdcm.codecs.jpeg_scans.decode import decode
    else:
        from fastdcm.codecs.jpeg_baseline.decode import decode
    if len(stream.components) == 1:
        photometric = jpeg.colour(stream, photometric)
        is_converted = False
    else:
        coded = jpeg.colour(stream, photometric)
        is_converted = rgb and coded != "RGB"
        photometric = "RGB" if is_converted else coded
    array = decode(data, stream, converted=is_converted)
    return None if array is None else (array, photometric)


def _pays(stream: jpeg.JpegHeader, *, several: bool) -> bool:
    """Whether our own decoder, of one scan or of several, pays."""
    work = stream.rows * stream.columns
    if stream.precision == 8:
        return (_SEVERAL if several else _SEQUENTIAL).reached(work)
    return (stream.process == "progressive" or work >= _LEAST_DEEP) and _DEEP.reached(work)


def _is_plain(stream: jpeg.JpegHeader, header: Header) -> bool:
    """Whether a stream is baseline, and samples are stored values of 8 bits, with nothing else in them."""
    if stream.process != "baseline":
        return False
    return stream.precision == header.bits_stored == 8 and header.high_bit == 7 and not header.signed


def _by_library(
    data: bytes,
    stream: jpeg.JpegHeader,
    photometric: str,
    *,
    rgb: bool,
    partial: bool,
    halvings: int,
    note: Note,
) -> tuple[Array, str, int, Halved | None]:
    """Samples, of what they are, how many rows the stream codes, and what of ``halvings`` was done."""
    # libjpeg fills what is missing with grey or with the row above, and says nothing.
    rows, detailed, exactly = jpeg_entropy.coverage(data, stream, partial=partial)
    if not (stream.complete and detailed):
        message = "scans of a progressive stream are missing, or cut"
        if not partial:
            raise CodestreamError(f"cut: {message}")
        note(Notice("partial", f"{message}: the image has less detail"))
    if halvings and exactly:  # libjpeg warns of spare bytes, and PyTurboJPEG by Python's warnings
        from fastdcm.codecs.decoders import scaled_jpeg

        coded = jpeg.colour(stream, photometric)
        if (smaller := scaled_jpeg.decode(data, stream, coded, halvings)) is not None:
            array, halved = smaller
            return array, coded if array.ndim == 2 else "RGB", rows, halved
    options: dict[str, str] = {}
    if len(stream.components) == 3:
        photometric = jpeg.colour(stream, photometric)
        # libjpeg-turbo cannot convert colours of lossless streams; rendering does.
        out = "RGB" if rgb and stream.process != "lossless" else photometric
        options = {"colorspace": _CODED[photometric], "outcolorspace": _CODED[out]}
        photometric = out
    whole = data[: stream.end] + (_EOI if partial else b"")
    return call("libjpeg-turbo", imagecodecs.jpeg8_decode, whole, **options), photometric, rows, None


def _check_process(stream: jpeg.JpegHeader, header: Header, note: Note) -> None:
    uid = header.transfer_syntax_uid
    expected = _PROCESSES.get(uid, (stream.process,))
    if stream.process not in expected:
        found = f"the JPEG stream is {stream.process}"
        message = f"{found}, unlike transfer syntax {uid}; it was decoded as found"
        note(Notice("other-syntax", message))
