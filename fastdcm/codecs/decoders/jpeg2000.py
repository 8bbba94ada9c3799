"""JPEG 2000 (ITU-T T.800) by our own decoder or OpenJPEG, High-Throughput JPEG 2000 (T.814) by OpenJPH."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagecodecs

from fastdcm.codecs.decoders.common import (
    Array,
    Darkest,
    Note,
    call,
    check_geometry,
    filled,
    samples_of,
    shaped,
)
from fastdcm.codecs.decoders.fewer_resolutions import halved, htj2k, possible
from fastdcm.codecs.decoders.reported import raising
from fastdcm.codestream import jpeg2000
from fastdcm.codestream.jpeg2000.coding import Bytes
from fastdcm.codestream.jpeg2000.packets import BYTES_BEFORE_NUMBA
from fastdcm.codestream.jpeg2000.precincts import TooMuchWorkError
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import Payoff
from fastdcm.model import Header, Less, Notice, Samples

if TYPE_CHECKING:
    from fastdcm.codecs.jpeg2000.partial import Extent

#: Samples by which our own decoder is ahead of OpenJPEG as long as its kernels take to compile, and to load
#: (benches/bench_jpeg2000.py, bench_loading.py).
_SAMPLES_BEFORE_NUMBA, _SAMPLES_BEFORE_KERNELS = 750_000_000, 3_000_000
_PAYOFF = Payoff(
    _SAMPLES_BEFORE_NUMBA,
    ("block_tables", "code_blocks", "packet_headers", "packets", "reconstruction"),
    loading=_SAMPLES_BEFORE_KERNELS / _SAMPLES_BEFORE_NUMBA,
)

#: Of fewer samples, a byte of the codestream counting as so many, OpenJPEG and the proof that the stream is
#: whole take less than the calls of our own kernels (benches/bench_jpeg2000.py).
_FEW_SAMPLES, _SAMPLES_A_BYTE = 26_000, 24

#: By bytes of codestreams, as `jpeg2000.check` goes over to kernels.
_CHECKS = Payoff(BYTES_BEFORE_NUMBA, ("packet_headers", "packets"))

#: Those of 16-bit samples are about 20. OpenJPH's 32-bit coefficients have room for so many; with more it
#: writes where it must not.
_MOST_BIT_PLANES = 30
_HTJ2K_DECODE = raising(imagecodecs.htj2k_decode)


def decode(
    data: Bytes,
    header: Header,
    *,
    high_throughput: bool,
    decoder: str = "auto",
    threads: int = 1,
    darkest: Darkest | None = None,
    less: Less | None = None,
    note: Note,
) -> Samples:
    """A JPEG 2000 frame to samples; ``threads`` share the code-blocks of one that is not high-throughput.

    ``decoder`` is "own", "library", or "auto": our own where it takes the codestream and pays. With
    ``darkest`` our own decodes what is there of a codestream that is cut, and what is not is filled with that
    value; the library does not, because it tells nothing of what it lacks. Of ``less``, our own leaves out
    resolutions and bit-planes, OpenJPH resolutions of reversible streams; that all is there is proven, too.

    Raises `CodestreamError` where tile-parts and packets do not add up to the stream or its header
    contradicts the data set's, `UnsupportedError` for subsampled or unequal components, and for what our own
    decoder does not take where that is asked for.
    """
    if darkest is not None:
        data = bytes(data)
    stream = jpeg2000.parse(data, partial=darkest is not None)
    check_geometry(header, "JPEG 2000", stream.rows, stream.columns, len(stream.components))
    precision, signed, *_ = stream.components[0]
    if any(component != (precision, signed, 1, 1) for component in stream.components):
        raise UnsupportedError("JPEG 2000 with components of different size or depth is not supported")
    high_throughput = high_throughput or stream.high_throughput
    less = None if darkest is not None else possible(less, data, stream, header)
    work = stream.rows * stream.columns * len(stream.components)
    whole, reversible = less is None or not less.halvings, stream.cod.blocks.reversible
    # Without its highest resolutions next to nothing is left of an image, and our own saves all of its time.
    # Of irreversible transforms decoders may be a grey apart: images are not to depend on how many there are.
    pays = not high_throughput and _PAYOFF.reached(work if whole else 2 * work, at_once=not reversible)
    if reversible and whole:
        pays &= work + _SAMPLES_A_BYTE * (stream.end - stream.offset) >= _FEW_SAMPLES
    array, times = None, 0
    extent = None
    if darkest is not None and decoder != "library" and not high_throughput:
        extent = _extent(data, stream)
    if extent is not None:
        array = _by_us(data, stream, threads, Less(), required=True, partial=True)
    elif not stream.complete:
        jpeg2000.parse(data)  # says what is missing
    elif decoder == "own" or (decoder == "auto" and pays):
        array = _by_us(data, stream, threads, less or Less(), required=decoder == "own")
        times = 0 if array is None or less is None else less.halvings
    if array is None:
        halvings = 0 if less is None else less.halvings
        array, times = _by_library(data, stream, threads, halvings, high_throughput=high_throughput)
    smaller, expected = None, header
    if times:
        smaller, (rows, columns) = halved(data, stream, times)
        expected = header.changed(rows=rows, columns=columns)
    array = shaped(array, expected, "the JPEG 2000 decoder")
    photometric = header.photometric_interpretation
    if photometric in ("YBR_ICT", "YBR_RCT"):
        # The codestream's own component transform, which the decoder has undone (T.800 annex G).
        photometric = "RGB"
    elif photometric in ("YBR_FULL", "YBR_FULL_422"):
        if stream.cod.mct:
            message = (
                f"the codestream has a component transform, which {photometric} excludes; it was read as RGB"
            )
            note(Notice("component-transform", message))
        photometric = "RGB" if stream.cod.mct else "YBR_FULL"
    samples = samples_of(
        array, header, precision=precision, signed=signed, photometric=photometric, note=note
    )
    if smaller is not None:
        return samples._replace(halved=smaller)
    if extent is None or darkest is None:
        return samples
    there = f"{extent.packets} of {extent.total} packets are there"
    note(Notice("partial", f"the frame is cut: {there}; the image has less detail"))
    return filled(samples, extent.missing, darkest, note) if extent.missing.any() else samples


def _extent(data: Bytes, stream: jpeg2000.Jpeg2000Header) -> Extent | None:
    """What is there of a codestream that is cut; None of others, and of what our own does not take."""
    from fastdcm.codecs.jpeg2000.blocks import refusal
    from fastdcm.codecs.jpeg2000.partial import extent

    if refusal(data, stream):
        return None
    try:
        found = extent(bytes(data), stream)
    except TooMuchWorkError:
        return None
    return None if stream.complete and found.packets == found.total else found


def _by_us(
    data: Bytes,
    stream: jpeg2000.Jpeg2000Header,
    threads: int,
    less: Less,
    *,
    required: bool,
    partial: bool = False,
) -> Array | None:
    """Decoded by our own kernels; None where they do not take it, an error if they are ``required``."""
    from fastdcm.codecs.jpeg2000.blocks import MorePassesError, refusal

    reason = refusal(data, stream)
    if not reason:
        from fastdcm.codecs.jpeg2000.decode import decode

        try:
            return decode(
                data, stream, reduce=less.halvings, grey=less.grey, partial_data=partial, threads=threads
            )
        except TooMuchWorkError:
            reason = "so many packets or code-blocks"
        except MorePassesError as error:
            if required:
                raise CodestreamError(error.message) from error
            return None
    if required:
        raise UnsupportedError(f"the own JPEG 2000 decoder does not take {reason}")
    return None


def _by_library(
    data: Bytes, stream: jpeg2000.Jpeg2000Header, threads: int, halvings: int, *, high_throughput: bool
) -> tuple[Array, int]:
    """Decoded by OpenJPH or OpenJPEG; and how many of ``halvings`` were done."""
    # OpenJPH fills what is missing without a word, OpenJPEG sometimes does.
    ends = _proven(data, stream, halvings)
    if high_throughput:
        from fastdcm.codecs.jpeg2000.blocks import is_reversible, most_bit_planes

        if most_bit_planes(data, stream) > _MOST_BIT_PLANES:
            raise UnsupportedError(f"HTJ2K of more than {_MOST_BIT_PLANES} bit-planes is not supported")
        # imagecodecs does not clip what OpenJPH gives: samples beyond their range, as the irreversible
        # transform makes them at edges, come out at the other end of it.
        if is_reversible(data, stream):
            if halvings:
                return htj2k(data, stream, halvings, ends), halvings
            return call("OpenJPH", _HTJ2K_DECODE, data[stream.offset : stream.end]), 0
    # Without the boxes of JP2, by which OpenJPEG would convert colours: the data set says what they are.
    codestream = data[stream.offset : stream.end]
    return call("OpenJPEG", imagecodecs.jpeg2k_decode, codestream, numthreads=threads), 0


def _proven(data: Bytes, stream: jpeg2000.Jpeg2000Header, halvings: int) -> Array | None:
    """Prove that all packets are there; the ends of those that are left after ``halvings``, if known."""
    ends = None
    if _CHECKS.reached(stream.end - stream.offset):
        from fastdcm.codecs.jpeg2000.walk import ends_of_packets

        ends = ends_of_packets(data, stream, halvings)
    if ends is None:
        jpeg2000.check(bytes(data), stream)
    return ends
