"""Every transfer syntax of PS3.6 table A-1 that carries pixels: what decodes it, or why nothing does.

The one list that decoding, ``fastdcm doctor``, the README's table and the tests are made from.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from fastdcm.errors import UnsupportedError

Family = Literal[
    "native", "rle", "jpeg", "jpeg-ls", "jpeg2000", "htj2k", "jpegxl", "deflated-frame", "video", "refused"
]

#: Family -> the library that decodes it, as people know it.
LIBRARIES: dict[Family, str] = {
    "native": "NumPy",
    "rle": "imagecodecs (imcd)",
    "jpeg": "libjpeg-turbo through imagecodecs",
    "jpeg-ls": "CharLS through imagecodecs",
    "jpeg2000": "OpenJPEG through imagecodecs",
    "htj2k": "OpenJPH, irreversible by OpenJPEG, through imagecodecs",
    "jpegxl": "libjxl through imagecodecs",
    "deflated-frame": "zlib",
    "video": "FFmpeg through PyAV (extra `video`)",
    "refused": "none",
}


#: JPEG, JPEG-LS and JPEG 2000, which have a decoder of our own
#: (`fastdcm.codecs.decode.decoded_by`).
_OWN = frozenset(f"1.2.840.10008.1.2.4.{last}" for last in (50, 51, 53, 55, 57, 70, 80, 81, 90, 91, 92, 93))


class Syntax(NamedTuple):
    """One transfer syntax. ``carries`` says in words what may be in it."""

    uid: str
    name: str
    family: Family
    carries: str

    @property
    def decoder(self) -> str:
        """In words, what decodes frames of it; a frame's headers and the size of the job choose."""
        library = LIBRARIES[self.family]
        return f"our own, or {library}" if self.uid in _OWN else library

    @property
    def supported(self) -> bool:
        """Whether frames of this syntax can be decoded."""
        return self.family != "refused"


_INTEGERS = "1, 8, 12, 16, 32, 64 bits, float and double; gray, palette, colour"
_DCT8 = "8 bits; gray, palette, colour"
_DCT12 = "8 and 12 bits; gray, palette, colour"
_LOSSLESS = "2 to 16 bits; gray, palette, colour"
_VIDEO = "8 bits; gray, colour"

_ROWS = (
    ("", "Implicit VR Little Endian", "native", _INTEGERS),
    (".1", "Explicit VR Little Endian", "native", _INTEGERS),
    (".1.98", "Encapsulated Uncompressed Explicit VR Little Endian", "native", _INTEGERS),
    (".1.99", "Deflated Explicit VR Little Endian", "native", _INTEGERS),
    (".2", "Explicit VR Big Endian", "native", _INTEGERS),
    (".5", "RLE Lossless", "rle", "1, 8, 16, 32 bits; gray, palette, colour"),
    (".8.1", "Deflated Image Frame Compression", "deflated-frame", _INTEGERS),
    (".4.50", "JPEG Baseline (Process 1)", "jpeg", _DCT8),
    (".4.51", "JPEG Extended (Process 2 & 4)", "jpeg", _DCT12),
    (".4.53", "JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8)", "jpeg", _DCT12),
    (".4.55", "JPEG Full Progression, Non-Hierarchical (Process 10 & 12)", "jpeg", _DCT12),
    (".4.57", "JPEG Lossless, Non-Hierarchical (Process 14)", "jpeg", _LOSSLESS),
    (".4.70", "JPEG Lossless, First-Order Prediction (Process 14, Selection Value 1)", "jpeg", _LOSSLESS),
    (".4.80", "JPEG-LS Lossless", "jpeg-ls", _LOSSLESS),
    (".4.81", "JPEG-LS Lossy (Near-Lossless)", "jpeg-ls", _LOSSLESS),
    (".4.90", "JPEG 2000 (Lossless Only)", "jpeg2000", "1 to 16 bits; gray, palette, colour"),
    (".4.91", "JPEG 2000", "jpeg2000", "1 to 16 bits; gray, palette, colour"),
    (".4.92", "JPEG 2000 Part 2 Multi-component (Lossless Only)", "jpeg2000", "what Part 1 can express"),
    (".4.93", "JPEG 2000 Part 2 Multi-component", "jpeg2000", "what Part 1 can express"),
    (".4.201", "High-Throughput JPEG 2000 (Lossless Only)", "htj2k", "1 to 16 bits; gray, palette, colour"),
    (
        ".4.202",
        "High-Throughput JPEG 2000 with RPCL (Lossless Only)",
        "htj2k",
        "1 to 16 bits; gray, palette, colour",
    ),
    (".4.203", "High-Throughput JPEG 2000", "htj2k", "1 to 16 bits; gray, palette, colour"),
    (".4.110", "JPEG XL Lossless", "jpegxl", "1 to 16 bits; gray, palette, colour"),
    (".4.111", "JPEG XL JPEG Recompression", "jpegxl", _DCT8),
    (".4.112", "JPEG XL", "jpegxl", "1 to 16 bits; gray, palette, colour"),
    (".4.100", "MPEG2 Main Profile / Main Level (video)", "video", _VIDEO),
    (".4.100.1", "Fragmentable MPEG2 Main Profile / Main Level (video)", "video", _VIDEO),
    (".4.101", "MPEG2 Main Profile / High Level (video)", "video", _VIDEO),
    (".4.101.1", "Fragmentable MPEG2 Main Profile / High Level (video)", "video", _VIDEO),
    (".4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1 (video)", "video", _VIDEO),
    (".4.102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1 (video)", "video", _VIDEO),
    (".4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1 (video)", "video", _VIDEO),
    (
        ".4.103.1",
        "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1 (video)",
        "video",
        _VIDEO,
    ),
    (".4.104", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", "video", _VIDEO),
    (".4.104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", "video", _VIDEO),
    (".4.105", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", "video", _VIDEO),
    (".4.105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", "video", _VIDEO),
    (".4.106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2 (video)", "video", _VIDEO),
    (".4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2 (video)", "video", _VIDEO),
    (".4.107", "HEVC/H.265 Main Profile / Level 5.1 (video)", "video", _VIDEO),
    (".4.108", "HEVC/H.265 Main 10 Profile / Level 5.1 (video)", "video", "10 bits; gray, colour"),
    (".4.52", "JPEG Extended (Process 3 & 5), arithmetic coding, retired", "refused", ""),
    (".4.54", "JPEG Spectral Selection (Process 7 & 9), arithmetic coding, retired", "refused", ""),
    (".4.56", "JPEG Full Progression (Process 11 & 13), arithmetic coding, retired", "refused", ""),
    (".4.58", "JPEG Lossless (Process 15), arithmetic coding, retired", "refused", ""),
    (".4.59", "JPEG Extended, Hierarchical (Process 16 & 18), retired", "refused", ""),
    (".4.60", "JPEG Extended, Hierarchical (Process 17 & 19), retired", "refused", ""),
    (".4.61", "JPEG Spectral Selection, Hierarchical (Process 20 & 22), retired", "refused", ""),
    (".4.62", "JPEG Spectral Selection, Hierarchical (Process 21 & 23), retired", "refused", ""),
    (".4.63", "JPEG Full Progression, Hierarchical (Process 24 & 26), retired", "refused", ""),
    (".4.64", "JPEG Full Progression, Hierarchical (Process 25 & 27), retired", "refused", ""),
    (".4.65", "JPEG Lossless, Hierarchical (Process 28), retired", "refused", ""),
    (".4.66", "JPEG Lossless, Hierarchical (Process 29), retired", "refused", ""),
    (".4.94", "JPIP Referenced", "refused", ""),
    (".4.95", "JPIP Referenced Deflate", "refused", ""),
    (".4.204", "JPIP HTJ2K Referenced", "refused", ""),
    (".4.205", "JPIP HTJ2K Referenced Deflate", "refused", ""),
    (".7.1", "SMPTE ST 2110-20 Uncompressed Progressive Active Video", "refused", ""),
    (".7.2", "SMPTE ST 2110-20 Uncompressed Interlaced Active Video", "refused", ""),
    (".7.3", "SMPTE ST 2110-30 PCM Digital Audio", "refused", ""),
)

#: UID -> `Syntax`, in the order people look for them.
SYNTAXES: dict[str, Syntax] = {
    "1.2.840.10008.1.2" + suffix: Syntax("1.2.840.10008.1.2" + suffix, name, family, carries)  # type: ignore[arg-type]
    for suffix, name, family, carries in _ROWS
}


def lookup(transfer_syntax_uid: str) -> Syntax:
    """The row of a UID. Raises `UnsupportedError` for what is refused or unknown, by name."""
    syntax = SYNTAXES.get(transfer_syntax_uid)
    if syntax is None:
        raise UnsupportedError(f"transfer syntax {transfer_syntax_uid} is unknown")
    if not syntax.supported:
        raise UnsupportedError(f"transfer syntax {syntax.name} ({syntax.uid}) is not supported")
    return syntax
