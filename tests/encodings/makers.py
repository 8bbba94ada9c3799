"""Who makes the encoded objects: libraries that write one frame each, and the file around them.

Every maker takes stored values (rows, columns[, 3]) in the narrowest type that holds them and the case, and
gives the bytes of one frame.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
import openjpeg.utils
import rle
from PIL import Image
from pydicom.pixels.encoders.base import EncodeRunner
from pydicom.pixels.encoders.native import _encode_frame
from pydicom.uid import RLELossless

from tests.builders import Element, encapsulated, image, offsets
from tests.encodings.cases import NATIVE, Array, Case
from tests.encodings.layout import native
from tests.encodings.markers import signed

Maker = Callable[[Array, Case], bytes]


def _unsigned(frame: Array, case: Case) -> Array:
    """Bits Stored bits of each value, for codecs that know no sign."""
    return (frame.astype(np.int64) & ((1 << case.bits) - 1)).astype(f"u{frame.itemsize}")


def layout(frame: Array, case: Case) -> bytes:
    """One uncompressed frame, for Encapsulated Uncompressed (PS3.5 A.4.11)."""
    return native(frame[None], case)


def deflate(frame: Array, case: Case) -> bytes:
    """Raw deflate around an uncompressed frame (PS3.5 A.4.12)."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(native(frame[None], case)) + deflater.flush()


def pydicom_rle(frame: Array, case: Case) -> bytes:
    """pydicom's own encoder, of whole words."""
    runner = EncodeRunner(RLELossless)
    runner.set_options(
        rows=case.rows,
        columns=case.columns,
        number_of_frames=1,
        samples_per_pixel=case.samples,
        bits_allocated=case.allocated,
        bits_stored=case.allocated,
        pixel_representation=0,
        photometric_interpretation=case.photometric.replace("_422", "")
        if case.samples == 3
        else "MONOCHROME2",
        planar_configuration=0,
        pixel_keyword="PixelData",
    )
    wide = (frame.astype(np.int64) & ((1 << case.bits) - 1)) << case.shift
    return bytes(_encode_frame(wide.astype(f"<u{case.allocated // 8}").tobytes(), runner))


def pylibjpeg_rle(frame: Array, case: Case) -> bytes:
    """pylibjpeg's RLE, which is given eight bits a byte and writes one (PS3.5 G.2)."""
    data = native(frame[None], case)[: -(-frame.size * case.allocated // 8)]
    names = ("rows", "columns", "samples_per_pixel", "bits_allocated")
    values = (case.rows, case.columns, case.samples, case.allocated)
    return bytes(rle.encode_pixel_data(data, byteorder="<", **dict(zip(names, values, strict=True))))


def turbo_lossless(frame: Array, case: Case) -> bytes:
    """Lossless JPEG by libjpeg-turbo; the setting is the predictor."""
    options: dict[str, Any] = {"lossless": True, "predictor": case.setting or 1, "bitspersample": case.bits}
    if case.samples == 3:
        options |= {"colorspace": "RGB", "outcolorspace": "RGB"}
    stream = bytes(imagecodecs.jpeg8_encode(_unsigned(frame, case), **options))
    # The encoder marks the stream as RGB. It can write YCbCr, but names wrong Huffman tables then.
    return signed(stream) if case.photometric == "YBR_FULL" else stream


def liblj92(frame: Array, case: Case) -> bytes:
    """Lossless JPEG with predictor 6 by liblj92, which raw photographs are written with."""
    return bytes(imagecodecs.ljpeg_encode(_unsigned(frame, case), bitspersample=case.bits))


def turbo(frame: Array, case: Case) -> bytes:
    """Baseline or extended JPEG by libjpeg-turbo; the setting is the subsampling of chroma."""
    options: dict[str, Any] = {"bitspersample": 8 if case.bits <= 8 else 12}
    if case.samples == 3:
        options["subsampling"] = case.setting or "444"
    return bytes(imagecodecs.jpeg8_encode(frame, 95, **options))


def pillow_progressive(frame: Array, case: Case) -> bytes:
    """Full progression by Pillow."""
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=95, progressive=True, subsampling=0)
    return stream.getvalue()


def charls(frame: Array, case: Case) -> bytes:
    """JPEG-LS by pyjpegls; the setting is (interleave mode, NEAR)."""
    interleave, near = case.setting or (2, 0)
    # CharLS takes planes for mode 0, and pixels for the two others.
    ordered = frame.transpose(2, 0, 1) if case.samples == 3 and interleave == 0 else frame
    words = _unsigned(np.ascontiguousarray(ordered), case)
    arguments = (words.tobytes(), case.rows, case.columns, case.samples, case.bits, near)
    return bytes(jpeg_ls.encode_buffer(*arguments, interleave if case.samples == 3 else None))


def openjpeg_part1(frame: Array, case: Case) -> bytes:
    """JPEG 2000 by OpenJPEG; the setting is the compression ratio of the irreversible transform."""
    options: dict[str, Any] = {"compression_ratios": [case.setting]} if case.setting else {}
    transform = case.photometric in ("YBR_ICT", "YBR_RCT")
    options |= {"photometric_interpretation": int(transform), "use_mct": transform}
    return bytes(openjpeg.utils.encode_array(frame, case.bits, **options))


def openjph(frame: Array, case: Case) -> bytes:
    """HTJ2K by OpenJPH, in progression order RPCL; the setting is a quantisation step for the irreversible.

    The binding writes whole bytes only. Samples of other depths go as signed words, which have no level
    shift, and SIZ is told the depth; unsigned ones are shifted here by half of it (T.800 G.1.2).
    """
    options: dict[str, Any] = {"reversible": True} if not case.setting else {"level": case.setting}
    transform = case.photometric in ("YBR_ICT", "YBR_RCT")
    if case.samples == 3:
        options |= {"rgb": transform}
    if case.bits in (8, 16):
        return bytes(imagecodecs.htj2k_encode(frame, **options))
    centred = frame.astype(int) - (0 if case.signed else 1 << (case.bits - 1))
    stream = bytearray(imagecodecs.htj2k_encode(centred.astype(f"i{frame.itemsize}"), **options))
    depths = stream.index(b"\xff\x51") + 40
    for component in range(case.samples):
        assert stream[depths + 3 * component] == 0x80 + 8 * frame.itemsize - 1
        stream[depths + 3 * component] = (0x80 if case.signed else 0) + case.bits - 1
    return bytes(stream)


def libjxl(frame: Array, case: Case) -> bytes:
    """JPEG XL by libjxl; the setting is its distance, None lossless."""
    options: dict[str, Any] = {"lossless": True} if case.setting is None else {"distance": case.setting}
    return bytes(imagecodecs.jpegxl_encode(_unsigned(frame, case), bitspersample=case.bits, **options))


def libjxl_of_jpeg(frame: Array, case: Case) -> bytes:
    """A baseline JPEG recompressed by libjxl."""
    return bytes(imagecodecs.jpegxl_encode_jpeg(turbo(frame, case), usecontainer=True))


MAKERS: dict[str, Maker] = {
    "layout": layout,
    "zlib": deflate,
    "pydicom": pydicom_rle,
    "pylibjpeg": pylibjpeg_rle,
    "turbo-lossless": turbo_lossless,
    "liblj92": liblj92,
    "turbo": turbo,
    "pillow": pillow_progressive,
    "charls": charls,
    "openjpeg": openjpeg_part1,
    "openjph": openjph,
    "libjxl": libjxl,
    "libjxl-jpeg": libjxl_of_jpeg,
}


def streams(case: Case) -> list[bytes]:
    """Each frame as its maker encodes it."""
    maker = MAKERS[case.maker]
    encapsulated_native = case.maker in ("layout", "zlib")
    kind = case.kind if encapsulated_native or case.bits > 16 else case.codestream_kind
    return [maker(np.ascontiguousarray(frame.astype(kind)), case) for frame in case.pixels]


def split(stream: bytes, size: int) -> list[bytes]:
    """Fragments of at most so many bytes; all in one where ``size`` is 0."""
    return [stream[at : at + size] for at in range(0, len(stream), size)] if size else [stream]


def dicom_file(case: Case, *, extra: list[Element] | None = None, **changes: Any) -> bytes:
    """The object of a case, with a right offset table where it is encapsulated."""
    values: dict[str, Any] = {
        "rows": case.rows,
        "columns": case.columns,
        "bits": case.allocated,
        "stored": case.bits,
        "samples": case.samples,
        "photometric": case.photometric,
        "planar": case.planar if case.samples == 3 else None,
        "representation": int(case.signed),
        "frames": case.frames,
        "extra": extra or [],
    }
    if case.high_bit >= 0:
        values["high_bit"] = case.high_bit
    if case.is_float:
        values |= {"stored": None, "high_bit": None, "representation": None}
        values["pixel_tag"] = 0x7FE00008 if case.allocated == 32 else 0x7FE00009
    if case.syntax in NATIVE:
        vr = {(32, True): "OF", (64, True): "OD", (64, False): "OV"}.get((case.allocated, case.is_float), "")
        return image(
            native(case.pixels, case), case.uid, **({"vr": case.vr or vr or "OW"} | values | changes)
        )
    fragments = [split(stream, case.split) for stream in streams(case)]
    flat = [fragment for frame in fragments for fragment in frame]
    return image(encapsulated(flat, table=offsets(fragments)), case.uid, **(values | changes))
