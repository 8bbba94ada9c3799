"""The frames of one video stream in order of presentation, by FFmpeg through PyAV.

This module needs PyAV; `fastdcm.codecs.decoders.video` imports it when a frame is asked for.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import av
from av import Packet, VideoFrame, VideoStream
from av.codec.context import ThreadType

from fastdcm.codecs.decoders.common import check_geometry
from fastdcm.codestream.transport import Continuity
from fastdcm.codestream.video import Codec, Format, Stream
from fastdcm.errors import CodestreamError, DecodeError, FastdcmError, TruncatedError, UnsupportedError
from fastdcm.model import Header

#: FFmpeg's name of a codec -> ours.
_CODECS: dict[str, Codec] = {"mpeg1video": "mpeg2", "mpeg2video": "mpeg2", "h264": "h264", "hevc": "hevc"}
#: Check sums (SEI of HEVC) are compared, and nothing that a decoder finds wrong is passed over. "bitstream"
#: would take zeros that may follow a slice of MPEG-2 (ISO/IEC 13818-2 5.2.3) for damage.
_CHECKS = "crccheck+explode"
#: Pixels by which coded pictures may exceed Rows and Columns: parts of the last block.
_BLOCK = 128
#: No codec lets more frames be presented before one that was coded earlier (Rec. H.264 A.3.1).
_REORDERED = 16


class _Sent(NamedTuple):
    """A packet's place in the order of coding, by which its frame tells where it came from.

    Each packet needs an object of its own: PyAV finds it by its address, for all decoders of the process.
    What was small integers was forgotten for every one when one decoder let go of it.
    """

    position: int


class _Held(NamedTuple):
    """A frame and its place in the order of coding."""

    position: int
    frame: VideoFrame


class VideoFrames:
    """One pass through a stream; `next` gives each frame once it is certain to be right.

    ``codec`` is what the stream turned out to hold; ``packet`` are the packets of a transport stream.
    ``whole_but_cut`` tells, once the last frame was given, that only what is behind the video is cut.
    Raises what `next` does.
    """

    def __init__(
        self,
        open_stream: Callable[[], Stream],
        format: Format,
        packet: tuple[int, int] | None,
        header: Header,
    ) -> None:
        self._declared = header.frames
        stream = open_stream()
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self.whole_but_cut = False
        self._cut = stream.cut or (packet is not None and size % packet[1] != 0)
        # Larger pictures than the data set has are refused before they cost memory.
        options = {"max_pixels": str((header.rows + _BLOCK) * (header.columns + _BLOCK))}
        try:
            self._container = av.open(
                stream,
                "r",
                format=format,
                options=options,
                container_options={"codec_whitelist": ",".join(_CODECS)},
                metadata_errors="replace",
            )
        except av.FFmpegError as error:
            raise DecodeError(f"FFmpeg cannot open the video: {error.strerror}") from error
        try:
            self._stream = self._found(header)
        except BaseException:
            self._container.close()
            raise
        self._continuity: Continuity | None = None
        if packet is not None:
            # The demuxer may lose whole pictures without a word.
            self._continuity = Continuity(open_stream().read, self._stream.id, packet)
        context = self._stream.codec_context
        context.options = {"err_detect": _CHECKS, **options}
        context.thread_count, context.thread_type = 1, ThreadType.NONE
        context.copy_opaque = True  # frames tell by which packet they came
        self._packets = self._container.demux(self._stream)
        self._sent = self._count = 0  # packets into, frames out of the decoder
        self._last = -1  # the last packet of which a frame came out
        self._clean = 0  # the frames of all packets before this one came out undamaged
        self._ahead: set[int] = set()  # those of later packets that did
        self._held: deque[_Held] = deque()
        self._ready: deque[VideoFrame] = deque()
        self._problem: FastdcmError | None = None

    def _found(self, header: Header) -> VideoStream:
        stream = next(iter(self._container.streams.video), None)
        if stream is None:
            raise CodestreamError(f"the container ({self._container.format.name}) holds no video")
        # mypy does not know that there is none where no decoder is.
        name = getattr(stream.codec_context, "name", "something unknown")
        if name not in _CODECS:
            raise UnsupportedError(f"video coded as {name} is not supported (MPEG-2, H.264 and HEVC are)")
        self.codec = _CODECS[name]
        if not stream.width:
            raise DecodeError("FFmpeg finds no picture in the video, or larger ones than Rows x Columns say")
        check_geometry(header, "video", stream.height, stream.width, header.samples_per_pixel)
        return stream

    def close(self) -> None:
        """Let go of the decoder."""
        self._container.close()

    def next(self) -> VideoFrame:
        """The next frame.

        Raises `TruncatedError` behind the last one, `DecodeError` where the stream is damaged from.
        """
        while not self._ready:
            if self._problem is not None:
                raise self._problem
            self._decode()
        return self._ready.popleft()

    def _decode(self) -> None:
        """Decode one packet, at the end what the decoder still holds."""
        before, complete = self._count, self._sent - 1
        try:
            packet = next(self._packets)
            if not self._unbroken(packet):
                raise DecodeError("bytes of the container are missing or damaged")
            if packet.size:
                complete += 1  # where one starts, the one before has its end
            if packet.is_corrupt:
                raise DecodeError("bytes of the container are missing or damaged")
            packet.opaque = _Sent(self._sent)
            for frame in packet.decode():
                self._take(frame)
        except av.FFmpegError as error:
            problem = DecodeError(f"FFmpeg cannot decode the video from here on: {error.strerror}")
            self._fail(problem, complete)
        except DecodeError as error:
            self._fail(error, complete)
        else:
            if packet.size:
                self._sent += 1
                self._release(complete)
            else:
                self._finish(self._count - before)

    def _unbroken(self, packet: Packet[VideoStream]) -> bool:
        if self._continuity is None or (packet.size and packet.pos is None):
            return True
        return self._continuity.unbroken(packet.pos if packet.size else None)

    def _take(self, frame: VideoFrame) -> None:
        """Queue a frame that came out; a `DecodeError` where FFmpeg concealed damage in it."""
        if frame.is_corrupt:
            raise DecodeError("the video is damaged from here on; FFmpeg could only conceal it")
        sent = frame.opaque
        position = sent.position if isinstance(sent, _Sent) else self._sent
        self._held.append(_Held(position, frame))
        self._last = max(self._last, position)
        self._count += 1
        self._mark(position)

    def _mark(self, position: int) -> None:
        self._ahead.add(position)
        while self._clean in self._ahead:
            self._ahead.remove(self._clean)
            self._clean += 1

    def _release(self, complete: int) -> None:
        """Give the frames before which everything was coded right, of the first ``complete`` packets.

        What is left of a packet that is cut may decode without a complaint: of the last one that was
        sent, only another one behind it tells that it is all there. Some packets have no frame of their
        own, such as second fields; none is waited for too long.
        """
        held = self._held
        while held and held[0].position < complete:
            if held[0].position >= self._clean and len(held) <= _REORDERED:
                break
            self._ready.append(held.popleft().frame)

    def _fail(self, problem: FastdcmError, complete: int) -> None:
        """End with a problem. Frames that were held back may be certain once all before them are out."""
        try:
            drained = self._stream.codec_context.decode(None)
        except av.FFmpegError:
            drained = []
        for frame in drained:
            sent = frame.opaque
            if isinstance(sent, _Sent) and not frame.is_corrupt and sent.position < self._sent:
                self._mark(sent.position)
        self._release(complete)
        self._problem = problem

    def _finish(self, flushed: int) -> None:
        """The stream is over: give what was held back, but nothing that more of it might have changed.

        Where a stream is cut, the last frame that was coded may not be whole (its second field may be the
        last packet), and frames that are missing may belong between the last that came out. Where the
        container has all packets that its tables count, the video is whole, whatever is cut behind it.
        """
        declared, count = self._declared, self._count
        whole = self._stream.frames == self._sent  # as the container counts
        self.whole_but_cut = whole and self._cut
        suspect = not whole and (self._cut or count < declared)
        certain = len(self._held)
        if suspect and count != declared:
            certain -= flushed
        given = count - len(self._held)
        for held in islice(self._held, certain):
            if suspect and held.position == self._last:
                break
            self._ready.append(held.frame)
            given += 1
        message = f"the video has {count} frames, Number of Frames says {declared}"
        if suspect:
            message += f"; it is cut or counted wrong, and only the first {given} frames are certain"
        self._problem = TruncatedError(message)
