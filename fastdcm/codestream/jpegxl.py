"""JPEG XL image headers (ISO/IEC 18181-1) and container boxes (18181-2); nothing is decoded.

What is proven of a container: its boxes lie inside the data and its codestream parts are all
there. A bare codestream has no length and no end marker: a cut one cannot be told without
decoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from fastdcm.codestream import signatures
from fastdcm.errors import CodestreamError, UnsupportedError

_HEADER_BYTES = 4096  # headers take a few dozen; names of extra channels could make them longer

ColourSpace = Literal["RGB", "GREY", "XYB", "UNKNOWN"]
_COLOUR_SPACES: tuple[ColourSpace, ...] = ("RGB", "GREY", "XYB", "UNKNOWN")
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))

# U32 distributions (18181-1, header syntax): (constant, bits) for each selector.
_U32 = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
_DIMENSION: _U32 = ((1, 9), (1, 13), (1, 18), (1, 30))
_INTEGER_BITS: _U32 = ((8, 0), (10, 0), (12, 0), (1, 6))
_FLOAT_BITS: _U32 = ((32, 0), (16, 0), (24, 0), (1, 6))
_EXTRA_CHANNELS: _U32 = ((0, 0), (1, 0), (2, 4), (1, 12))
_ENUM: _U32 = ((0, 0), (1, 0), (2, 4), (18, 6))
_DIM_SHIFT: _U32 = ((0, 0), (3, 0), (4, 0), (1, 3))
_NAME_LENGTH: _U32 = ((0, 0), (0, 4), (16, 5), (48, 10))
_CFA_CHANNEL: _U32 = ((1, 0), (0, 2), (3, 4), (19, 8))
_PREVIEW_DIV8: _U32 = ((16, 0), (32, 0), (1, 5), (33, 9))
_PREVIEW: _U32 = ((1, 6), (65, 8), (321, 10), (1345, 12))
_ALPHA, _SPOT, _CFA = 0, 2, 5


@dataclass(frozen=True, slots=True)
class JpegXlHeader:
    """SizeHeader and ImageMetadata of a codestream (18181-1, image header).

    ``rows`` and ``columns`` are as coded, before ``orientation`` (1 to 8 as in Exif) is applied.
    ``components`` counts colour channels, without the ``extra_channels`` (alpha, ...). ``xyb``
    says that samples went through the lossy colour transform; ``has_jpeg`` that the container
    holds what is needed to restore a JPEG stream.
    """

    rows: int
    columns: int
    bits: int
    is_float: bool
    components: int
    extra_channels: int
    colour_space: ColourSpace
    xyb: bool
    has_icc: bool
    orientation: int
    animated: bool
    has_container: bool
    has_jpeg: bool

    @property
    def greyscale(self) -> bool:
        """Whether there is a single colour channel."""
        return self.components == 1


class _Bits:
    """Reads fields from the least significant bit on (18181-1, header syntax)."""

    def __init__(self, data: bytes) -> None:
        self.value = int.from_bytes(data, "little")
        self.left = 8 * len(data)

    def u(self, count: int) -> int:
        self.left -= count
        if self.left < 0:
            raise CodestreamError("cut: the data ends in the JPEG XL header")
        value = self.value & ((1 << count) - 1)
        self.value >>= count
        return value

    def flag(self) -> bool:
        return self.u(1) == 1

    def u32(self, distribution: _U32) -> int:
        constant, bits = distribution[self.u(2)]
        return constant + self.u(bits)


def parse(data: bytes) -> JpegXlHeader:
    """Read the headers of a bare codestream, or of one in a container whose boxes are walked.

    Raises CodestreamError, and UnsupportedError for extra channels of unknown kinds.
    """
    if data[:12] == signatures.JPEG_XL_CONTAINER:
        container = _read_boxes(data)
        return _read_headers(container.codestream, True, container.has_jpeg)
    return _read_headers(data[:_HEADER_BYTES], False, False)


class _Container(NamedTuple):
    codestream: bytes  # its first bytes
    has_jpeg: bool


def _read_boxes(data: bytes) -> _Container:
    """Walk the boxes of 18181-2: jxlc holds the codestream, or jxlp boxes its parts in order."""
    position, size = len(signatures.JPEG_XL_CONTAINER), len(data)
    codestream, parts, whole, has_jpeg = b"", 0, False, False
    while position < size:
        if position + 8 > size:
            if whole and not data[position:].strip(b"\0"):
                break  # padding to an even length
            raise CodestreamError("cut: the data ends in a JPEG XL box header")
        length = int.from_bytes(data[position : position + 4], "big")
        kind, start = data[position + 4 : position + 8], position + 8
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = size if length == 0 else position + length
        if not kind.strip(b"\0"):
            break  # padding behind the last box
        if end > size:
            raise CodestreamError(
                f"cut: the JPEG XL box at byte {position} ends {end - size} bytes past the data"
            )
        if end < start:
            raise CodestreamError(f"the JPEG XL box at byte {position} is shorter than its own header")
        if kind in (b"jxlc", b"jxlp") and whole:
            raise CodestreamError("a second JPEG XL codestream behind the first")
        if kind == b"jxlc":
            codestream, whole = data[start : min(end, start + _HEADER_BYTES)], True
        elif kind == b"jxlp":
            index = int.from_bytes(data[start : start + 4], "big")
            if end < start + 4 or index & 0x7FFFFFFF != parts:
                raise CodestreamError(f"part {parts} of the JPEG XL codestream is missing")
            whole = index >> 31 == 1  # marks the last part
            if len(codestream) < _HEADER_BYTES:
                codestream += data[start + 4 : min(end, start + 4 + _HEADER_BYTES)]
            parts += 1
        has_jpeg |= kind == b"jbrd"
        position = end
    if not whole:
        raise CodestreamError("cut: the JPEG XL codestream, or its last part, is missing")
    return _Container(codestream, has_jpeg)


def _read_headers(data: bytes, has_container: bool, has_jpeg: bool) -> JpegXlHeader:
    """SizeHeader and ImageMetadata of 18181-1, as far as the colour encoding."""
    if data[:2] != signatures.JPEG_XL:
        raise CodestreamError("no JPEG XL signature at the start")
    bits = _Bits(data[2:])
    rows, columns = _size(bits)
    orientation, animated, extra_channels = 1, False, 0
    depth, is_float, xyb = 8, False, True
    colour_space: ColourSpace = "RGB"
    has_icc = False
    if not bits.flag():  # all_default
        if bits.flag():  # extra_fields
            orientation = bits.u(3) + 1
            if bits.flag():  # have_intr_size
                _size(bits)
            if bits.flag():  # have_preview
                _skip_preview(bits)
            animated = bits.flag()
            if animated:
                _skip_animation(bits)
        depth, is_float = _bit_depth(bits)
        bits.flag()  # modular_16bit_buffers
        extra_channels = bits.u32(_EXTRA_CHANNELS)
        for _ in range(extra_channels):
            _skip_extra_channel(bits)
        xyb = bits.flag()
        if not bits.flag():  # ColourEncoding.all_default
            has_icc = bits.flag()
            space = bits.u32(_ENUM)
            if space >= len(_COLOUR_SPACES):
                raise CodestreamError(f"colour space {space} is none of JPEG XL")
            colour_space = _COLOUR_SPACES[space]
    return JpegXlHeader(
        rows=rows,
        columns=columns,
        bits=depth,
        is_float=is_float,
        components=1 if colour_space == "GREY" else 3,
        extra_channels=extra_channels,
        colour_space=colour_space,
        xyb=xyb,
        has_icc=has_icc,
        orientation=orientation,
        animated=animated,
        has_container=has_container,
        has_jpeg=has_jpeg,
    )


def _size(bits: _Bits) -> tuple[int, int]:
    """Rows and columns of a SizeHeader."""
    small = bits.flag()
    rows = 8 * (bits.u(5) + 1) if small else bits.u32(_DIMENSION)
    ratio = bits.u(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio - 1]
        return rows, rows * numerator // denominator
    return rows, 8 * (bits.u(5) + 1) if small else bits.u32(_DIMENSION)


def _bit_depth(bits: _Bits) -> tuple[int, bool]:
    """Bits per sample and whether they are floats (BitDepth)."""
    if not bits.flag():
        return bits.u32(_INTEGER_BITS), False
    depth = bits.u32(_FLOAT_BITS)
    bits.u(4)  # exp_bits
    return depth, True


def _skip_preview(bits: _Bits) -> None:
    div8 = bits.flag()
    distribution = _PREVIEW_DIV8 if div8 else _PREVIEW
    bits.u32(distribution)
    if bits.u(3) == 0:
        bits.u32(distribution)


def _skip_animation(bits: _Bits) -> None:
    bits.u32(((100, 0), (1000, 0), (1, 10), (1, 30)))  # tps_numerator
    bits.u32(((1, 0), (1001, 0), (1, 8), (1, 10)))  # tps_denominator
    bits.u32(((0, 0), (0, 3), (0, 16), (0, 32)))  # num_loops
    bits.flag()  # have_timecodes


def _skip_extra_channel(bits: _Bits) -> None:
    """Read over an ExtraChannelInfo."""
    if bits.flag():  # d_alpha: 8-bit alpha
        return
    kind = bits.u32(_ENUM)
    if kind > 15:
        raise UnsupportedError(f"JPEG XL extra channels of kind {kind} are not supported")
    _bit_depth(bits)
    bits.u32(_DIM_SHIFT)
    bits.u(8 * bits.u32(_NAME_LENGTH))
    if kind == _ALPHA:
        bits.flag()  # alpha_associated
    elif kind == _SPOT:
        bits.u(64)
    elif kind == _CFA:
        bits.u32(_CFA_CHANNEL)
