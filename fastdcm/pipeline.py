"""One object from bytes to pixels, display values and encoded frames.

The only place where reader, codecs and render meet, and where path and frame are attached to
errors and notices.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.decode import decode_frame, decoded_by, is_native, open_video
from fastdcm.codecs.encode import encode_image
from fastdcm.codecs.passthrough import baseline_jpeg, may_hold_baseline
from fastdcm.errors import DicomError, FastdcmError, OptionError, RenderError, StrictError
from fastdcm.model import Header, Notice, Samples
from fastdcm.options import EncodeOptions, ReadOptions, RenderOptions, split_options
from fastdcm.reader.alike import Alike, Digest, digest_of, named, recall, remember
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.frames import FrameIndex
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import scan
from fastdcm.reader.source import FileSource, Readable, Source, open_source
from fastdcm.rendering.chain import Range
from fastdcm.rendering.execute import darkest, execute, execute_parts, rgb, value_range
from fastdcm.rendering.identity import shows_as_stored
from fastdcm.rendering.lut import modality_values
from fastdcm.rendering.plan import GrayPlan, Plan, make_plan, modality_of

if TYPE_CHECKING:
    import pydicom

    from fastdcm.codecs.decoders.video import Video
    from fastdcm.presentation.presenter import Presenter

Array = NDArray[Any]
_DEFAULT = ReadOptions()


class Encoded(NamedTuple):
    """A frame as an image file; whether its own stream ``passed_through``, without being decoded."""

    data: bytes
    passed_through: bool


class Image:
    """A DICOM object with pixels; made by `fastdcm.open`.

    A context manager. ``len()`` is the number of frames. Indexes count from 0; frames in notices
    and errors count from 1. Frames may be read from several threads.
    """

    def __init__(self, source: Source, options: ReadOptions = _DEFAULT) -> None:
        self._source = self._whole = source
        self._options = options
        self._noted: list[Notice] = []
        self._object_ranges: dict[Plan, Range | None] = {}
        self._unnamed: Digest | None = None
        self._index: FrameIndex | None = None
        self._shown: DisplayReader | None = None
        self._video: Video | None = None
        self._presents: Presenter | None = None
        with self._located(None):
            limits = options.limits
            self._alike: Alike | None
            digest = digest_of(source, limits)
            if recalled := recall(digest):
                found, self._alike = recalled
                # Its own names are read when they are asked for, and its frames are mostly not located.
                self._header, self._unnamed = self._alike.header, digest
            else:
                found = scan(source, max_nesting=limits.max_nesting, max_inflated=limits.max_inflated)
                self._header = read_header(found, found.notices, limits)
                self._alike = remember(digest, found, self._header)
            self._found = found
            self._source = found.source
            self._noted = found.notices
            if not recalled and self._frames.encapsulated:
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

    @property
    def _presenter(self) -> Presenter:
        if self._presents is None:
            from fastdcm.presentation.presenter import Presenter  # most images are shown without

            limits = self._options.limits
            self._presents = Presenter(self._whole, self.header, limits, self._words, self._noted)
        return self._presents

    def __len__(self) -> int:
        return self._header.frames

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self._header.rows, self._header.columns

    def __repr__(self) -> str:
        h = self.header
        return (
            f"<fastdcm.Image {h.modality or 'DICOM'} {h.frames} x {h.rows} x {h.columns} "
            f"{h.photometric_interpretation} {h.bits_stored} bits>"
        )

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

    def pixels(
        self,
        index: int | None = 0,
        *,
        values: Literal["stored", "modality"] = "stored",
        raw: bool = False,
    ) -> Array:
        """The values of a frame, (rows, columns[, samples]); with ``index=None`` of all frames,
        (frames, rows, columns[, samples]).

        Stored values come as int or uint of 8, 16, 32 or 64 bits, or as the file's floats
        (PS3.5 8.1.1). Colour comes as RGB, with ``raw`` as it is coded (YBR stays YBR); PALETTE
        COLOR gives the indices into its palette. ``values="modality"`` applies the modality LUT
        (PS3.3 C.11.1), for CT Hounsfield units, and gives float64. The array may be read-only
        and share the source's memory.

        Raises errors of `FastdcmError`'s tree, with path and frame.
        """
        if values not in ("stored", "modality"):
            raise OptionError(f"values must be 'stored' or 'modality', not {values!r}")
        if index is None:
            return self._all_pixels(values, raw)
        with self._located(self._check(index)):
            samples = self._decode(index, as_rgb=not raw)
            array: Array = samples.array if raw else rgb(samples)
            if values == "modality":
                if samples.array.ndim == 3:
                    raise OptionError("colour has no modality values; ask for values='stored'")
                return modality_values(array, modality_of(self._display.read(index)))
            return array

    def _all_pixels(self, values: Literal["stored", "modality"], raw: bool) -> Array:
        first = self.pixels(0, values=values, raw=raw)
        with self._located(len(self) - 1):
            # A header may say that there are billions: no memory for frames that are not there.
            if self._video is None:
                self._frames.span(len(self) - 1)
        try:
            frames = np.empty((len(self), *first.shape), first.dtype)
        except MemoryError as error:
            raise OptionError(
                f"all frames at once do not fit into memory: {error}", path=self.path
            ) from error
        frames[0] = first
        for index in range(1, len(self)):
            pixels = self.pixels(index, values=values, raw=raw)
            if pixels.dtype != frames.dtype:
                # Codestreams deeper than the data set says come wider.
                frames = frames.astype(np.promote_types(frames.dtype, pixels.dtype))
            frames[index] = pixels
        return frames

    def render(self, index: int = 0, **options: Any) -> Array:
        """Display values of a frame: (rows, columns) or (rows, columns, 3), uint8, or uint16 with
        ``bits=16``; 0 is black.

        ``options`` are the fields of `fastdcm.options.RenderOptions`; ``window`` may be a tuple
        (center, width[, function]) or text. PS3.3 C.11 says what they mean.
        """
        pixels = self.render_frame(index, split_options(options)[0])
        # Those that need no rendering may lie in the file's memory.
        return pixels if pixels.flags.writeable else pixels.copy()

    def encode(self, index: int = 0, format: str = "jpeg", **options: Any) -> bytes:
        """A frame as the bytes of an image file: ``format`` "jpeg" or "png".

        ``options`` are those of `render` and of `fastdcm.options.EncodeOptions` (quality,
        subsampling, png_level, reencode). A baseline JPEG frame that rendering would not change is
        copied as it is coded, unless ``reencode``, quality or subsampling is given.
        """
        render, encode = split_options({**options, "format": format})
        return self.encode_frame(index, render, encode).data

    def render_frame(self, index: int, options: RenderOptions) -> Array:
        """`render` with options that are validated already."""
        with self._located(self._check(index)):
            if (shown := self._shown_in_parts(index, options)) is None:
                samples = self._decode(index, as_rgb=True, mask=False)
                plan = self._plan(index, options, samples.bits)
                shown = execute(plan, samples, self._object_range(plan))
            if options.overlay or options.presentation:
                shown = self._presenter.show(shown, index, options)
            return shown

    def encode_frame(self, index: int, render: RenderOptions, encode: EncodeOptions) -> Encoded:
        """`encode` with options that are validated already."""
        plain = encode.format == "jpeg" and not (encode.reencode or render.overlay or render.presentation)
        if plain and may_hold_baseline(self._header):
            file = self._pass_through(index, render)
            if file is not None:
                return Encoded(file, True)
        pixels = self.render_frame(index, render)
        with self._located(index):
            return Encoded(encode_image(pixels, encode), False)

    def _pass_through(self, index: int, render: RenderOptions) -> bytes | None:
        """The frame's own stream as a JPEG file, where it shows what rendering would give."""
        with self._located(self._check(index)):
            if not self._frames.encapsulated or not shows_as_stored(self._plan(index, render)):
                return None
            return baseline_jpeg(bytes(self._frames.read(index)[0]), self._header)

    def explain(self, index: int = 0, **options: Any) -> str:
        """In words, how a frame would be rendered and from where its window comes."""
        with self._located(self._check(index)):
            return self._plan(index, split_options(options)[0]).rule

    def decoded_by(self, index: int = 0) -> str:
        """In words, what decodes a frame, as far as headers tell; empty for native ones and video."""
        with self._located(self._check(index)):
            if not self._frames.encapsulated or self._video is not None:
                return ""
            data, _ = self._frames.read(index)
            options = self._options
            return decoded_by(data, self._header, decoder=options.decoder, partial=options.allow_partial)

    def dataset(self) -> pydicom.Dataset:
        """The whole object as pydicom sees it; needs the bytes of the whole source."""
        from io import BytesIO

        import pydicom

        with self._located(None):
            whole = self._whole
            path = whole.name if isinstance(whole, FileSource) else None
            try:
                return pydicom.dcmread(path or BytesIO(whole.read(0, whole.size)), force=True)
            except Exception as error:  # pydicom raises what its parts raise, zlib.error among them
                raise DicomError(f"pydicom cannot read it: {error}") from error

    def _check(self, index: int) -> int:
        """The index, if there is such a frame; negative ones are not taken."""
        if not isinstance(index, (int, np.integer)):
            raise OptionError(f"index {index!r} is no whole number", path=self.path)
        if not 0 <= index < len(self):
            have = "frame 1" if len(self) == 1 else f"frames 1 to {len(self)}"
            raise OptionError(f"index {index} is frame {index + 1}; the object has {have}", path=self.path)
        return index

    def _shown_in_parts(self, index: int, options: RenderOptions) -> Array | None:
        """Display values of a frame of a large native file, shown as it is read; None for others."""
        header, found = self._header, self._found
        if self._source.whole is not None or not header.is_gray_words or not found.encoding.little:
            return None
        if self._frames.encapsulated or self._options.allow_partial or not is_native(header):
            return None
        return execute_parts(self._plan(index, options), header, partial(self._frames.parts, index))

    def _decode(self, index: int, *, as_rgb: bool, mask: bool = True) -> Samples:
        if self._video is not None and self._video.is_there():
            return self._video.frame(index, rgb=as_rgb, note=lambda notice: self._note(notice, index))
        alike = None if mask else self._alike
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
            note=lambda notice: self._note(notice, index),
        )
        if alike is not None and not self._noted:
            alike.was_decoded(samples)
        return samples

    def _words(self, index: int) -> Array:
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
        array: Array = samples.array
        return array

    def _plan(self, index: int, options: RenderOptions, bits: int = 0) -> Plan:
        """The plan of a frame; ``bits`` is the depth of its samples, where that is known."""
        header, alike = self._header, self._alike
        if bits > header.bits_stored:
            # A codestream that is deeper than declared: its values count.
            header, alike = header.changed(bits_stored=bits), None
        if options.presentation:
            return self._presenter.plan(header, self._display.read(index), index, options)
        if alike is not None and alike.plan is not None:
            made_for, plan = alike.plan
            if made_for is options or made_for == options:
                return plan  # type: ignore[no-any-return]
        display = self._display.read(index)
        plan = make_plan(header, display, options, self._noted)
        if alike is not None and not self._noted:
            alike.display, alike.plan = display, (options, plan)
        return plan

    def _darkest(self, index: int, bits: int) -> float:
        """The stored value with which a frame of this depth that is cut is filled up."""
        header = self._header.changed(bits_stored=bits or self._header.bits_stored)
        try:
            return darkest(make_plan(header, self._display.read(index), RenderOptions(), []), header)
        except RenderError:
            return 0.0  # nothing can be shown, so nothing is dark

    def _object_range(self, plan: Plan) -> Range | None:
        """The range over all frames, where the plan asks for it; computed once."""
        if not isinstance(plan, GrayPlan) or plan.automatic is None or plan.automatic.scope != "object":
            return None
        if plan not in self._object_ranges:
            self._object_ranges[plan] = value_range(plan, map(self._decode_named, range(len(self))))
        return self._object_ranges[plan]

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
    """The context manager of `Image._located`; a generator's would cost an image ten microseconds."""

    __slots__ = ("_frame", "_image")

    def __init__(self, image: Image, frame: int | None) -> None:
        self._image, self._frame = image, frame

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        image = self._image
        if error is None:
            if image._options.strict and image._noted:
                first = image._noted[0]
                raise StrictError(first.message, path=image.path, frame=first.frame)
        elif isinstance(error, FastdcmError):
            error.at(path=image.path, frame=self._frame)
        elif isinstance(error, MemoryError):
            raise DicomError("not enough memory", path=image.path, frame=self._frame) from error


def open_image(src: Readable, options: ReadOptions = _DEFAULT) -> Image:
    """Open a DICOM object and read its header; pixel data is read when it is asked for.

    Raises `SourceError`, `NotDicomError`, `NoPixelDataError`, `DicomError`, `UnsupportedError`.
    """
    source = open_source(src)
    try:
        return Image(source, options)
    except BaseException:
        source.close()
        raise
