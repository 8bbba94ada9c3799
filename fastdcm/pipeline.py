"""One object from samples to pixels and encoded frames: rendering and encoders meet here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.encode import encode_image
from fastdcm.codecs.passthrough import baseline_jpeg, may_hold_baseline
from fastdcm.errors import DicomError, OptionError
from fastdcm.model import Less, Notice
from fastdcm.options import (
    FORMATS,
    EncodeOptions,
    ReadOptions,
    RenderOptions,
    check_alike,
    options_of_values,
    split_options,
)
from fastdcm.reader.scan import scan
from fastdcm.reader.source import FileSource, Readable
from fastdcm.reader.source import open_source as open_readable
from fastdcm.rendered import Rendered
from fastdcm.rendering.execute import rgb
from fastdcm.rendering.identity import shows_as_stored
from fastdcm.rendering.lut import modality_values
from fastdcm.rendering.plan import modality_of
from fastdcm.sources import open_source

if TYPE_CHECKING:
    import pydicom

    from fastdcm.codecs.encoders.movies import Target
    from fastdcm.rendering.mapping import Mapping

Array = NDArray[Any]
_DEFAULT = ReadOptions()


class Encoded(NamedTuple):
    """A frame as an image file; whether its own stream ``passed_through``, without being decoded."""

    data: bytes
    passed_through: bool


class Image(Rendered):
    """A DICOM object with pixels; made by `fastdcm.open`.

    A context manager. ``len()`` is the number of frames. Indexes count from 0; frames in notices
    and errors count from 1. Frames may be read from several threads.
    """

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
        **geometry: Any,
    ) -> Array:
        """The values of a frame, (rows, columns[, samples]); with ``index=None`` of all frames,
        (frames, rows, columns[, samples]).

        Stored values come as int or uint of 8, 16, 32 or 64 bits, or as the file's floats
        (PS3.5 8.1.1). Colour comes as RGB, with ``raw`` as it is coded (YBR stays YBR); PALETTE
        COLOR gives the indices into its palette. ``values="modality"`` applies the modality LUT
        (PS3.3 C.11.1), for CT Hounsfield units, and gives float64. The array may be read-only
        and share the source's memory.

        ``geometry`` are the fields of `fastdcm.options.GeometryOptions`: with ``size`` a larger frame is
        shrunk to fit in, and so on, to the mean of the area of each pixel, of stored values rounded to their
        dtype (floor(y + 0.5)), of modality values not. Padding counts as any other value. Indices into
        palettes, label maps and single bits are taken from the nearest pixel instead. Where ``fit`` or
        ``spacing`` adds background, it is the darkest value of the frame that is no padding: the least, of
        MONOCHROME1 the greatest. Unless ``exact``, decoders may leave out what hardly counts.

        Raises errors of `FastdcmError`'s tree, with path and frame.
        """
        if values not in ("stored", "modality"):
            raise OptionError(f"values must be 'stored' or 'modality', not {values!r}")
        options = options_of_values(geometry) if geometry else None
        if index is None:
            return self._all_pixels(values, raw, options)
        with self._located(self._check(index)):
            return self._values(index, values, raw, options)

    def mapping(self, index: int = 0, **options: Any) -> Mapping:
        """Where the pixels of a picture lie in the frame, for the options of `render` or `pixels`.

        With ``crop="content"`` the frame is decoded, unless it was shown so already. Raises `RenderError`
        where a presentation state places the pixels elsewhere.
        """
        return self.mapping_frame(index, split_options(options)[0])

    def values_frame(
        self, index: int, values: Literal["stored", "modality"], options: RenderOptions
    ) -> Array:
        """`pixels` with options that are validated already, of which the geometry counts."""
        with self._located(self._check(index)):
            return self._values(index, values, False, options)

    def mapping_frame(self, index: int, options: RenderOptions) -> Mapping:
        """`mapping` with options that are validated already."""
        from fastdcm.rendering.mapping import Mapping

        with self._located(self._check(index)):
            return Mapping.of(self._arrangement(index, options))

    def _values(
        self,
        index: int,
        values: Literal["stored", "modality"],
        raw: bool,
        options: RenderOptions | None,
        less: Less | None = None,
    ) -> Array:
        how = None
        if options is not None:
            options, _ = self._cut_to_content(index, options)
            how = self._pictures.arrangement(index, options)
            self._pictures.check_size(how)
            if less is None and self._may_lack:
                from fastdcm.rendering.smaller import less_of_values

                less = less_of_values(self._header, self._display.read(index), options.geometry, how)
        samples = self._decode(index, as_rgb=not raw, less=less)
        array: Array = samples.array if raw else rgb(samples)
        if values == "modality":
            if samples.array.ndim == 3:
                raise OptionError("colour has no modality values; ask for values='stored'")
            array = modality_values(array, modality_of(self._display.read(index)))
        if options is None or how is None:
            return array
        from fastdcm.rendering.smaller import arranged_values

        padding = None if how.is_whole else self._display.read(index).padding
        result = arranged_values(array, samples, self._header, options.geometry, how, padding)
        if isinstance(result, int):
            return self._values(index, values, raw, options, Less(result, result))
        return result

    def _all_pixels(
        self, values: Literal["stored", "modality"], raw: bool, options: RenderOptions | None
    ) -> Array:
        def pixels_of(index: int) -> Array:
            with self._located(index):
                return self._values(index, values, raw, options)

        if options is not None:
            check_alike(options.geometry)
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
            check_alike(render.geometry)
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
        if pixels.ndim == 2 or render.colour.icc != "embed":
            return None
        if (profile := self._profile_of(index, render)) is None:
            return None
        from fastdcm.profiles import for_file

        return for_file(profile, encode.format, lambda notice: self._note(notice, index))

    def profile_frame(
        self, index: int, pixels: Array, render: RenderOptions, encode: EncodeOptions
    ) -> bytes | None:
        """The ICC profile that belongs into the file of these pixels of `render_frame`, None for none."""
        with self._located(self._check(index)):
            return self._profile(pixels, index, render, encode)

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


def open_image(src: Readable, options: ReadOptions = _DEFAULT) -> Image:
    """Open a DICOM object and read its header; pixel data is read when it is asked for.

    A name may be that of a member of an archive, ``ARCHIVE!MEMBER``.
    Raises `SourceError`, `NotDicomError`, `NoPixelDataError`, `DicomError`, `UnsupportedError`.
    """
    if isinstance(src, (str, os.PathLike)):
        source = open_source(os.fspath(src), None, options.limits)
    else:
        source = open_readable(src)
    try:
        return Image(source, options)
    except BaseException:
        source.close()
        raise
