"""The ICC profile of a frame as its data set has it (PS3.3 C.11.15, C.8.12.5)."""

from __future__ import annotations

from fastdcm.reader.display import DisplayReader
from fastdcm.reader.elements import ICC_PROFILE, OPTICAL_PATHS
from fastdcm.reader.items import all_items, first_item

_OPTICAL_PATH_IDENTIFICATION, _OPTICAL_PATH_IDENTIFIER = 0x00480207, 0x00480106


class ProfileReader:
    """Reads the profiles of one object, each once."""

    def __init__(self, display: DisplayReader) -> None:
        self._display, self._top = display, display.top
        self._whole: bytes | None = None
        #: Optical Path Identifier -> profile, empty where a path has none.
        self._paths: dict[str, bytes] | None = None

    def read(self, index: int) -> bytes | None:
        """The profile of a frame, None where there is none.

        It is the data set's; else that of the optical path that the frame's or the shared functional group
        names, or of the first one where neither does.
        """
        top = self._top
        if ICC_PROFILE in top:
            if self._whole is None:
                self._whole = trimmed(top.raw(ICC_PROFILE) or b"")
            return self._whole or None
        if OPTICAL_PATHS not in top:
            return None
        if self._paths is None:
            self._paths = {}
            for path in all_items(top, OPTICAL_PATHS):
                profile = trimmed(path.raw(ICC_PROFILE) or b"")
                self._paths.setdefault(path.text(_OPTICAL_PATH_IDENTIFIER), profile)
        first = next(iter(self._paths.values()), b"")
        return self._paths.get(self._identifier(index), first) or None

    def _identifier(self, index: int) -> str:
        for values, _ in self._display.levels(index):
            item = first_item(values, _OPTICAL_PATH_IDENTIFICATION)
            if item is not None:
                return item.text(_OPTICAL_PATH_IDENTIFIER)
        return ""


def trimmed(data: bytes) -> bytes:
    """Without what pads it to an even length: a profile says at its start how long it is."""
    size = int.from_bytes(data[:4], "big")
    return data[:size] if len(data) - size == 1 else data
