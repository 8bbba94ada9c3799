"""Attributes that were named, of a frame: from our own walk of the header, which stops before the pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fastdcm.reader.display import DisplayReader
from fastdcm.reader.items import first_item
from fastdcm.reader.values import Values
from fastdcm.sidecars.confidential import is_confidential
from fastdcm.sidecars.dictionary import Attribute, creator_of
from fastdcm.sidecars.model import (
    CHARACTER_SET,
    PIXEL_REPRESENTATION,
    Context,
    Model,
    cell,
    element_model,
    vr_in,
)

if TYPE_CHECKING:
    from fastdcm.pipeline import Image

_FUNCTIONAL_GROUPS = frozenset((0x52009229, 0x52009230))


class Chosen:
    """Reads the named attributes of one object.

    Those of a multi-frame are looked for in the frame's functional groups, then in the shared ones, then at
    the top level (PS3.3 C.7.6.16).
    """

    def __init__(self, image: Image, attributes: Sequence[Attribute]) -> None:
        self._attributes = attributes
        tags = {attribute.tag for attribute in attributes}
        tags |= {creator_of(tag) for tag in tags if tag >> 16 & 1}
        found = image.scanned(frozenset(tags | _FUNCTIONAL_GROUPS | {CHARACTER_SET, PIXEL_REPRESENTATION}))
        self._top = Values(found.encoding, found.elements, data_set=found)
        self._groups: DisplayReader | None = None
        if _FUNCTIONAL_GROUPS & found.elements.keys():
            # What is odd about them was told when they were read for rendering.
            self._groups = DisplayReader(found, image.header, [])
        self._context = Context(self._top.texts(CHARACTER_SET), signed=image.header.signed)

    def cells(self, index: int) -> list[Any]:
        """A cell for each attribute. Raises `FastdcmError`."""
        cells: list[Any] = [None] * len(self._attributes)
        for at, attribute, values, vr in self._found(index):
            whole = is_confidential(attribute.tag)
            context = self._context.of(values)
            cells[at] = cell(values, attribute.tag, vr, attribute.kind, context, whole=whole)
        return cells

    def model(self, index: int) -> Model:
        """Those that there are in the DICOM JSON model. Raises `FastdcmError`."""
        model = {}
        for _, attribute, values, vr in self._found(index):
            whole = is_confidential(attribute.tag)
            context = self._context.of(values)
            model[f"{attribute.tag:08X}"] = element_model(values, attribute.tag, vr, context, whole=whole)
        return dict(sorted(model.items()))

    def _found(self, index: int) -> Iterator[tuple[int, Attribute, Values, str]]:
        """The place in the list, the attribute, where it is, and its VR there."""
        levels = [self._top] if self._groups is None else self._levels(index)
        for at, attribute in enumerate(self._attributes):
            values = next((values for values in levels if attribute.tag in values), None)
            if values is not None:
                vr = vr_in(values, attribute.tag, attribute.vr, signed=self._context.signed)
                yield at, attribute, values, vr

    def _levels(self, index: int) -> list[Values]:
        """Where attributes of a frame may stand: its groups and what is in them, the shared ones, the top."""
        assert self._groups is not None
        *groups, _ = self._groups.levels(index)
        levels = []
        for group, _ in groups:
            levels.append(group)
            macros = (first_item(group, tag) for tag in group.tags if group.vr(tag) in (b"SQ", b"UN", b""))
            levels += [macro for macro in macros if macro is not None]
        return [*levels, self._top]
