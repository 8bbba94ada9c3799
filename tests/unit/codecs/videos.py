"""Videos for tests: drawn, encoded by libx264, libx265 or FFmpeg's MPEG-2, put into DICOM objects."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

import fastdcm
from fastdcm.errors import FastdcmError
from tests.builders import encapsulated, image
from tests.unit.reader.test_reader_source import Remote

Array = NDArray[Any]
UID = "1.2.840.10008.1.2.4."
FRAMES, ROWS, COLUMNS = 30, 96, 128
#: Key frames every 12, two B-frames between others, so that frames are coded in another order than shown.
X264 = (("x264-params", "bframes=2:b-adapt=0:keyint=12:min-keyint=12:scenecut=0"),)
X265 = (("x265-params", "bframes=2:b-adapt=0:keyint=12:min-keyint=12:log-level=none"),)
MPEG2 = (("bf", "2"), ("g", "12"))
OPTIONS = {"libx264": X264, "libx265": X265, "mpeg2video": MPEG2}
_ELEMENTARY = {"libx264": "h264", "libx265": "hevc", "mpeg2video": "mpeg2video"}


class Kind(NamedTuple):
    """How a video is coded; ``syntax`` is the end of the transfer syntax that declares it."""

    codec: str
    container: str
    syntax: str
    rows: int = ROWS
    columns: int = COLUMNS
    bits: int = 8
    options: tuple[tuple[str, str], ...] = ()
    frames: int = FRAMES
    audio: bool = False


KINDS = {
    "mpeg2": Kind("mpeg2video", "", "100"),
    "mpeg2 ts": Kind("mpeg2video", "mpegts", "101.1"),
    "mpeg2 ps": Kind("mpeg2video", "vob", "100.1"),
    "h264": Kind("libx264", "", "102"),
    "h264 ts": Kind("libx264", "mpegts", "103.1"),
    "h264 mp4": Kind("libx264", "mp4", "104"),
    "hevc": Kind("libx265", "", "107"),
    "hevc ts": Kind("libx265", "mpegts", "107"),
    "hevc mp4": Kind("libx265", "mp4", "107"),
    "hevc 10": Kind("libx265", "mp4", "108", bits=10),
}


def drawn(number: int, kind: Kind) -> list[Array]:
    """Y, Cb, Cr of a frame that resembles no other: slopes that move, colours, a patch of noise."""
    down, right = np.mgrid[: kind.rows, : kind.columns]
    luma = (2 * right + down + 11 * number) % 200 + 20
    patch = luma[10:30, (5 * number) % 64 :][:, :24]
    patch += np.random.default_rng(number).integers(0, 30, patch.shape)
    small = (right[::2, ::2] + 3 * number) % 180 + 30, (down[::2, ::2] * 2 + 5 * number) % 180 + 30
    dtype = "u1" if kind.bits == 8 else "<u2"
    return [(plane << (kind.bits - 8)).astype(dtype) for plane in (luma, *small)]


def _frame(number: int, kind: Kind) -> av.VideoFrame:
    frame = av.VideoFrame(kind.columns, kind.rows, "yuv420p" if kind.bits == 8 else "yuv420p10le")
    for plane, values in zip(frame.planes, drawn(number, kind), strict=True):
        lines = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        lines[:, : values.shape[1]] = values
        plane.update(lines.tobytes())
    frame.pts, frame.time_base = number, Fraction(1, 25)
    return frame


@cache
def encoded(kind: Kind) -> bytes:
    """The video, elementary or in its container."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind.container or _ELEMENTARY[kind.codec]) as container:
        options = dict(OPTIONS[kind.codec]) | dict(kind.options)
        stream = container.add_stream(kind.codec, rate=25, options=options)
        stream.width, stream.height = kind.columns, kind.rows
        stream.pix_fmt = "yuv420p" if kind.bits == 8 else "yuv420p10le"
        sound = container.add_stream("mp2", rate=48000) if kind.audio else None
        for number in range(kind.frames):
            container.mux(stream.encode(_frame(number, kind)))
        if sound is not None:
            silence = av.AudioFrame("s16", "stereo", 1152)
            silence.sample_rate, silence.pts = 48000, 0
            silence.planes[0].update(bytes(silence.planes[0].buffer_size))
            container.mux([*sound.encode(silence), *sound.encode(None)])
        container.mux(stream.encode(None))
    return out.getvalue()


def tables_first(mp4: bytes) -> bytes:
    """The MP4 file with its ``moov`` box, which encoders write at the end, in front of the media."""
    at, end, boxes = 0, len(mp4), {}
    while at < end:
        size = int.from_bytes(mp4[at : at + 4], "big")
        boxes[mp4[at + 4 : at + 8]] = mp4[at : at + size]
        at += size
    moov = bytearray(boxes.pop(b"moov"))
    at = moov.index(b"stco") + 8  # the offsets of chunks in the file (ISO/IEC 14496-12 8.7.5)
    for entry in range(at + 4, at + 4 + 4 * int.from_bytes(moov[at : at + 4], "big"), 4):
        offset = int.from_bytes(moov[entry : entry + 4], "big")
        moov[entry : entry + 4] = (offset + len(moov)).to_bytes(4, "big")
    return boxes.pop(b"ftyp") + bytes(moov) + b"".join(boxes.values())


def dicom_file(
    data: bytes, kind: Kind, *, fragments: int = 1, samples: int = 3, bits: int = 0, **changes: Any
) -> bytes:
    """The object around a video; ``changes`` go to `tests.builders.image`."""
    bits = bits or kind.bits
    size = -(-len(data) // (2 * fragments)) * 2
    parts = [data[start : start + size] for start in range(0, len(data), size or 1)]
    given: dict[str, Any] = {
        "photometric": "YBR_PARTIAL_420" if samples == 3 else "MONOCHROME2",
        "rows": kind.rows,
        "columns": kind.columns,
        "frames": kind.frames,
        "bits": 8 if bits == 8 else 16,
        "stored": bits,
    }
    syntax = changes.pop("syntax", kind.syntax)
    return image(encapsulated(parts), UID + syntax, samples=samples, **(given | changes))


@cache
def reference(kind: Kind) -> tuple[tuple[Array, ...], ...]:
    """The planes of each frame as PyAV gives them in its plainest way, in the order shown."""
    found = []
    with av.open(io.BytesIO(encoded(kind))) as container:
        for frame in container.decode(video=0):
            dtype = np.dtype("u1" if kind.bits == 8 else "<u2")
            planes = []
            for plane in frame.planes:
                lines = np.frombuffer(bytes(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
                planes.append(lines[: plane.height, : plane.width].copy())
            found.append(tuple(planes))
    return tuple(found)


def triples(planes: Sequence[Array]) -> Array:
    """Y, Cb, Cr of each pixel: the chroma of the 2 x 2 pixels that share it."""
    luma, *chroma = planes
    down, right = np.indices(luma.shape) // 2
    return np.stack([luma, *(plane[down, right] for plane in chroma)], -1)


def readable(img: fastdcm.Image) -> tuple[dict[int, Array], dict[int, FastdcmError]]:
    """The frames that are given, as coded, and the errors of the others, in the order of frames."""
    given: dict[int, Array] = {}
    errors: dict[int, FastdcmError] = {}
    for index in range(len(img)):
        try:
            given[index] = img.pixels(index, raw=True)
        except FastdcmError as error:
            errors[index] = error
    return given, errors


def opened(kind: Kind, **changes: Any) -> fastdcm.Image:
    return fastdcm.open(dicom_file(encoded(kind), kind, **changes))


def codes(img: fastdcm.Image) -> list[str]:
    return [notice.code for notice in img.notices]


class Counted(Remote):
    """A source that knows how often the start of the video was read."""

    def __init__(self, data: bytes, start: bytes) -> None:
        super().__init__(data)
        self.place, self.starts, self.longest = data.index(start), 0, 0

    def read(self, offset: int, length: int) -> bytes:
        self.longest = max(self.longest, length)
        self.starts += offset == self.place
        return super().read(offset, length)
