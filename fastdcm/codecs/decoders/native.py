"""Uncompressed frames (PS3.5 8.1.1 and annex A), deflated ones included (A.4.11)."""

from __future__ import annotations

import zlib

import numpy as np

from fastdcm.codecs.decoders.common import Array, sign_extend
from fastdcm.errors import DecodeError, TruncatedError, UnsupportedError
from fastdcm.model import Header, Samples


def decode(data: memoryview, header: Header, *, bit_offset: int = 0, little: bool = True) -> Samples:
    """A native frame to samples: unpacked, in this machine's byte order, colour by pixel.

    The array may share ``data``'s memory. Raises `TruncatedError` where bytes are missing.
    """
    needed = (bit_offset + header.native_frame_bits + 7) // 8
    if len(data) < needed:
        raise TruncatedError(f"the frame has {len(data)} bytes and needs {needed}")
    data = data[:needed]
    photometric = header.photometric_interpretation
    if header.is_float:
        order = "<" if little else ">"
        floats = np.frombuffer(data, f"{order}f{header.bits_allocated // 8}")
        native = floats.astype(floats.dtype.newbyteorder("="), copy=False)
        return Samples(native.reshape(header.rows, header.columns), photometric, 0, True)
    values = _integers(data, header, bit_offset, little)
    if photometric == "YBR_PARTIAL_420":
        raise UnsupportedError("YBR_PARTIAL_420 is not defined for uncompressed pixel data")
    if photometric in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        array = _unpack_chroma(values, header)
    elif header.samples_per_pixel == 1:
        array = values.reshape(header.rows, header.columns)
    elif header.planar_configuration:
        planes = values.reshape(header.samples_per_pixel, header.rows, header.columns)
        array = np.ascontiguousarray(planes.transpose(1, 2, 0))
    else:
        array = values.reshape(header.rows, header.columns, header.samples_per_pixel)
    return Samples(stored_values(array, header), photometric, header.bits_stored, header.signed)


def decode_deflated(data: memoryview, header: Header) -> Samples:
    """A frame of Deflated Image Frame Compression: raw deflate around a native frame."""
    needed = (header.native_frame_bits + 7) // 8
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # One byte more than needed tells whether there is more.
        native = inflater.decompress(data, needed + 2)
    except zlib.error as error:
        raise DecodeError(f"the deflated frame is damaged: {error}") from error
    if len(native) < needed:
        raise TruncatedError(f"the deflated frame inflates to {len(native)} bytes and needs {needed}")
    if len(native) > needed + 1:
        raise DecodeError(f"the deflated frame inflates to more than its {needed} bytes")
    return decode(memoryview(native), header)


def _integers(data: memoryview, header: Header, bit_offset: int, little: bool) -> Array:
    """The frame's words as unsigned integers, one after the other."""
    allocated = header.bits_allocated
    if allocated == 1:
        count = header.rows * header.columns * header.samples_per_pixel
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[bit_offset : bit_offset + count]
    if allocated == 12:
        return _unpack_12(np.frombuffer(data, np.uint8), bit_offset, header)
    words = np.frombuffer(data, f"{'<' if little else '>'}u{allocated // 8}")
    return words.astype(words.dtype.newbyteorder("="), copy=False)


def _unpack_12(data: Array, bit_offset: int, header: Header) -> Array:
    """Samples of 12 bits, packed from the lowest bit up (PS3.5 8.1.1)."""
    count = header.rows * header.columns * header.samples_per_pixel
    start = 12 * np.arange(count, dtype=np.int64) + bit_offset
    padded = np.append(data, np.zeros(2, np.uint8)).astype(np.uint16)
    at = start >> 3
    shift = (start & 7).astype(np.uint16)
    values: Array = ((padded[at] | padded[at + 1] << 8) >> shift) & 0xFFF
    return values


def _unpack_chroma(values: Array, header: Header) -> Array:
    """Y1 Y2 Cb Cr to one triple a pixel, chroma repeated.

    PS3.3 C.7.6.3.1.2; an odd width is padded to the next pair.
    """
    rows, columns = header.rows, header.columns
    pairs = (columns + 1) // 2
    full = np.empty((rows, 2 * pairs, 3), values.dtype)
    packed = values.reshape(rows, pairs, 4)
    full[:, 0::2, 0], full[:, 1::2, 0] = packed[..., 0], packed[..., 1]
    for channel in (0, 1):
        full[..., 1 + channel] = packed[..., 2 + channel].repeat(2, 1)
    return full[:, :columns]


def stored_values(array: Array, header: Header) -> Array:
    """Bits Stored bits that end at High Bit, sign-extended where signed (PS3.5 8.1.1).

    Bits outside may hold overlays or junk. Most files have none, which a look at the extremes
    tells cheaper than masking does.
    """
    allocated, stored = max(header.bits_allocated, 8), header.bits_stored
    if header.bits_allocated in (1, 12):
        allocated = 8 * array.itemsize
    above = header.high_bit - (stored - 1)
    if allocated == stored:
        return array.view(f"i{array.itemsize}") if header.signed else array
    if above:
        array = array >> array.dtype.type(above)
    if header.signed:
        signed = array.view(f"i{array.itemsize}")
        half = 1 << (stored - 1)
        if not above and int(signed.min()) >= -half and int(signed.max()) < half:
            return signed
        return sign_extend(array, stored)
    if int(array.max()) >> stored:
        array = array & array.dtype.type((1 << stored) - 1)
    return array
