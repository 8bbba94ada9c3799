"""What all decoders of codestreams do around their library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import CodestreamError, DecodeError, TruncatedError, UnsupportedError
from fastdcm.kernels.words import sign_extend
from fastdcm.model import Header, Notice, Samples

Array = NDArray[Any]
Note = Callable[[Notice], None]
#: From the depth of a frame's samples to the stored value that is shown darkest.
Darkest = Callable[[int], float]


def check_geometry(header: Header, codec: str, rows: int, columns: int, components: int) -> None:
    """Refuse a codestream whose size is not the data set's, before it costs memory."""
    if (rows, columns) != (header.rows, header.columns):
        raise CodestreamError(
            f"the {codec} stream is {rows} x {columns}, Rows x Columns say {header.rows} x {header.columns}"
        )
    if components != header.samples_per_pixel:
        raise CodestreamError(
            f"the {codec} stream has {components} components, Samples per Pixel is {header.samples_per_pixel}"
        )


def call(codec: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Array:
    """Call a library's decoder; whatever it complains of is a `DecodeError`."""
    try:
        result: Array = function(*arguments, **options)
    except (RuntimeError, ValueError, MemoryError, NotImplementedError) as error:
        raise DecodeError(f"{codec} cannot decode it: {error}") from error
    return result


def shaped(array: Array, header: Header, codec: str) -> Array:
    """The array in the header's shape; a `DecodeError` where it has another."""
    expected: tuple[int, ...] = (header.rows, header.columns)
    if header.samples_per_pixel > 1:
        expected += (header.samples_per_pixel,)
    if array.shape != expected:
        if array.shape == (header.samples_per_pixel, header.rows, header.columns):
            return np.ascontiguousarray(array.transpose(1, 2, 0)).reshape(expected)
        if array.shape == (*expected, 1):
            return array.reshape(expected)
        raise DecodeError(f"{codec} decoded {array.shape} where {expected} was expected")
    return array


def samples_of(
    array: Array, header: Header, *, precision: int, signed: bool | None, photometric: str, note: Note
) -> Samples:
    """Give a codestream's samples the data set's meaning.

    The codestream says which values there are (``precision`` bits, ``signed``, None where the
    format knows no sign), the data set how they are meant: under Pixel Representation 1 unsigned
    samples are sign-extended from the codestream's precision, under 0 signed ones are taken as
    unsigned bits. Encoders that compress native words as they are leave Bits Stored bits in wider
    samples: at High Bit, or with the sign at Bits Stored and zeros above it.
    """
    if precision > 16:
        raise UnsupportedError(f"codestreams of {precision} bits are not supported (2 to 16 are)")
    if precision != header.bits_stored:
        note(
            Notice("precision", f"the codestream has {precision} bits, Bits Stored says {header.bits_stored}")
        )
    if signed is not None and signed != header.signed:
        words = ("unsigned", "signed")
        note(
            Notice(
                "sign", f"the codestream is {words[signed]}, Pixel Representation says {words[header.signed]}"
            )
        )
    if precision > header.high_bit >= header.bits_stored:
        precision = header.bits_stored
        array = _at_high_bit(array, header)
    elif bool(signed) != header.signed:
        if signed:
            array = array.view(f"u{array.itemsize}") & np.array((1 << precision) - 1, f"u{array.itemsize}")
        else:
            array = sign_extend(array, precision)
    if header.signed and precision > header.bits_stored and _has_masked_signs(array, header.bits_stored):
        precision = header.bits_stored
        array = sign_extend(array, precision)
    wanted = np.dtype(f"{'i' if header.signed else 'u'}{max(header.bits_allocated, 8) // 8}")
    if array.dtype != wanted and wanted.itemsize >= array.itemsize:
        array = array.astype(wanted)
    return Samples(array, photometric, precision, header.signed)


def _at_high_bit(array: Array, header: Header) -> Array:
    """Bits Stored bits that end at High Bit, out of words."""
    kind = np.dtype(f"u{array.itemsize}")
    below = header.high_bit + 1 - header.bits_stored
    words: Array = array.view(kind)
    if int(words.max()) >> header.bits_stored == 0 and (words & kind.type((1 << below) - 1)).any():
        raise CodestreamError(
            f"High Bit is {header.high_bit}, but the codestream's samples seem to end at bit "
            f"{header.bits_stored - 1}: which bits count is unknown"
        )
    words = words >> kind.type(below)
    if header.signed:
        return sign_extend(words, header.bits_stored)
    masked: Array = words & kind.type((1 << header.bits_stored) - 1)
    return masked


def _has_masked_signs(array: Array, bits: int) -> bool:
    """Whether all samples are patterns of so many bits, some of them of negative values."""
    return int(array.min()) >= 0 and 1 << (bits - 1) <= int(array.max()) < 1 << bits


def filled_below(samples: Samples, rows: int, darkest: Darkest | None, note: Note) -> Samples:
    """The samples with black below so many rows, if these are not all; ``darkest`` is not None then."""
    if darkest is None or rows >= samples.array.shape[0]:
        return samples
    missing = np.zeros(samples.array.shape[:2], bool)
    missing[rows:] = True
    return filled(samples, missing, darkest, note)


def filled(samples: Samples, missing: Array, darkest: Darkest, note: Note) -> Samples:
    """The samples with black where ``missing``, (rows, columns) of bool, says so.

    ``darkest`` gives the stored value of black in gray and palette images. Raises `TruncatedError`
    where nothing is there.
    """
    count, total = int(missing.sum()), missing.size
    if count == total:
        raise TruncatedError("not one pixel of the frame is there")
    array = np.array(samples.array)
    if array.ndim == 2:
        array[missing] = darkest(samples.bits)
    else:
        half = 1 << (samples.bits - 1)
        colour = samples.photometric_interpretation
        luma = half // 8 if colour.startswith("YBR_PARTIAL") else 0
        array[missing] = (luma, half, half) if colour.startswith("YBR") else (0, 0, 0)
    message = f"the frame is cut: {total - count} of {total} pixels are there, the others were made black"
    note(Notice("partial", message))
    return samples._replace(array=array, missing=count)
