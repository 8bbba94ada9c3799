"""What is told of an image: which frame of which source it shows, by which window, and attributes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdcm.errors import RenderError
from fastdcm.model import Notice
from fastdcm.options import RenderOptions
from fastdcm.options.sidecars import Metadata
from fastdcm.sidecars.dictionary import Attribute, Kind
from fastdcm.sidecars.model import Model
from fastdcm.sidecars.voi import voi_of

if TYPE_CHECKING:
    from fastdcm.pipeline import Image
    from fastdcm.sidecars.chosen import Chosen
    from fastdcm.sidecars.whole import Whole

Row = tuple[Any, ...]
#: What is told of every image, in front of the attributes that were asked for.
COLUMNS: dict[str, Kind] = {
    "source": "text",
    "output": "text",
    "frame": "integer",
    "rows": "integer",
    "columns": "integer",
    "transfer_syntax_uid": "text",
    "photometric_interpretation": "text",
    "voi": "text",
    "window_center": "number",
    "window_width": "number",
    "voi_lut_function": "text",
    "rendering": "text",
}
#: Those that the frames of one file do not share.
_OF_FRAME = ("frame", "voi", "window_center", "window_width", "voi_lut_function", "rendering")
#: Where the image's pixels lie in the source, of images whose geometry was to be changed.
_MAPPING = "mapping"


class Sidecars(NamedTuple):
    """What a run tells: in which form, which attributes, in which folder a table lies; and whether pictures
    are ``mapped``, because their geometry is not the source's.

    JSON without ``attributes`` has all that name nobody; none where it is ``brief``.
    """

    metadata: Metadata
    attributes: tuple[Attribute, ...] = ()
    folder: str = "."
    mapped: bool = False
    brief: bool = False

    @property
    def columns(self) -> dict[str, Kind]:
        """The columns of a table, in their order; an attribute of the name of another one is told apart."""
        asked = {attribute.name: attribute.kind for attribute in self.attributes}
        return {**COLUMNS, **({_MAPPING: "text"} if self.mapped else {}), **asked}


class Records:
    """The records of one object's frames.

    ``source`` is its path as it is told; ``note`` is given what is odd. Raises `FastdcmError`, as all methods
    do, where the object's attributes cannot be read.
    """

    def __init__(
        self,
        sidecars: Sidecars,
        image: Image,
        source: str,
        render: RenderOptions,
        note: Callable[[Notice], None],
    ) -> None:
        self._sidecars, self._image, self._render, self._note = sidecars, image, render, note
        self._source = source.replace(os.sep, "/")
        self._chosen: Chosen | None = None
        self._whole: Whole | None = None
        image.remember_plans()
        if sidecars.attributes:
            from fastdcm.sidecars.chosen import Chosen

            self._chosen = Chosen(image, sidecars.attributes)

    def row(self, index: int, output: str) -> Row:
        """The row of a table for a frame, whose image is at ``output``."""
        facts = self.facts(index, output)
        if facts.get(_MAPPING) is not None:
            facts[_MAPPING] = json.dumps(facts[_MAPPING])
        row = tuple(facts.values())
        return row if self._chosen is None else (*row, *self._chosen.cells(index))

    def document(self, indexes: Sequence[int], output: str, *, together: bool) -> bytes:
        """The JSON of an image, or of all frames that are ``together`` in one file."""
        if not together:
            index = indexes[0]
            record = self.facts(index, output)
            return _as_bytes(record if self._sidecars.brief else {**record, "dataset": self._model(index)})
        frames = [self.facts(index, output) for index in indexes]
        record = {name: value for name, value in frames[0].items() if name not in self._of_frame}
        record["frames"] = [{name: facts[name] for name in self._of_frame} for facts in frames]
        if self._sidecars.brief:
            return _as_bytes(record)
        if self._chosen is None:
            record["dataset"] = self._model(None)
        else:
            for index, frame in zip(indexes, record["frames"], strict=True):
                frame["dataset"] = self._model(index)
        return _as_bytes(record)

    def facts(self, index: int, output: str) -> dict[str, Any]:
        """What is told of a frame whose image is at ``output``, but for attributes."""
        header = self._image.header
        voi = voi_of(*self._image.shown_by(index, self._render))
        values = (
            self._source,
            output.replace(os.sep, "/"),
            index + 1,
            header.rows,
            header.columns,
            header.transfer_syntax_uid,
            header.photometric_interpretation,
            *voi,
        )
        facts: dict[str, Any] = dict(zip(COLUMNS, values, strict=True))
        if self._sidecars.mapped:
            facts[_MAPPING] = self._mapping(index)
        return facts

    @property
    def _of_frame(self) -> tuple[str, ...]:
        return (*_OF_FRAME, _MAPPING) if self._sidecars.mapped else _OF_FRAME

    def _mapping(self, index: int) -> dict[str, Any] | None:
        try:
            return self._image.mapping_frame(index, self._render).as_dict()
        except RenderError as error:  # of images that presentation states place
            self._note(Notice("mapping", error.message))
            return None

    def _model(self, index: int | None) -> Model:
        if self._chosen is not None:
            return self._chosen.model(index or 0)
        if self._whole is None:
            from fastdcm.sidecars.whole import Whole  # and so pydicom

            self._whole = Whole(self._image, self._note)
        return self._whole.model(index)


def _as_bytes(record: dict[str, Any]) -> bytes:
    """The record with a line for each of its facts and each attribute, which json writes in C."""
    return f"{{\n{_lines(record)}\n}}\n".encode("ascii")


def _lines(record: dict[str, Any]) -> str:
    lines = []
    for name, value in record.items():
        text = f"{{\n{_lines(value)}\n}}" if name == "dataset" and value else _dumps(value)
        lines.append(f"{_dumps(name)}: {text}")
    return ",\n".join(lines)


# Names of files may hold bytes that are no text; they come as escapes of half a character.
_dumps = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode
