"""The frames of a run, one after another, and the objects that they are read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fastdcm.arrays.frame import array_of
from fastdcm.arrays.rows import put, with_samples
from fastdcm.arrays.wanted import Wanted
from fastdcm.errors import FastdcmError, NoPixelDataError, NotDicomError
from fastdcm.model import Region
from fastdcm.pipeline import Image, open_image
from fastdcm.reader.source import Readable
from fastdcm.rendering.chain import Rescale
from fastdcm.rendering.mapping import Mapping
from fastdcm.rendering.plan import modality_of

Array = NDArray[Any]


class Found(NamedTuple):
    """An object of a run: ``named`` by the caller, or met in a folder, where other files may be, too."""

    source: Readable
    named: bool = True
    error: FastdcmError | None = None


class Piece(NamedTuple):
    """A frame of a run, from 1; or what is known to be wrong with its object."""

    source: Readable
    frame: int = 1
    error: FastdcmError | None = None


def pieces_of(found: Iterable[Found], wanted: Wanted) -> Iterator[Piece]:
    """The frames of objects, in their order.

    Headers are read here where several frames are wanted, and of what was met in folders: files that are no
    DICOM objects with pixels are none of the run.
    """
    for source, named, error in found:
        if error is None and (not wanted.first_only or not named):
            try:
                with open_image(source, wanted.read) as image:
                    numbers = wanted.frames.numbers(len(image))
            except FastdcmError as problem:
                if not named and isinstance(problem, (NotDicomError, NoPixelDataError)):
                    continue
                error = problem.at(path=_path(source))
            else:
                yield from (Piece(source, number) for number in numbers)
                continue
        yield Piece(source, 1, error)


def _path(source: Readable) -> str | None:
    return source if isinstance(source, str) else None


@lru_cache
def _whole(shape: tuple[int, int]) -> Mapping:
    """The mapping of a frame that is as it was."""
    return Mapping(shape, Region(0, 0, shape[1], shape[0]), 0, None, shape, (0, 0), shape)


class Reader:
    """Reads frames, one after another, in one thread; the object of the last one stays open meanwhile."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._source: Readable | None = None
        self._image: Image | None = None

    def read(self, piece: Piece, row: Array | None = None) -> tuple[Array, Mapping | None]:
        """A frame's values, (rows, columns[, 3]), and its mapping, as `array_of` has it.

        Raises errors of `FastdcmError`'s tree.

        Display values may be written to ``row``, where they fit as they are: it is returned then.
        """
        if piece.error is not None:
            raise piece.error
        image, wanted = self._opened(piece.source), self._wanted
        index, unsized = piece.frame - 1, wanted.unsized
        if unsized is None or wanted.shape not in (None, image.shape):
            array, mapping = array_of(image, index, wanted.values, wanted.render)
        else:  # not rare: CT mostly is 512 x 512
            if wanted.values == "display":
                array = image.render_frame(index, unsized, row)
            else:
                array = image.pixels(index, values=wanted.values)
            mapping = _whole(image.shape)
        if wanted.samples is not None:
            try:
                array = with_samples(array, wanted.samples, wanted.values)
            except FastdcmError as error:
                raise error.at(path=image.path, frame=piece.frame) from None
        return array, mapping

    def put(self, row: Array, piece: Piece, array: Array) -> None:
        """What `read` gave into a row; raises `RenderError` where it cannot have or hold it."""
        try:
            put(row, array, self._wanted.values, lambda: self._gives_whole_numbers(piece))
        except FastdcmError as error:
            raise error.at(path=_path(piece.source), frame=piece.frame) from None

    def close(self) -> None:
        """Close what is open."""
        image, self._image, self._source = self._image, None, None
        if image is not None:
            image.close()

    def _opened(self, source: Readable) -> Image:
        image = self._image
        if image is None or self._source is not source:
            self.close()
            self._image, self._source = image, _ = open_image(source, self._wanted.read), source
        return image

    def _gives_whole_numbers(self, piece: Piece) -> bool:
        """Whether modality values of a frame are whole numbers, where they are not resampled."""
        image = self._opened(piece.source)
        if self._wanted.values == "stored" or image.header.is_float:
            return self._wanted.values == "stored" and not image.header.is_float
        modality = modality_of(image._display.read(piece.frame - 1))
        if isinstance(modality, Rescale):
            return modality.slope.is_integer() and modality.intercept.is_integer()
        return True
