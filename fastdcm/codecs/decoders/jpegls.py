"""JPEG-LS lossless and near-lossless (ITU-T T.87), by our own decoder or CharLS."""

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
from fastdcm.codecs.jpegls.takes import library_refusal, refusal
from fastdcm.codestream import jpeg, jpegls
from fastdcm.errors import CodestreamError, DecodeError, UnsupportedError
from fastdcm.kernels import Payoff
from fastdcm.model import Header, Notice, Samples

#: Samples by which our own decoder is ahead of CharLS, called twice, as long as its kernels take to compile,
#: and to load (benches/bench_jpegls.py, bench_loading.py).
_SAMPLES_BEFORE_NUMBA, _SAMPLES_BEFORE_KERNELS = 400_000_000, 3_000_000
_PAYOFF = Payoff(_SAMPLES_BEFORE_NUMBA, ("jpegls",), loading=_SAMPLES_BEFORE_KERNELS / _SAMPLES_BEFORE_NUMBA)
_ONE = b"\x80"
#: Ends of scans for which CharLS is called once more each.
_MOST_ENDS = 3


def decode(
    data: bytes, header: Header, *, decoder: str = "auto", darkest: Darkest | None = None, note: Note
) -> Samples:
    """A JPEG-LS frame to samples.

    ``decoder`` is "own", "library", or "auto": our own where it takes the stream and pays, or is the only one
    that takes it.

    Raises `CodestreamError` where the stream is cut, damaged or contradicts the header, `UnsupportedError`
    for what is not decoded. With ``darkest`` rows that a cut stream lacks are filled with that value,
    unless the library was asked for.
    """
    partial = darkest is not None and decoder != "library"
    stream = jpeg.parse(data, partial=partial)
    check_geometry(header, "JPEG-LS", stream.rows, stream.columns, len(stream.components))
    _check_scans(stream)
    codings = jpegls.codings(data, stream)
    pays = _PAYOFF.reached(stream.rows * stream.columns * len(stream.components))
    refused, only_ours = refusal(stream), library_refusal(stream, codings)
    rows = stream.rows
    if decoder == "own" or (decoder == "auto" and not refused and (pays or partial or only_ours)):
        if refused:
            raise UnsupportedError(f"the own JPEG-LS decoder does not take {refused}")
        array, rows = _by_us(data, stream, codings, partial=partial, note=note)
    else:
        if only_ours:
            raise UnsupportedError(f"{only_ours} is not supported")
        _prove(data, stream, codings, compiled=pays, note=note)
        array = _by_library(data[: stream.end])
    array = shaped(array, header, "the JPEG-LS decoder")
    # Chroma is never shared in JPEG-LS: three components of full size are coded.
    photometric = header.photometric_interpretation.replace("YBR_FULL_422", "YBR_FULL")
    samples = samples_of(
        array, header, precision=stream.precision, signed=None, photometric=photometric, note=note
    )
    return filled_below(samples, rows, darkest, note)


def _by_us(
    data: bytes, stream: jpeg.JpegHeader, codings: tuple[jpegls.Coding, ...], *, partial: bool, note: Note
) -> tuple[Array, int]:
    """The samples, and how many rows of them are whole."""
    from fastdcm.codecs.jpegls.decode import decode

    array, rows, spare = decode(data, stream, codings, partial=partial)
    if spare:
        note(Notice("trailing-data", f"{spare} byte of a JPEG-LS scan is left over behind its last sample"))
    array[rows:] = 0
    return array, rows


def _by_library(data: bytes) -> Array:
    """The samples of a stream with nothing behind its EOI."""
    # CharLS must not see the end of the data without a marker before it. At a marker, it refuses to go on
    # when its bits are used up; at the end of the data it does so only where the last code ended with them,
    # and else counts zeros that are not there (decoder_strategy.h, fill_read_cache): for seconds, or behind
    # the data, or for ever. `jpeg.parse` has found EOI, and nothing of the scans can lie behind it: with EOI
    # the last of the data, every code takes bits that are there, and so the decoder ends.
    return call("CharLS", imagecodecs.jpegls_decode, data)


def _prove(
    data: bytes,
    stream: jpeg.JpegHeader,
    codings: tuple[jpegls.Coding, ...],
    *,
    compiled: bool,
    note: Note,
) -> None:
    """That every sample is coded, before CharLS decodes them. Raises `CodestreamError`.

    At a marker CharLS takes up to seven zeros for bits of the last code: of a scan that was cut, the last
    sample may be another, and nothing else can be. What it takes as zeros it takes as well where a one stands
    before them; behind a scan that is whole, that one is left over, and CharLS refuses it. So without our
    kernels it is asked for that first: twice the time, where loading kernels would take more. Scans that it
    still accepts are walked by us: nearly all are cut, and some end with a byte.
    """
    ends = [scan.end for scan in stream.scans]
    few = len(ends) <= _MOST_ENDS and not any(scan.restart_interval for scan in stream.scans)
    if few and not compiled and not any(_goes_on(data, stream, end) for end in ends):
        return
    _by_us(data, stream, codings, partial=False, note=note)


def _goes_on(data: bytes, stream: jpeg.JpegHeader, end: int) -> bool:
    """Whether CharLS finds room for another bit of one at the end of a scan."""
    while data[end - 1] == 0xFF:  # fill
        end -= 1
    try:
        _by_library(data[:end] + _ONE + data[end : stream.end])
    except DecodeError:
        return False
    return True


def _check_scans(stream: jpeg.JpegHeader) -> None:
    """Interleave modes (ILV, where T.81 has Se) as T.87 has them (C.2.3).

    CharLS takes them for granted, and writes past its output where one component is interleaved.
    """
    for scan in stream.scans:
        if (scan.spectral_end == 0) != (len(scan.components) == 1):
            raise CodestreamError(
                f"a JPEG-LS scan of {len(scan.components)} components has interleave mode {scan.spectral_end}"
            )
    if any((component.horizontal, component.vertical) != (1, 1) for component in stream.components):
        raise UnsupportedError("JPEG-LS with subsampled components is not supported")
