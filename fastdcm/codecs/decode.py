"""One frame's bytes to samples: choose the decoder by what the table and the bytes say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastdcm.codecs.table import LIBRARIES, SYNTAXES, Family, lookup
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.model import Header, Less, Notice, Samples

if TYPE_CHECKING:
    from fastdcm.codecs.decoders.video import Video
    from fastdcm.codestream.video import Stream

Note = Callable[[Notice], None]
Darkest = Callable[[int], float]  # see `fastdcm.codecs.decoders.common`

_ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"


def decode_frame(
    data: memoryview,
    header: Header,
    *,
    encapsulated: bool,
    bit_offset: int = 0,
    little: bool = True,
    rgb: bool = True,
    mask: bool = True,
    darkest: Darkest | None = None,
    threads: int = 1,
    decoder: str = "auto",
    less: Less | None = None,
    note: Note,
) -> Samples:
    """Decode one frame.

    ``data`` are its bytes, of which the first ``bit_offset`` bits belong to the frame before;
    ``little`` is the byte order of native samples. With ``rgb`` a JPEG stream is converted to RGB
    by its own decoder, else samples stay as coded. Without ``mask``, native and RLE samples may keep what
    is above Bits Stored. The result's array has the shape (rows, columns[, 3]). A frame that is cut is an
    error, unless ``darkest`` is given: what gives the stored value to fill it up with, where the codec
    can be decoded in part (native, RLE, deflated, JPEG; JPEG-LS and JPEG 2000 by our own decoders).
    ``threads`` may work at it (JPEG 2000, lossless JPEG), and ``decoder`` chooses what does, as in
    `fastdcm.options.ReadOptions`. ``less`` is what may be left out, by decoders that can (baseline JPEG,
    JPEG 2000); ``halved`` of the result says what was.

    Raises `CodestreamError` where the data is damaged or contradicts the header,
    `UnsupportedError` for what no decoder here takes.
    """
    family = _family(data, header, encapsulated=encapsulated, note=note)
    if family == "native":
        from fastdcm.codecs.decoders import native

        return native.decode(
            data, header, bit_offset=bit_offset, little=little, mask=mask, darkest=darkest, note=note
        )
    if family == "deflated-frame":
        from fastdcm.codecs.decoders import native

        return native.decode_deflated(data, header, darkest=darkest, note=note)
    if family == "rle":
        from fastdcm.codecs.decoders import rle

        return rle.decode(data, header, mask=mask, darkest=darkest, note=note)
    if family == "jpeg":
        from fastdcm.codecs.decoders import jpeg

        return jpeg.decode(
            bytes(data),
            header,
            rgb=rgb,
            decoder=decoder,
            threads=threads,
            darkest=darkest,
            less=less,
            note=note,
        )
    if family == "jpeg-ls":
        from fastdcm.codecs.decoders import jpegls

        return jpegls.decode(bytes(data), header, decoder=decoder, darkest=darkest, note=note)
    if family == "jpegxl":
        from fastdcm.codecs.decoders import jpegxl

        return jpegxl.decode(bytes(data), header, note=note)
    from fastdcm.codecs.decoders import jpeg2000

    return jpeg2000.decode(
        data,
        header,
        high_throughput=family == "htj2k",
        threads=threads,
        decoder=decoder,
        darkest=darkest,
        less=less,
        note=note,
    )


def is_native(header: Header) -> bool:
    """Whether the transfer syntax is an uncompressed one, whose frames are samples as they lie there."""
    uid = header.transfer_syntax_uid
    return not uid or (uid != _ENCAPSULATED_UNCOMPRESSED and lookup(uid).family == "native")


def decoded_by(data: memoryview, header: Header, *, decoder: str = "auto", partial: bool = False) -> str:
    """What decodes an encapsulated frame, in words; where we have a decoder of our own, why it is not that.

    ``partial`` is whether it may be cut.

    Raises as `decode_frame` where the frame's headers show that nothing does.
    """
    family = _family(data, header, encapsulated=True, note=lambda notice: None)
    judge = _JUDGES.get(family)
    if decoder == "library" or judge is None:
        return LIBRARIES[family]
    verdict = judge(bytes(data), partial)
    if verdict is None:
        return LIBRARIES[family]
    name, reason = verdict
    if reason and decoder == "own":
        raise UnsupportedError(f"the own {name} decoder does not take {reason}")
    if family == "htj2k":
        return LIBRARIES[family]
    library = LIBRARIES[family].partition(" ")[0]
    if reason:
        return f"{library}: {reason}"
    return f"own {name} decoder" + (f" ({library} in small jobs)" if decoder == "auto" else "")


#: The name of our own decoder for a stream, and why it does not take it; None where there is none.
_Verdict = tuple[str, str] | None


def _judge_jpeg(data: bytes, partial: bool) -> _Verdict:
    from fastdcm.codecs.jpeg_lossless import headers as lossless
    from fastdcm.codecs.jpeg_scans import headers as of_dct
    from fastdcm.codestream import jpeg, markers

    marker = markers.frame_marker(data)
    if marker == markers.LOSSLESS:
        return "lossless JPEG", lossless.refusal(jpeg.parse(data, partial=True))
    if marker not in markers.OF_DCT or partial:
        return None
    judged = of_dct.judged(jpeg.parse(data, partial=True))
    return None if judged is None else (judged.name, judged.refusal)


def _judge_jpegls(data: bytes, partial: bool) -> _Verdict:
    from fastdcm.codecs.jpegls.takes import refusal
    from fastdcm.codestream import jpeg, jpegls

    stream = jpeg.parse(data, partial=True)
    jpegls.codings(data, stream)
    return "JPEG-LS", refusal(stream)


def _judge_jpeg2000(data: bytes, partial: bool) -> _Verdict:
    from fastdcm.codecs.jpeg2000.blocks import refusal
    from fastdcm.codestream import jpeg2000

    return "JPEG 2000", refusal(data, jpeg2000.parse(data, partial=partial))


_JUDGES: dict[Family, Callable[[bytes, bool], _Verdict]] = {
    "jpeg": _judge_jpeg,
    "jpeg-ls": _judge_jpegls,
    "jpeg2000": _judge_jpeg2000,
    "htj2k": _judge_jpeg2000,
}


def open_video(header: Header, open_stream: Callable[[], Stream]) -> Video | None:
    """The decoder of an object whose frames are one video (encapsulated); None for other syntaxes.

    ``open_stream`` gives all fragments as one file, once it is needed.
    """
    syntax = SYNTAXES.get(header.transfer_syntax_uid)
    if syntax is None or syntax.family != "video":
        return None
    from fastdcm.codecs.decoders.video import Video

    return Video(header, open_stream)


def _family(data: memoryview, header: Header, *, encapsulated: bool, note: Note) -> Family:
    """The family that the bytes are of: the declared one, or the one that is really there."""
    uid = header.transfer_syntax_uid
    declared: Family = lookup(uid).family if uid else "native"
    if not encapsulated:
        if declared not in ("native", "deflated-frame"):
            note(_mismatch(uid, "the pixel data is not encapsulated"))
        return "native"
    found = _found(data, header)
    if declared == found:
        return declared
    if found is not None and not (uid == _ENCAPSULATED_UNCOMPRESSED and _is_of_native_size(data, header)):
        # Native samples may look like anything; deflated ones never start as a codestream does.
        note(_mismatch(uid, f"the frame is {found}"))
        return found
    if declared in ("rle", "deflated-frame") or uid == _ENCAPSULATED_UNCOMPRESSED:
        return declared
    if declared == "native":
        raise CodestreamError("encapsulated pixel data of no known codec, under a native transfer syntax")
    raise CodestreamError(f"the frame does not start as {declared} data does: {bytes(data[:4]).hex(' ')}")


def _found(data: memoryview, header: Header) -> Family | None:
    """What the bytes are by their signature, or by a header of RLE segments that fits the image."""
    from fastdcm.codestream import rle, sniff

    kind = sniff(bytes(data[:4096]))
    if kind is not None or len(data) < rle.HEADER_SIZE or data[4] != rle.HEADER_SIZE:
        return kind
    if any(data[4 * (data[0] + 1) : rle.HEADER_SIZE]):
        return None  # offsets of segments that there are not
    try:
        rle.parse(data, header.samples_per_pixel * max(header.bits_allocated, 8) // 8)
    except CodestreamError:
        return None
    return "rle"


def _is_of_native_size(data: memoryview, header: Header) -> bool:
    return len(data) - (header.native_frame_bits + 7) // 8 in (0, 1)


def _mismatch(uid: str, found: str) -> Notice:
    return Notice(
        "other-syntax", f"{found}, unlike transfer syntax {uid or '(none)'}; it was decoded as found"
    )
