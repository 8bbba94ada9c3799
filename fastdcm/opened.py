"""A DICOM object that is open: its header, where its frames lie, their samples.

Here the reader and decoders meet, and path and frame are attached to errors and notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.decode import decode_frame, decoded_by, open_video
from fastdcm.errors import BurnedInError, DicomError, FastdcmError, OptionError, RenderError, StrictError
from fastdcm.model import Header, Less, Notice, Samples
from fastdcm.options import ReadOptions, RenderOptions
from fastdcm.reader.alike import Alike, Digest, digest_of, named, recall, remember
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.frames import FrameIndex
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import DataSet, scan
from fastdcm.reader.source import Source
from fastdcm.rendering.execute import darkest
from fastdcm.rendering.plan import make_plan

if TYPE_CHECKING:
    from fastdcm.codecs.decoders.video import Video


class Opened:
    """An open object; `fastdcm.Image` shows its frames.

    A context manager. ``len()`` is the number of frames. Indexes count from 0; frames in notices
    and errors count from 1.
    """

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self._source = self._whole = source
        self._options = options
        self._noted: list[Notice] = []
        self._unnamed: Digest | None = None
        self._index: FrameIndex | None = None
        self._shown: DisplayReader | None = None
        self._video: Video | None = None
        with self._located(None):
            limits = options.limits
            self._alike: Alike | None
            digest = digest_of(source, limits)
            located = True
            if recalled := recall(digest):
                found, self._alike = recalled
                located = not self._alike.is_native
                # Its own names are read when they are asked for, and native frames are mostly not located.
                self._header, self._unnamed = self._alike.header, digest
            else:
                found = scan(source, max_nesting=limits.max_nesting, max_inflated=limits.max_inflated)
                self._header = read_header(found, found.notices, limits)
                self._alike = remember(digest, found, self._header)
            self._found = found
            self._source = found.source
            self._noted = found.notices
            if options.refuse_burned_in and self._header.burned_in_annotation == "YES":
                raise BurnedInError(
                    "Burned In Annotation is YES: the pixels may name the patient, which was to be refused"
                )
            if located and self._frames.encapsulated:
                self._video = open_video(self._header, self._frames.stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def header(self) -> Header:
        """What the file says about its pixels."""
        unnamed = self._unnamed
        if unnamed is not None:
            self._header, self._unnamed = named(self._header, unnamed), None
        return self._header

    @property
    def _frames(self) -> FrameIndex:
        if self._index is None:
            partly = self._options.allow_partial
            self._index = FrameIndex(self._found, self._header, self._noted, allow_partial=partly)
        return self._index

    @property
    def _display(self) -> DisplayReader:
        if self._shown is None:
            known = self._alike.display if self._alike else None
            self._shown = DisplayReader(self._found, self._header, self._noted, known)
        return self._shown

    def __len__(self) -> int:
        return self._header.frames

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self._header.rows, self._header.columns

    def expect(self, indexes: Sequence[int]) -> None:
        """These frames will be asked for, by their indexes: a remote source fetches them in few requests."""
        if self._source.expects:
            with suppress(FastdcmError):  # which the frames will meet, and tell
                self._frames.expect(indexes)

    def close(self) -> None:
        """Close the source; frames cannot be read after."""
        if self._video is not None:
            self._video.close()
        self._source.close()

    @property
    def path(self) -> str | None:
        """The path or name of the source, None for bytes."""
        return self._source.name

    @property
    def sequential(self) -> bool:
        """Whether a frame costs the decoding of those before it, as in video."""
        return self._video is not None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was odd about the file, so far: reading a frame may add to it.

        What several frames share is told once, with the first of them that was read.
        """
        if not self._noted:
            return ()
        return tuple(
            notice
            if notice.path is not None
            else Notice(notice.code, notice.message, self.path, notice.frame)
            for notice in self._noted
        )

    @property
    def bytes_read(self) -> int:
        """Bytes fetched from the source so far."""
        return self._source.bytes_read

    def scanned(self, wanted: frozenset[int]) -> DataSet:
        """Where elements with these tags lie, of all that stand before the pixels; a walk of its own."""
        limits = self._options.limits
        with self._located(None):
            return scan(
                self._whole,
                max_nesting=limits.max_nesting,
                max_inflated=limits.max_inflated,
                wanted=wanted,
            )

    @property
    def encapsulated(self) -> bool:
        """Whether frames are stored as codestreams, or another way than native (PS3.5 A.4)."""
        return self._frames.encapsulated

    def stored_frame(self, index: int) -> memoryview | None:
        """The bytes of a frame as they are stored: its codestream, or its native samples in little endian.

        None where native ones start within a byte, or are big-endian. Raises errors of `FastdcmError`'s tree.
        """
        with self._located(self._check(index)):
            frames = self._frames
            if not frames.encapsulated and not self._found.encoding.little:
                return None
            data, bit_offset = frames.read(index)
            whole = frames.encapsulated or (not bit_offset and self._header.native_frame_bits % 8 == 0)
            return data if whole else None

    def decoded_by(self, index: int = 0) -> str:
        """In words, what decodes a frame, as far as headers tell; empty for native ones and video."""
        with self._located(self._check(index)):
            if not self._frames.encapsulated or self._video is not None:
                return ""
            data, _ = self._frames.read(index)
            options = self._options
            return decoded_by(data, self._header, decoder=options.decoder, partial=options.allow_partial)

    def _check(self, index: int) -> int:
        """The index, if there is such a frame; negative ones are not taken."""
        if not isinstance(index, (int, np.integer)):
            raise OptionError(f"index {index!r} is no whole number", path=self.path)
        if not 0 <= index < len(self):
            have = "frame 1" if len(self) == 1 else f"frames 1 to {len(self)}"
            raise OptionError(f"index {index} is frame {index + 1}; the object has {have}", path=self.path)
        return index

    def _decode(self, index: int, *, as_rgb: bool, mask: bool = True, less: Less | None = None) -> Samples:
        if self._video is not None and self._video.is_there():
            return self._video.frame(index, rgb=as_rgb, note=lambda notice: self._note(notice, index))
        alike = None if mask or less is not None else self._alike
        if alike is not None and (known := alike.samples(self._found, index)):
            return known
        data, bit_offset = self._frames.read(index)
        samples = decode_frame(
            data,
            self._header,
            encapsulated=self._frames.encapsulated,
            bit_offset=bit_offset,
            little=self._found.encoding.little,
            rgb=as_rgb,
            mask=mask,
            darkest=partial(self._darkest, index) if self._options.allow_partial else None,
            threads=self._options.threads,
            decoder=self._options.decoder,
            less=less,
            note=lambda notice: self._note(notice, index),
        )
        if alike is not None and not self._noted:
            alike.was_decoded(samples)
        return samples

    def _words(self, index: int) -> NDArray[Any]:
        """A frame's words with all of their bits, those that samples leave free among them."""
        allocated = self._header.bits_allocated
        words = self._header.changed(bits_stored=allocated, high_bit=allocated - 1, pixel_representation=0)
        data, bit_offset = self._frames.read(index)
        samples = decode_frame(
            data,
            words,
            encapsulated=self._frames.encapsulated,
            bit_offset=bit_offset,
            little=self._found.encoding.little,
            darkest=(lambda bits: 0.0) if self._options.allow_partial else None,
            threads=self._options.threads,
            decoder=self._options.decoder,
            note=lambda notice: None,  # it was decoded for its samples, too
        )
        array: NDArray[Any] = samples.array
        return array

    def _darkest(self, index: int, bits: int) -> float:
        """The stored value with which a frame of this depth that is cut is filled up."""
        header = self._header.changed(bits_stored=bits or self._header.bits_stored)
        try:
            return darkest(make_plan(header, self._display.read(index), RenderOptions(), []), header)
        except RenderError:
            return 0.0  # nothing can be shown, so nothing is dark

    def _decode_named(self, index: int) -> Samples:
        """A frame whose errors name it, also where another one is being rendered."""
        try:
            return self._decode(index, as_rgb=True)
        except FastdcmError as error:
            error.at(frame=index + 1)
            raise

    def _note(self, notice: Notice, index: int) -> None:
        # What is odd about one frame mostly is about all: the first tells for them.
        if not any(known.code == notice.code and known.message == notice.message for known in self._noted):
            self._noted.append(Notice(notice.code, notice.message, None, index + 1))

    def _located(self, index: int | None) -> _Located:
        """Attach path and frame to errors; where notices are errors, raise them."""
        return _Located(self, None if index is None else index + 1)


class _Located:
    """The context manager of `Opened._located`; a generator's would cost an image ten microseconds."""

    __slots__ = ("_frame", "_opened")

    def __init__(self, opened: Opened, frame: int | None) -> None:
        self._opened, self._frame = opened, frame

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        opened = self._opened
        if error is None:
            if opened._options.strict and opened._noted:
                first = opened._noted[0]
                raise StrictError(first.message, path=opened.path, frame=first.frame)
        elif isinstance(error, FastdcmError):
            error.at(path=opened.path, frame=self._frame)
        elif isinstance(error, MemoryError):
            raise DicomError("not enough memory", path=opened.path, frame=self._frame) from error
