"""The values that the steps hand on: frozen, and nothing but data.

Named tuples where they can be: a frozen dataclass costs 0.3 to 0.5 ms at import, and the command
is started for single files, too. Their annotations are no texts, each of which would be compiled.

Names are those of the DICOM standard (PS3.6). Whatever is called *index* counts from 0, whatever
is called *frame* or *number* counts from 1.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

VoiFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


class Notice(NamedTuple):
    """Something odd about a file that did not keep it from being read.

    ``code`` is stable and made for programs, ``message`` for people.
    """

    code: str
    message: str
    path: str | None = None
    frame: int | None = None

    def __str__(self) -> str:
        place = [] if self.path is None else [self.path]
        if self.frame is not None:
            place.append(f"frame {self.frame}")
        return ": ".join([*place, self.message])


@dataclass(frozen=True)
class Header:
    """What the Image Pixel module (PS3.3 C.7.6.3) and the file say about the pixels."""

    transfer_syntax_uid: str
    rows: int
    columns: int
    frames: int
    samples_per_pixel: int
    photometric_interpretation: str
    planar_configuration: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    pixel_keyword: Literal["PixelData", "FloatPixelData", "DoubleFloatPixelData"] = "PixelData"
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    modality: str = ""
    instance_number: str = ""
    burned_in_annotation: str = ""

    def changed(self, **fields: Any) -> Self:
        """The same with other values of some fields; quicker than `dataclasses.replace`."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), **fields)
        return other

    @property
    def signed(self) -> bool:
        """Whether stored values are two's complement (Pixel Representation 1)."""
        return self.pixel_representation == 1

    @property
    def is_float(self) -> bool:
        """Whether the values are IEEE floats (Float or Double Float Pixel Data)."""
        return self.pixel_keyword != "PixelData"

    @property
    def is_gray_words(self) -> bool:
        """Whether native samples are gray words of 16 bits, with nothing below those stored."""
        return (
            self.bits_allocated == 16
            and self.samples_per_pixel == 1
            and self.high_bit == self.bits_stored - 1
            and not self.is_float
        )

    @property
    def native_frame_bits(self) -> int:
        """Bits of one native frame, without padding; chroma shared by two pixels counts once.

        With YBR_FULL_422 an odd width is padded to the next pair (PS3.3 C.7.6.3.1.2).
        """
        if self.photometric_interpretation in ("YBR_FULL_422", "YBR_PARTIAL_422"):
            return self.rows * (self.columns + (self.columns & 1)) * 2 * self.bits_allocated
        return self.rows * self.columns * self.samples_per_pixel * self.bits_allocated


class FrameSpan(NamedTuple):
    """Where the bytes of one frame lie in the source.

    ``fragments`` are (offset, length) pairs in bytes. For native frames that do not start on a
    byte (1 bit allocated), ``bit_offset`` says how many bits of the first byte belong to the
    frame before.
    """

    fragments: tuple[tuple[int, int], ...]
    bit_offset: int = 0

    @property
    def length(self) -> int:
        """Bytes of all fragments together."""
        return sum(length for _, length in self.fragments)


class Window(NamedTuple):
    """A window of the VOI LUT module (PS3.3 C.11.2.1.2), in units of the modality LUT's output."""

    center: float
    width: float
    function: VoiFunction = "LINEAR"
    explanation: str = ""


class Region(NamedTuple):
    """A rectangle of pixels: its upper left one, counted from 0, and how many it has each way."""

    x: int
    y: int
    width: int
    height: int


class Lut(NamedTuple):
    """One lookup table of a Modality, VOI or Presentation LUT Sequence (PS3.3 C.11).

    ``entries`` holds little-endian unsigned 16-bit values, so that a LUT can be hashed and
    compared; ``first`` is the input that maps to entry 0; ``bits`` the depth of the entries.
    """

    first: int
    bits: int
    entries: bytes
    explanation: str = ""

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self.entries) // 2


class Palette(NamedTuple):
    """Palette Color Lookup Tables (PS3.3 C.7.6.3.1.5): 16-bit little-endian entries a channel.

    ``bits`` is the depth of the entries: 8 or 16.
    """

    first: int
    bits: int
    red: bytes
    green: bytes
    blue: bytes

    @property
    def size(self) -> int:
        """The number of entries of a channel."""
        return len(self.red) // 2


class Display(NamedTuple):
    """What the data set says about showing one frame (PS3.3 C.11, C.7.6.16.2.9-10).

    ``rescale`` is (slope, intercept) or None for identity; ``rescale_type`` the unit that it or the modality
    LUT leads to, where the file says so (C.11.1.1.2); ``*_source`` tell in words where the
    values were found, for ``fastdcm info``. ``softcopy`` names the presentation state that decides all
    of it in place of the image (PS3.4 N.2.1).
    """

    rescale: tuple[float, float] | None = None
    modality_lut: Lut | None = None
    modality_source: str = ""
    windows: tuple[Window, ...] = ()
    windows_source: str = ""
    voi_luts: tuple[Lut, ...] = ()
    presentation_lut: Lut | None = None
    presentation_lut_shape: str = ""
    pixel_intensity_relationship: str = ""
    padding: tuple[float, float] | None = None
    palette: Palette | None = None
    supplemental: bool = False
    softcopy: str = ""
    rescale_type: str = ""


class Less(NamedTuple):
    """What a decoder may leave out of a frame.

    Both sides may be halved ``halvings`` times by a wavelet's low-pass filter, ``squares`` times by a scaled
    DCT, whose samples stand for squares of pixels. ``reversible`` is the most where the wavelet is of whole
    numbers, whose roundings add up; None is no such limit. ``grey`` is the width of a grey, in stored values:
    bit-planes that hardly change one need not be decoded; None asks for all of them.
    """

    halvings: int = 0
    squares: int = 0
    grey: float | None = None
    reversible: int | None = None


class Halved(NamedTuple):
    """What a decoder made of a frame: both sides halved so many ``times``, in whole numbers rounded up.

    ``by`` is how: the scaled inverse DCT, or the low-pass filter of a wavelet (T.800 F.4.8). A sample
    stands for 2^times rows and columns of the frame. Those of the first one begin ``top`` rows and ``left``
    columns below and right of the frame's edges, or beyond them, counted in its pixels: a low-pass filter has
    its middle in a pixel, the mean of an even number of pixels between two.
    """

    times: int
    by: Literal["DCT", "5/3", "9/7"]
    top: float = 0.0
    left: float = 0.0


class Samples(NamedTuple):
    """Decoded samples of one frame.

    ``array`` has the shape (rows, columns) or (rows, columns, 3). ``photometric_interpretation``
    is that of the array, which a decoder may have changed (YBR to RGB); ``bits`` bounds the
    values: 0..2**bits-1, or -2**(bits-1)..2**(bits-1)-1 where ``signed``; 0 for floats. The last
    ``missing`` pixels, row by row, were not in the data and are filled. Where they are not ``masked``,
    the array holds unsigned words, of which the lowest ``bits`` bits count. ``halved`` is what the decoder
    made smaller, as `Less` lets it; (rows, columns) are those that there are then.
    """

    array: Any
    photometric_interpretation: str
    bits: int
    signed: bool
    missing: int = 0
    masked: bool = True
    halved: Halved | None = None
