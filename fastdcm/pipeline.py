"""One object from samples to pixels, display values and encoded frames: rendering and encoders meet here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.decode import is_native
from fastdcm.codecs.encode import encode_image
from fastdcm.codecs.passthrough import baseline_jpeg, may_hold_baseline
from fastdcm.errors import DicomError, OptionError
from fastdcm.model import Halved, Less, Notice, Samples
from fastdcm.opened import Opened
from fastdcm.options import (
    FORMATS,
    EncodeOptions,
    GeometryOptions,
    ReadOptions,
    RenderOptions,
    Size,
    parse_size,
    split_options,
)
from fastdcm.reader.elements import PROFILES, UNDEFINED
from fastdcm.reader.scan import scan
from fastdcm.reader.source import FileSource, Readable, Source, open_source
from fastdcm.rendering.chain import Range
from fastdcm.rendering.execute import execute, execute_parts, rgb, value_range
from fastdcm.rendering.identity import shows_as_stored
from fastdcm.rendering.lut import modality_values
from fastdcm.rendering.plan import GrayPlan, Plan, make_plan, modality_of

if TYPE_CHECKING:
    import pydicom

    from fastdcm.codecs.encoders.movies import Target
    from fastdcm.pictures import Pictures
    from fastdcm.profiles import Profiles
    from fastdcm.rendering.series import Finding

Array = NDArray[Any]
_DEFAULT = ReadOptions()


class Encoded(NamedTuple):
    """A frame as an image file; whether its own stream ``passed_through``, without being decoded."""

    data: bytes
    passed_through: bool


class Image(Opened):
    """A DICOM object with pixels; made by `fastdcm.open`.

    A context manager. ``len()`` is the number of frames. Indexes count from 0; frames in notices
    and errors count from 1. Frames may be read from several threads.
    """

    def __init__(self, source: Source, options: ReadOptions = _DEFAULT) -> None:
        self._object_ranges: dict[Plan, Range | None] = {}
        self._settled: dict[RenderOptions, RenderOptions] = {}
        self._profiles: Profiles | None = None
        self._made: Pictures | None = None
        self._shown_by: dict[int, tuple[Plan, Range | None]] | None = None
        super().__init__(source, options)

    def __repr__(self) -> str:
        h = self.header
        return (
            f"<fastdcm.Image {h.modality or 'DICOM'} {h.frames} x {h.rows} x {h.columns} "
            f"{h.photometric_interpretation} {h.bits_stored} bits>"
        )

    def pixels(
        self,
        index: int | None = 0,
        *,
        values: Literal["stored", "modality"] = "stored",
        raw: bool = False,
        size: Size | str | None = None,
        exact: bool = False,
    ) -> Array:
        """The values of a frame, (rows, columns[, samples]); with ``index=None`` of all frames,
        (frames, rows, columns[, samples]).

        Stored values come as int or uint of 8, 16, 32 or 64 bits, or as the file's floats
        (PS3.5 8.1.1). Colour comes as RGB, with ``raw`` as it is coded (YBR stays YBR); PALETTE
        COLOR gives the indices into its palette. ``values="modality"`` applies the modality LUT
        (PS3.3 C.11.1), for CT Hounsfield units, and gives float64. The array may be read-only
        and share the source's memory.

        With ``size``, as in `fastdcm.options.GeometryOptions`, a larger frame is shrunk to fit in: to the
        mean of the area of each pixel, of stored values rounded to their dtype (floor(y + 0.5)), of modality
        values not. Padding counts as any other value. Indices into palettes, label maps and single bits are
        taken from the nearest pixel instead. Unless ``exact``, decoders may leave out what hardly counts.

        Raises errors of `FastdcmError`'s tree, with path and frame.
        """
        if values not in ("stored", "modality"):
            raise OptionError(f"values must be 'stored' or 'modality', not {values!r}")
        geometry = None if size is None else GeometryOptions(size=parse_size(size), exact=exact)
        if index is None:
            return self._all_pixels(values, raw, geometry)
        with self._located(self._check(index)):
            return self._values(index, values, raw, geometry)

    def _values(
        self,
        index: int,
        values: Literal["stored", "modality"],
        raw: bool,
        geometry: GeometryOptions | None,
        less: Less | None = None,
    ) -> Array:
        if geometry is not None and less is None and self._may_lack:
            from fastdcm.rendering.smaller import less_of_values

            less = less_of_values(self._header, self._display.read(index), geometry)
        samples = self._decode(index, as_rgb=not raw, less=less)
        array: Array = samples.array if raw else rgb(samples)
        if values == "modality":
            if samples.array.ndim == 3:
                raise OptionError("colour has no modality values; ask for values='stored'")
            array = modality_values(array, modality_of(self._display.read(index)))
        if geometry is None:
            return array
        from fastdcm.rendering.smaller import smaller

        result = smaller(array, samples, self._header, geometry)
        if isinstance(result, int):
            return self._values(index, values, raw, geometry, Less(result, result))
        return result

    def _all_pixels(
        self, values: Literal["stored", "modality"], raw: bool, geometry: GeometryOptions | None
    ) -> Array:
        def pixels_of(index: int) -> Array:
            with self._located(index):
                return self._values(index, values, raw, geometry)

        first = pixels_of(self._check(0))
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
            pixels = pixels_of(index)
            if pixels.dtype != frames.dtype:
                # Codestreams deeper than the data set says come wider.
                frames = frames.astype(np.promote_types(frames.dtype, pixels.dtype))
            frames[index] = pixels
        return frames

    def render(self, index: int = 0, **options: Any) -> Array:
        """Display values of a frame: (rows, columns) or (rows, columns, 3), uint8, or uint16 with
        ``bits=16``; 0 is black.

        ``options`` are the fields of `fastdcm.options.RenderOptions`; ``window`` may be a tuple
        (center, width[, function]) or text. PS3.3 C.11 says what they mean. Those of its topics are
        options, too: `fastdcm.options.ColourOptions`, `OverlayOptions`, `PresentationOptions`,
        `DeidentifyOptions` and `GeometryOptions`; sizes are (rows, columns), regions (x, y, width, height).
        """
        pixels = self.render_frame(index, split_options(options)[0])
        # Those that need no rendering may lie in the file's memory.
        return pixels if pixels.flags.writeable else pixels.copy()

    def encode(self, index: int | None = 0, format: str = "jpeg", **options: Any) -> bytes:
        """A frame as the bytes of an image file; with ``index=None`` all frames in one, as GIF or MP4.

        ``format`` is one of `fastdcm.options.FORMAT_NAMES`, ``options`` are those of `render` and of
        `fastdcm.options.EncodeOptions` (quality, lossless, subsampling, png_level, reencode). A baseline JPEG
        frame that rendering would not change is copied as it is coded, unless ``reencode``, quality or
        subsampling is given.
        """
        render, encode = split_options({**options, "format": format})
        if index is not None:
            return self.encode_frame(index, render, encode).data
        file = BytesIO()
        self.encode_frames(range(len(self)), file, render, encode)
        return file.getvalue()

    def render_frame(self, index: int, options: RenderOptions) -> Array:
        """`render` with options that are validated already."""
        with self._located(self._check(index)):
            if (shown := self._shown_in_parts(index, options)) is None:
                less = None if options.needs_all else self._less(index, options)
                shown, halved = self._display_values(index, options, less)
                while less is not None and halved is not None:
                    picture = self._pictures.of_halved(shown, halved, index, options)
                    if not isinstance(picture, int):
                        return picture
                    less = less._replace(halvings=picture, squares=picture, reversible=None)
                    shown, halved = self._display_values(index, options, less)
            if options.colour.icc == "srgb" and shown.ndim == 3 and (colour := self._profiles_for(options)):
                shown = colour.srgb(index, shown)
            return shown if options.is_plain else self._pictures.of(shown, index, options)

    def encode_frame(self, index: int, render: RenderOptions, encode: EncodeOptions) -> Encoded:
        """`encode` with options that are validated already."""
        if encode.format == "jpeg" and not encode.reencode and may_hold_baseline(self._header):
            file = self._pass_through(index, render)
            if file is not None:
                return Encoded(file, True)
        pixels = self.render_frame(index, render)
        with self._located(index):
            profile = self._profile(pixels, index, render, encode)
            return Encoded(encode_image(pixels, encode, profile), False)

    def encode_frames(
        self,
        indexes: Sequence[int],
        target: Target,
        render: RenderOptions,
        encode: EncodeOptions,
        begin: Callable[[int], None] = lambda index: None,
    ) -> None:
        """Several frames in one file, a path or an open file, each shown for its time (PS3.3 C.7.6.5).

        A few are in memory at a time. ``begin`` is called before each, and with the last one again before the
        file is finished, which may take as long as some frames. Where an error ends it, what was written is
        no whole file.
        """
        from fastdcm.codecs.encoders.movies import open_movie

        with self._located(None):
            if not FORMATS[encode.format].frames:
                many = ", ".join(holds.title for holds in FORMATS.values() if holds.frames)
                raise OptionError(f"{FORMATS[encode.format].title} holds one frame; all are for {many}")
            for index in indexes:
                self._check(index)
            seconds = self._frame_seconds()
        frames, threads = len(indexes), self._options.threads
        with self._located(None), open_movie(target, encode, frames=frames, threads=threads) as movie:
            for index in indexes:
                begin(index)
                pixels = self.render_frame(index, render)
                with self._located(index):
                    self._profile(pixels, index, render, encode)  # which no movie carries: this tells it
                    movie.add(pixels, seconds[index])
            begin(indexes[-1])
            movie.finish()
            if movie.remark:
                self._noted.append(Notice("frame-time", movie.remark))

    def _frame_seconds(self) -> Sequence[float]:
        from fastdcm.reader.cine import frame_seconds

        found = self._found
        if not found.elements:  # the object is one whose values are known; these are not kept
            found = scan(self._whole)
        return frame_seconds(found, len(self), self._noted)

    def _profile(
        self, pixels: Array, index: int, render: RenderOptions, encode: EncodeOptions
    ) -> bytes | None:
        """The ICC profile that belongs into the file of a picture; None where there is none."""
        if pixels.ndim == 2 or render.colour.icc != "embed" or (colour := self._profiles_for(render)) is None:
            return None
        # What was drawn in colours onto a gray image, or a state's palette gave, are not the image's colours.
        plan = None if render.is_plain else self._plan(index, render)
        if isinstance(plan, GrayPlan) and plan.supplemental is None:
            return None
        return colour.for_file(index, encode.format)

    @property
    def _colour(self) -> Profiles | None:
        """The ICC profiles, which gray frames are not asked for; None where there can be none."""
        if self._profiles is None:
            found = self._found
            native = found.pixel is not None and found.pixel[2] != UNDEFINED
            if native and PROFILES.isdisjoint(found.elements):
                return None
            from fastdcm.profiles import Profiles

            video = self._video is not None
            self._profiles = Profiles(self._found, self._display, self._frames, video=video, note=self._note)
        return self._profiles

    def _profiles_for(self, options: RenderOptions) -> Profiles | None:
        """The ICC profiles; None also where colours are windows, of which no profile knows."""
        return None if options.channels else self._colour

    @property
    def _pictures(self) -> Pictures:
        if self._made is None:
            from fastdcm.pictures import Pictures  # most images are shown as they are

            limits = self._options.limits
            self._made = Pictures(self._whole, self.header, limits, self._words, self._noted, self._note)
        return self._made

    def _pass_through(self, index: int, render: RenderOptions) -> bytes | None:
        """The frame's own stream as a JPEG file, where it shows what rendering would give."""
        with self._located(self._check(index)):
            if not render.is_plain and not self._pictures.is_unchanged(index, render):
                return None
            if not self._frames.encapsulated or not shows_as_stored(self._plan(index, render)):
                return None
            data = bytes(self._frames.read(index)[0])
            if self._header.samples_per_pixel == 1 or (colour := self._colour) is None:
                return baseline_jpeg(data, self._header)
            return colour.passed_through(index, data, self._header, render.colour.icc)

    def explain(self, index: int = 0, **options: Any) -> str:
        """In words, how a frame would be rendered and from where its window comes."""
        with self._located(self._check(index)):
            return self._plan(index, split_options(options)[0]).rule

    def dataset(self, *, pixels: bool = True) -> pydicom.Dataset:
        """The whole object as pydicom sees it, which needs the bytes of the whole source.

        Without ``pixels`` only what stands before them is read.
        """
        import pydicom

        with self._located(None):
            whole = self._whole
            path = whole.name if isinstance(whole, FileSource) else None
            try:
                file = path or BytesIO(whole.read(0, whole.size))
                return pydicom.dcmread(file, force=True, stop_before_pixels=not pixels)
            except Exception as error:  # pydicom raises what its parts raise, zlib.error among them
                raise DicomError(f"pydicom cannot read it: {error}") from error

    def _shown_in_parts(self, index: int, options: RenderOptions) -> Array | None:
        """Display values of a frame of a large native file, shown as it is read; None for others."""
        header, found = self._header, self._found
        if self._source.whole is not None or not header.is_gray_words or not found.encoding.little:
            return None
        if self._frames.encapsulated or self._options.allow_partial or not is_native(header):
            return None
        return execute_parts(self._plan(index, options), header, partial(self._frames.parts, index))

    def _display_values(
        self, index: int, options: RenderOptions, less: Less | None
    ) -> tuple[Array, Halved | None]:
        """A frame's display values; those of one that its decoder has halved, where ``less`` lets it."""
        samples = self._decode(index, as_rgb=True, mask=False, less=less)
        plan = self._plan(index, options, samples.bits)
        shown = execute(plan, samples, self._object_range(plan))
        if self._shown_by is not None:
            self._shown_by[index] = plan, self._range(plan, samples)
        return shown, samples.halved

    @property
    def _may_lack(self) -> bool:
        """Whether a decoder might leave something out: of streams that are not to be looked at for damage."""
        return self._frames.encapsulated and self._video is None and not self._options.allow_partial

    def _less(self, index: int, options: RenderOptions) -> Less | None:
        """What need not be decoded of a frame for a picture; None where all is needed."""
        if not self._may_lack:
            return None
        plan = self._plan(index, options)
        grey = None
        if options.precision == "display" and not options.presentation:
            from fastdcm.rendering.halving import grey as grey_of

            grey = grey_of(plan, self._header)
        less = Less() if options.is_plain else self._pictures.less(plan, index, options)
        return less._replace(grey=grey) if less.halvings or grey is not None else None

    def _plan(self, index: int, options: RenderOptions, bits: int = 0) -> Plan:
        """The plan of a frame; ``bits`` is the depth of its samples, where that is known."""
        if options.voi == "series" and options.series_range is None:
            options = self.as_series(options)
        header, alike = self._header, self._alike
        if bits > header.bits_stored:
            alike = None  # a codestream that is deeper than declared: its values count
        if options.presentation:
            return self._pictures.plan(self._display.read(index), index, options, bits)
        if alike is not None and alike.plan is not None:
            made_for, plan = alike.plan
            if made_for is options or made_for == options:
                return plan  # type: ignore[no-any-return]
        display = self._display.read(index)
        plan = make_plan(header, display, options, self._noted, bits)
        if alike is not None and not self._noted:
            alike.display, alike.plan = display, (options, plan)
        return plan

    def remember_plans(self) -> None:
        """From now on `shown_by` knows of frames how they were shown, and need not decode them again."""
        self._shown_by = {}

    def shown_by(self, index: int, options: RenderOptions) -> tuple[Plan, Range | None]:
        """The plan of a frame, and the range that its pixels gave, where the plan leaves it to them.

        What was remembered of the frame is forgotten.
        """
        with self._located(self._check(index)):
            if self._shown_by is not None and index in self._shown_by:
                return self._shown_by.pop(index)
            plan = self._plan(index, options)
            if not isinstance(plan, GrayPlan) or plan.automatic is None:
                return plan, None
            samples = self._decode(index, as_rgb=True, mask=False)
            plan = self._plan(index, options, samples.bits)
            return plan, self._range(plan, samples)

    def _range(self, plan: Plan, samples: Samples) -> Range | None:
        if not isinstance(plan, GrayPlan) or plan.automatic is None:
            return None
        return self._object_range(plan) or value_range(plan, [samples])

    def look(self, index: int, options: RenderOptions, *, measure: bool) -> Finding:
        """What a frame says about how its series is shown; its pixels are looked at with ``measure``, or
        where it has no window or VOI LUT. ``options`` are those by which it is shown by itself.
        """
        from fastdcm.rendering.series import found_in

        with self._located(self._check(index)):
            decode = partial(self._decode, index, as_rgb=True, mask=False)
            return found_in(partial(self._plan, index, options), decode, measure)

    def as_series(
        self, options: RenderOptions, begin: Callable[[int], None] = lambda index: None
    ) -> RenderOptions:
        """The options that show all frames alike, as those of one series; found out once.

        Frames that cannot be read do not count. ``begin`` is called before each that is looked at.
        """
        if options not in self._settled:
            from fastdcm.rendering.series import shown_alike

            self._settled[options] = shown_alike(options, self.look, len(self), begin)
        return self._settled[options]

    def _object_range(self, plan: Plan) -> Range | None:
        """The range over all frames, where the plan asks for it; computed once."""
        if not isinstance(plan, GrayPlan) or plan.automatic is None or plan.automatic.scope != "object":
            return None
        if plan not in self._object_ranges:
            self._object_ranges[plan] = value_range(plan, map(self._decode_named, range(len(self))))
        return self._object_ranges[plan]


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
