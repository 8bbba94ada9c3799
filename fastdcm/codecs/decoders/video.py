"""Video: MPEG-2, H.264 and HEVC by FFmpeg, through PyAV (extra ``video``).

All frames of an object share one stream (PS3.5 8.2.5 to 8.2.11), elementary or in a container. It is decoded
from its start on, in one thread, frames in the order of presentation; going back starts again.

FFmpeg is told to stop at whatever its decoders find wrong (``err_detect``), and marks what it could only
conceal; of transport streams the continuity counters are followed. A frame is given once every frame that was
coded before it, and so may be its reference, is known to be right, and another packet follows it: of what is
cut, decoders make frames without a complaint. What is coded after a damaged frame is an error: it may be
predicted from it, and nobody knows how many frames were lost with it. Damage that still decodes is not found;
HEVC without check sums often does.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from fastdcm.codecs.decoders.common import Note, check_geometry, samples_of
from fastdcm.codecs.table import SYNTAXES
from fastdcm.codestream import sniff
from fastdcm.codestream.transport import packet_of
from fastdcm.codestream.video import HEAD, Codec, Format, Stream, identify
from fastdcm.errors import CodestreamError, DicomError, FastdcmError, TruncatedError, UnsupportedError
from fastdcm.model import Header, Notice, Samples

if TYPE_CHECKING:
    from av import VideoFrame

    from fastdcm.codecs.decoders.video_frames import VideoFrames

#: What follows 1.2.840.10008.1.2.4. in the transfer syntaxes of a codec.
_DECLARED: dict[str, Codec] = {"100": "mpeg2", "101": "mpeg2", "107": "hevc", "108": "hevc"}
_STEREO_HIGH = "106"
#: Frames that are kept for threads which read one after the other: so many, but not more bytes than these.
_KEPT_FRAMES, _KEPT_BYTES = 8, 32 << 20


class Video:
    """The frames of one object, decoded when they are asked for; safe to use from several threads."""

    def __init__(self, header: Header, open_stream: Callable[[], Stream]) -> None:
        self._header, self._open_stream = header, open_stream
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._format: Format | None = None
        self._head = b""
        self._frames: VideoFrames | None = None
        self._next = 0  # index of the frame that the decoder gives next
        frame_bytes = header.rows * header.columns * max(header.bits_allocated, 8) * 3 // 16
        self._kept: deque[tuple[int, VideoFrame]] = deque(
            maxlen=min(_KEPT_FRAMES, 1 + _KEPT_BYTES // frame_bytes)
        )
        self._end: tuple[int, FastdcmError] | None = None

    def is_there(self) -> bool:
        """Whether it is video, as far as is known: False where another codec's data is there instead."""
        with self._lock:
            return self._identified() is not None or sniff(self._head) is None

    def frame(self, index: int, *, rgb: bool, note: Note) -> Samples:
        """One frame as samples: RGB or, without ``rgb``, YCbCr triples as coded; luma alone where the data
        set has one sample a pixel.

        Raises `UnsupportedError` without PyAV, `CodestreamError` where the stream is damaged or contradicts
        the header, `TruncatedError` for frames that it does not have.
        """
        with self._lock:
            frame = self._find(index)
            if index + 1 == self._header.frames and self._has_more():
                note(
                    Notice(
                        "video-frames", f"the video has more frames than the {index + 1} of Number of Frames"
                    )
                )
            self._tell(index, frame, note)
            return self._samples(frame, rgb, note)

    def close(self) -> None:
        """Let go of the decoder and of what is kept."""
        with self._lock:
            self._restart()
            self._kept.clear()

    def _identified(self) -> Format | None:
        if self._stream is None:
            stream, head = self._open_stream(), b""
            while len(head) < HEAD and (data := stream.read(HEAD - len(head))):
                head += data
            self._format, self._head, self._stream = identify(head), head, stream
        return self._format

    def _restart(self) -> None:
        if self._frames is not None:
            self._frames.close()
        self._frames, self._next = None, 0

    def _find(self, index: int) -> VideoFrame:
        """The frame: kept, or decoded from where the last one was, or from the start."""
        for number, frame in self._kept:
            if number == index:
                return frame
        if self._end is not None and index >= self._end[0]:
            raise type(self._end[1])(self._end[1].message)
        if index < self._next:
            self._restart()
        frame = self._advance()
        while self._next <= index:
            frame = self._advance()
        return frame

    def _advance(self) -> VideoFrame:
        """The next frame. What is wrong with it is remembered: it is wrong with all behind it, too."""
        try:
            if self._frames is None:
                self._frames = self._opened()
            frame = self._frames.next()
            check_geometry(self._header, "video", frame.height, frame.width, self._header.samples_per_pixel)
        except FastdcmError as error:
            if isinstance(error, CodestreamError | DicomError | UnsupportedError):
                self._end = (self._next, error)
            self._restart()
            raise
        self._kept.append((self._next, frame))
        self._next += 1
        return frame

    def _opened(self) -> VideoFrames:
        """A new decoder at the start of the stream."""
        found, stream = self._identified(), self._stream
        if found is None or stream is None:
            if not self._head or (stream is not None and stream.cut):
                raise TruncatedError(f"{len(self._head)} bytes of the video are there")
            raise CodestreamError(f"the pixel data starts as no video does: {self._head[:8].hex(' ')}")
        try:
            from fastdcm.codecs.decoders.video_frames import VideoFrames
        except ImportError as error:
            syntax = SYNTAXES[self._header.transfer_syntax_uid]
            raise UnsupportedError(
                f"transfer syntax {syntax.name} ({syntax.uid}) needs PyAV, which is not installed: "
                "pip install '.[video]' in the source tree"
            ) from error
        try:
            return VideoFrames(self._open_stream, found, packet_of(self._head), self._header)
        except CodestreamError as error:
            if stream.cut:
                raise TruncatedError(f"Pixel Data is cut; {error.message}") from error
            raise

    def _has_more(self) -> bool:
        """Whether there are frames behind the last that the data set declares."""
        if self._frames is None or self._next != self._header.frames:
            return False  # it was looked at when the last frame was decoded
        try:
            self._frames.next()
        except (CodestreamError, DicomError):
            return False  # the end, or damage behind all that was asked for
        finally:
            self._next += 1
        return True

    def _tell(self, index: int, frame: VideoFrame, note: Note) -> None:
        """Notices on what is odd, but was read."""
        uid, photometric = self._header.transfer_syntax_uid, self._header.photometric_interpretation
        syntax = uid.removeprefix("1.2.840.10008.1.2.4.").partition(".")[0]
        if self._frames is not None and self._frames.codec != _DECLARED.get(syntax, "h264"):
            message = (
                f"the video is {self._frames.codec}, unlike transfer syntax {uid}; it was decoded as found"
            )
            note(Notice("other-syntax", message))
        if index + 1 == self._header.frames and self._frames is not None and self._frames.whole_but_cut:
            note(Notice("pixel-data-cut", "Pixel Data is cut, but behind the last frame of the video"))
        if syntax == _STEREO_HIGH:
            note(Notice("stereo", "of the two views of stereo video the base view is given"))
        if frame.interlaced_frame:
            note(Notice("interlaced", "the video is interlaced; frames hold both fields, as coded"))
        if photometric not in ("YBR_PARTIAL_420", "MONOCHROME2"):
            note(Notice("photometric", f"the video is YCbCr, Photometric Interpretation says {photometric}"))

    def _samples(self, frame: VideoFrame, rgb: bool, note: Note) -> Samples:
        from fastdcm.codecs.decoders import video_samples

        picture = video_samples.picture(frame)
        photometric = "RGB" if rgb else picture.photometric_interpretation
        if self._header.samples_per_pixel == 1:
            array, photometric = picture.luma.copy(), self._header.photometric_interpretation
        else:
            array = video_samples.rgb(picture) if rgb else video_samples.ybr(picture)
        header = self._header
        if header.signed:
            note(Notice("sign", "Pixel Representation says signed; samples of video are not"))
            header = replace(header, pixel_representation=0)
        bits = picture.bits
        return samples_of(array, header, precision=bits, signed=None, photometric=photometric, note=note)
