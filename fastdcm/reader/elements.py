"""What an element is made of: tags, VRs, encodings (PS3.5 clause 7), and which ones rendering needs."""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.reader.source import Source

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00010, 0x7FE00008, 0x7FE00009
ICC_PROFILE, OPTICAL_PATHS = 0x00282000, 0x00480105
PROFILES = frozenset((ICC_PROFILE, OPTICAL_PATHS))
PIXEL_TAGS = frozenset((PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA))

#: VRs with a length of 16 bits (PS3.5 7.1.2); all others, unknown ones included, have 32.
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
KNOWN_VRS = SHORT_VRS | frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())

IMPLICIT_LE, EXPLICIT_LE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED_LE, EXPLICIT_BE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"

#: What rendering needs, and where the object says what it is.
WANTED = frozenset(
    {
        0x00020010,  # Transfer Syntax UID
        0x00041220,  # Directory Record Sequence: a DICOMDIR
        0x00080016,  # SOP Class UID
        0x00080018,  # SOP Instance UID
        0x00080060,  # Modality
        0x00082144,  # Recommended Display Frame Rate
        0x00089205,  # Pixel Presentation
        0x00180040,  # Cine Rate
        0x00181063,  # Frame Time
        0x00181065,  # Frame Time Vector
        0x0020000D,  # Study Instance UID
        0x0020000E,  # Series Instance UID
        0x00200013,  # Instance Number
        0x00280002,  # Samples per Pixel
        0x00280004,  # Photometric Interpretation
        0x00280006,  # Planar Configuration
        0x00280008,  # Number of Frames
        0x00280009,  # Frame Increment Pointer
        0x00280010,  # Rows
        0x00280011,  # Columns
        0x00280100,  # Bits Allocated
        0x00280101,  # Bits Stored
        0x00280102,  # High Bit
        0x00280103,  # Pixel Representation
        0x00280120,  # Pixel Padding Value
        0x00280121,  # Pixel Padding Range Limit
        0x00280122,  # Float Pixel Padding Value
        0x00280123,  # Double Float Pixel Padding Value
        0x00280124,  # Float Pixel Padding Range Limit
        0x00280125,  # Double Float Pixel Padding Range Limit
        0x00280301,  # Burned In Annotation
        0x00281040,  # Pixel Intensity Relationship
        0x00281050,  # Window Center
        0x00281051,  # Window Width
        0x00281052,  # Rescale Intercept
        0x00281053,  # Rescale Slope
        0x00281054,  # Rescale Type
        0x00281055,  # Window Center & Width Explanation
        0x00281056,  # VOI LUT Function
        0x00281101,  # Red Palette Color Lookup Table Descriptor
        0x00281102,
        0x00281103,
        0x00281201,  # Red Palette Color Lookup Table Data
        0x00281202,
        0x00281203,
        0x00281221,  # Segmented Red Palette Color Lookup Table Data
        0x00281222,
        0x00281223,
        0x00282000,  # ICC Profile
        0x00283000,  # Modality LUT Sequence
        0x00283010,  # VOI LUT Sequence
        0x00287FE0,  # Pixel Data Provider URL
        0x00480105,  # Optical Path Sequence
        0x20500010,  # Presentation LUT Sequence
        0x20500020,  # Presentation LUT Shape
        0x52009229,  # Shared Functional Groups Sequence
        0x52009230,  # Per-Frame Functional Groups Sequence
        0x7FE00001,  # Extended Offset Table
        0x7FE00002,  # Extended Offset Table Lengths
    }
)
#: Those that grow with the frames, or hold LUTs, profiles or drawings, and so may be long: sequences and
#: offset tables.
LONG_VALUES = PROFILES | {
    0x00041220,  # Directory Record Sequence
    0x00081115,  # Referenced Series Sequence
    0x00181065,  # Frame Time Vector
    0x00283000,  # Modality LUT Sequence
    0x00283010,  # VOI LUT Sequence
    0x00283110,  # Softcopy VOI LUT Sequence
    0x00620002,  # Segment Sequence
    0x00700001,  # Graphic Annotation Sequence
    0x0070005A,  # Displayed Area Selection Sequence
    0x20500010,  # Presentation LUT Sequence
    0x52009229,  # Shared Functional Groups Sequence
    0x52009230,  # Per-Frame Functional Groups Sequence
    0x7FE00001,  # Extended Offset Table
    0x7FE00002,  # Extended Offset Table Lengths
}


class Encoding(NamedTuple):
    """How elements are written: with or without VR, in which byte order."""

    explicit: bool
    little: bool

    @property
    def order(self) -> str:
        """The byte order as `struct` writes it."""
        return "<" if self.little else ">"


#: (VR or b"" in implicit encoding, offset of the value, its length in bytes)
Element = tuple[bytes, int, int]


def tag_name(tag: int) -> str:
    """(gggg,eeee) as the standard writes it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def tag_of(number: int, little: bool) -> int:
    """The tag whose four bytes, in this byte order, are this number: group first (PS3.5 7.1)."""
    return (number & 0xFFFF) << 16 | number >> 16 if little else number


def beyond(tag: int, value: int, length: int, source: Source) -> DicomError:
    """The error for a value that declares more than the source holds."""
    if source.refusal:
        return DicomError(source.refusal)
    follow = max(0, source.size - value)
    return TruncatedError(f"{tag_name(tag)} declares {length} bytes at byte {value}, {follow} follow")
