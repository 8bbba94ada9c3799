"""Decoders of codestreams that are not those of fastdcm: each takes one frame and gives stored values."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom

from fastdcm.codestream import Kind, jpeg, jpeg2000, sniff
from fastdcm.model import Header
from tests.builders import EXPLICIT, Element, encapsulated, image
from tests.corpus.second import Array, module, run


class NotDoneError(Exception):
    """A decoder does not do this kind of stream."""


@dataclass(frozen=True)
class Frame:
    """One encapsulated frame and what the data set says of it."""

    stream: bytes
    header: Header

    @property
    def kind(self) -> Kind | None:
        """What the stream is, by its signature."""
        return sniff(self.stream)

    @property
    def depth(self) -> tuple[int, bool]:
        """Bits of a sample, and whether the stream says that they are signed."""
        if self.kind in ("jpeg", "jpeg-ls"):
            return jpeg.parse(self.stream).precision, False
        first = jpeg2000.parse(self.stream).components[0]
        return first.precision, first.signed

    @property
    def process(self) -> str:
        """The process in words."""
        if self.kind in ("jpeg", "jpeg-ls"):
            stream = jpeg.parse(self.stream)
            shared = ", shared chroma" if stream.subsampled else ""
            near = f", near {stream.near}" if stream.near else ""
            by_sample = ", by sample" if self.kind == "jpeg-ls" and stream.interleave == 2 else ""
            return f"{stream.process} {stream.precision}{shared}{near}{by_sample}"
        wavelets = jpeg2000.parse(self.stream)
        transform = "reversible" if wavelets.cod.blocks.reversible else "irreversible"
        return f"{transform} {wavelets.components[0].precision}"

    @property
    def bound(self) -> int:
        """By how much two right decoders may differ: by the rounding of an inverse DCT (T.81 A.3.3) and of
        the irreversible wavelet (T.800 F.3.8), and else not at all."""
        if self.kind == "jpeg":
            return 0 if jpeg.parse(self.stream).process == "lossless" else 2
        if self.kind in ("jpeg2000", "htj2k"):
            return 0 if jpeg2000.parse(self.stream).cod.blocks.reversible else 1
        return 0

    def meant(self, values: Array) -> Array:
        """A stream's samples as Pixel Representation means them (PS3.5 8.1.1)."""
        bits, signed = self.depth
        wide = values.astype(np.int64)
        if signed == self.header.signed:
            return wide
        wide &= (1 << bits) - 1
        if self.header.signed:
            wide[wide >> (bits - 1) == 1] -= 1 << bits
        return wide

    def file(self) -> bytes:
        """A DICOM object of this frame alone, of the transfer syntax that the stream has."""
        h = self.header
        colour = h.samples_per_pixel == 3
        syntax = h.transfer_syntax_uid
        if syntax == EXPLICIT:
            assert self.process.startswith("lossless"), "true for the corpus"
            syntax = "1.2.840.10008.1.2.4.57"
        return image(
            encapsulated([self.stream]),
            syntax,
            rows=h.rows,
            columns=h.columns,
            samples=h.samples_per_pixel,
            # Without the palette, which would be missing.
            photometric=h.photometric_interpretation.replace("PALETTE COLOR", "MONOCHROME2"),
            planar=0 if colour else None,
            bits=h.bits_allocated,
            stored=h.bits_stored,
            high_bit=h.high_bit,
            representation=h.pixel_representation,
            sop_class="1.2.840.10008.5.1.4.1.1.7",
            sop_instance="1.2.3",
            extra=[Element(0x00100010, "PN", "")],
        )


def _through_file(frame: Frame, *command: str) -> Array:
    """A command that writes an uncompressed copy of a DICOM file, read by pydicom."""
    with tempfile.TemporaryDirectory() as folder:
        source, native = Path(folder) / "source.dcm", Path(folder) / "native.dcm"
        source.write_bytes(frame.file())
        run(*command, source, native)
        return pydicom.pixels.pixel_array(pydicom.dcmread(native), raw=True)


def dcmtk(frame: Frame) -> Array:
    """JPEG by DCMTK's own copies of IJG's library for 8, 12 and 16 bits."""
    if frame.kind != "jpeg":
        raise NotDoneError
    return _through_file(frame, "dcmdjpeg", "--conv-never", "--color-by-pixel")


def gdcm(frame: Frame) -> Array:
    """JPEG by GDCM's copies of IJG's library; JPEG 2000 by OpenJPEG, JPEG-LS by CharLS."""
    if frame.kind == "htj2k":
        raise NotDoneError
    return _through_file(frame, "gdcmconv", "--raw")


def libjpeg(frame: Frame) -> Array:
    """JPEG and JPEG-LS by T. Richter's libjpeg."""
    if frame.kind not in ("jpeg", "jpeg-ls"):
        raise NotDoneError
    return frame.meant(module("libjpeg").decode(frame.stream))


def openjpeg(frame: Frame) -> Array:
    """JPEG 2000 and HTJ2K by OpenJPEG's own command."""
    if frame.kind not in ("jpeg2000", "htj2k"):
        raise NotDoneError
    stream = jpeg2000.parse(frame.stream)
    with tempfile.TemporaryDirectory() as folder:
        source, planes = Path(folder) / "source.j2k", Path(folder) / "planes.rawl"
        source.write_bytes(frame.stream[stream.offset : stream.end])
        run("opj_decompress", "-i", source, "-o", planes)
        kind = (
            f"{'i' if stream.components[0].signed else 'u'}{1 if stream.components[0].precision <= 8 else 2}"
        )
        values = np.frombuffer(planes.read_bytes(), f"<{kind}")
    return frame.meant(_by_pixel(values.reshape(-1, stream.rows, stream.columns)))


def _by_pixel(planes: Array) -> Array:
    return planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)


#: What FFmpeg calls its own decoders.
_FFMPEG: dict[Kind, str] = {"jpeg2000": "jpeg2000", "htj2k": "jpeg2000", "jpeg-ls": "jpegls", "jpeg": "mjpeg"}


def ffmpeg(frame: Frame) -> Array:
    """JPEG 2000, HTJ2K, JPEG-LS and gray JPEG by FFmpeg's own decoders, through PyAV."""
    av = module("av")
    kind = frame.kind
    # It gives other values than all the others for some lossless JPEG and for JPEG-LS by sample.
    if kind not in _FFMPEG or frame.process.startswith("lossless") or "by sample" in frame.process:
        raise NotDoneError
    stream = frame.stream
    if kind in ("jpeg2000", "htj2k"):
        wavelets = jpeg2000.parse(stream)
        stream = stream[wavelets.offset : wavelets.end]
    context = av.CodecContext.create(_FFMPEG[kind], "r")
    context.thread_count = 1
    (decoded,) = [*context.decode(av.Packet(stream)), *context.decode(None)]
    if decoded.format.name.startswith("yuv"):
        raise NotDoneError  # chroma is left as it is shared
    values = decoded.to_ndarray()
    bits, signed = frame.depth
    room = decoded.format.components[0].bits
    values = values.astype(np.int64) >> max(room - bits, 0)
    if signed:
        values -= 1 << (bits - 1)
    return frame.meant(values)


DECODERS: dict[str, Callable[[Frame], Array]] = {
    "DCMTK": dcmtk,
    "GDCM": gdcm,
    "libjpeg (Richter)": libjpeg,
    "OpenJPEG": openjpeg,
    "FFmpeg": ffmpeg,
}
