"""One frame's bytes to samples: choose the decoder by what the table and the bytes say."""

from __future__ import annotations

from collections.abc import Callable

from fastdcm.codecs.table import Family, lookup
from fastdcm.codestream import sniff
from fastdcm.errors import CodestreamError
from fastdcm.model import Header, Notice, Samples

Note = Callable[[Notice], None]

_ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"


def decode_frame(
    data: memoryview,
    header: Header,
    *,
    encapsulated: bool,
    bit_offset: int = 0,
    little: bool = True,
    rgb: bool = True,
    note: Note,
) -> Samples:
    """Decode one frame.

    ``data`` are its bytes, of which the first ``bit_offset`` bits belong to the frame before;
    ``little`` is the byte order of native samples. With ``rgb`` a JPEG stream is converted to RGB
    by its own decoder, else samples stay as coded. The result's array has the shape (rows,
    columns[, 3]).

    Raises `CodestreamError` where the data is damaged or contradicts the header,
    `UnsupportedError` for what no decoder here takes.
    """
    family = _family(data, header, encapsulated=encapsulated, note=note)
    if family == "native":
        from fastdcm.codecs.decoders import native

        return native.decode(data, header, bit_offset=bit_offset, little=little)
    if family == "deflated-frame":
        from fastdcm.codecs.decoders import native

        return native.decode_deflated(data, header)
    if family == "rle":
        from fastdcm.codecs.decoders import rle

        return rle.decode(data, header)
    if family == "jpeg":
        from fastdcm.codecs.decoders import jpeg

        return jpeg.decode(bytes(data), header, rgb=rgb, note=note)
    if family == "jpeg-ls":
        from fastdcm.codecs.decoders import jpegls

        return jpegls.decode(bytes(data), header, note=note)
    if family == "jpegxl":
        from fastdcm.codecs.decoders import jpegxl

        return jpegxl.decode(bytes(data), header, note=note)
    from fastdcm.codecs.decoders import jpeg2000

    return jpeg2000.decode(bytes(data), header, high_throughput=family == "htj2k", note=note)


def _family(data: memoryview, header: Header, *, encapsulated: bool, note: Note) -> Family:
    """The family that the bytes are of: the declared one, or the one that is really there."""
    uid = header.transfer_syntax_uid
    declared: Family = lookup(uid).family if uid else "native"
    if not encapsulated:
        if declared not in ("native", "deflated-frame"):
            note(_mismatch(uid, "the pixel data is not encapsulated"))
        return "native"
    found = sniff(bytes(data[:4096]))
    if declared == found:
        return declared
    if found is not None:
        if declared == "deflated-frame" or uid == _ENCAPSULATED_UNCOMPRESSED:
            # Bytes of these may look like anything; the declaration counts.
            return declared
        if {declared, found} != {"jpeg2000", "htj2k"}:
            note(_mismatch(uid, f"the frame is {found}"))
        return found
    if declared in ("rle", "deflated-frame") or uid == _ENCAPSULATED_UNCOMPRESSED:
        return declared
    if declared == "native":
        raise CodestreamError("encapsulated pixel data of no known codec, under a native transfer syntax")
    raise CodestreamError(f"the frame does not start as {declared} data does: {bytes(data[:4]).hex(' ')}")


def _mismatch(uid: str, found: str) -> Notice:
    return Notice(
        "other-syntax", f"{found}, unlike transfer syntax {uid or '(none)'}; it was decoded as found"
    )
