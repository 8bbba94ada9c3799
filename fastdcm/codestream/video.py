"""What a stream of video starts as: a container, or an elementary stream of MPEG-2, H.264 or HEVC."""

from __future__ import annotations

from typing import Literal, Protocol

from fastdcm.codestream.transport import packet_of

Codec = Literal["mpeg2", "h264", "hevc"]
#: By FFmpeg's names of what reads them; the last three are elementary streams.
Format = Literal["mov", "mpegts", "mpeg", "mpegvideo", "h264", "hevc"]

#: So many bytes are enough to tell.
HEAD = 1024

#: Boxes that files of ISO/IEC 14496-12 start with.
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})
_SEQUENCE_HEADER, _PACK = 0xB3, 0xBA  # ISO/IEC 13818-2 6.2.1, 13818-1 2.5.3.3


class Stream(Protocol):
    """The bytes of all fragments as a file; ``cut`` tells that the last are missing."""

    cut: bool

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, none at the end."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position."""

    def tell(self) -> int:
        """The position."""


def identify(head: bytes) -> Format | None:
    """Tell what starts with these bytes; None where it is no video."""
    if head[4:8] in _BOXES:
        return "mov"
    if packet_of(head) is not None:
        return "mpegts"
    return _elementary(head)


def _elementary(head: bytes) -> Format | None:
    """The format of a byte stream by what follows its first start code, before which only zeros may lie."""
    data = head.lstrip(b"\0")
    if len(head) - len(data) < 2 or data[:1] != b"\x01" or len(data) < 3:
        return None
    code, following = data[1], data[2]
    if code == _PACK:
        return "mpeg"
    if code == _SEQUENCE_HEADER:
        return "mpegvideo"
    # The first NAL units of a stream: H.264 access unit delimiter, parameter sets, SEI (Rec. H.264
    # table 7-1; one byte of header), HEVC the same (Rec. H.265 table 7-1; two bytes, layer 0).
    if code & 0x81 == 0 and code >> 1 in (32, 33, 34, 35, 39) and following == 1:
        return "hevc"
    return "h264" if code & 0x80 == 0 and code & 0x1F in (5, 6, 7, 8, 9) else None
