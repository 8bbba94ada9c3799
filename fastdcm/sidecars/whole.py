"""All attributes of an object that name nobody, in the DICOM JSON model (PS3.18 F.2), by pydicom."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastdcm.model import Notice
from fastdcm.reader.elements import tag_name
from fastdcm.sidecars.confidential import is_confidential
from fastdcm.sidecars.dictionary import is_current
from fastdcm.sidecars.model import BINARY, Model

if TYPE_CHECKING:
    from fastdcm.pipeline import Image

_PER_FRAME, _CHARACTER_SET = 0x52009230, 0x00080005
#: Behind it are pixels, signatures, padding, and what stands where no element should.
_LAST_GROUP = 0x7FDF
_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}


class Whole:
    """The attributes of one object.

    Left out are those that `is_confidential` tells of, what the standard does not have or has retired, and
    values that are bytes. What cannot be read is left out, too, with a notice.
    """

    def __init__(self, image: Image, note: Callable[[Notice], None]) -> None:
        self._note = note
        with warnings.catch_warnings():
            # What is odd is told by the values that come out, or are left out.
            warnings.simplefilter("ignore")
            data_set = image.dataset(pixels=False)
            self._groups = list(data_set[_PER_FRAME].value) if _PER_FRAME in data_set else []
            self._model = self._of(data_set, {_PER_FRAME} if self._groups else set())

    def model(self, index: int | None) -> Model:
        """Of one frame, with its own functional groups alone; of all with None. Raises `DicomError`."""
        if not self._groups:
            return self._model
        groups = self._groups if index is None else self._groups[index : index + 1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            items = [self._of(group, set()) for group in groups]
        model = {**self._model, f"{_PER_FRAME:08X}": {"vr": "SQ", "Value": items}}
        return dict(sorted(model.items()))

    def _of(self, data_set: Any, without: set[int]) -> Model:
        model: Model = {}
        for tag in sorted(map(int, data_set.keys())):
            if is_confidential(tag) or not is_current(tag) or tag in without or tag >> 16 > _LAST_GROUP:
                continue
            key = f"{tag:08X}"
            if tag == _CHARACTER_SET:
                # JSON is UTF-8 (F.2.1).
                model[key] = _UTF8
                continue
            try:
                element = data_set[tag]
                if element.VR == "SQ":
                    items = [self._of(item, set()) for item in element.value]
                    model[key] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
                elif element.VR not in BINARY and not is_confidential(tag, element.VR):
                    model[key] = _clean(element.to_json_dict(None, 0))
            except Exception as error:  # pydicom raises what its parts raise
                message = f"{tag_name(tag)} was left out of the metadata: {error}".partition("\n")[0]
                self._note(Notice("metadata", message))
        return model


def _clean(element: Model) -> Model:
    """JSON has no NaN and no infinity, and an empty value among others is null (F.2.5)."""
    values = element.get("Value", ())
    if any(value == "" or _is_endless(value) for value in values):
        element["Value"] = [None if value == "" or _is_endless(value) else value for value in values]
    return element


def _is_endless(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
