"""What becomes of the ICC profiles of one object: reader and codecs meet for them, below the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastdcm.codecs.passthrough import baseline_jpeg
from fastdcm.errors import RenderError
from fastdcm.model import Header, Notice
from fastdcm.options import FORMATS, Format, Icc
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.elements import PROFILES
from fastdcm.reader.frames import FrameIndex
from fastdcm.reader.profiles import ProfileReader
from fastdcm.reader.scan import DataSet

#: Tells a notice.
Tell = Callable[[Notice], None]


class Profiles:
    """The profiles of an object's colour frames; those of the data set come before those of codestreams."""

    def __init__(
        self,
        found: DataSet,
        display: DisplayReader,
        frames: FrameIndex,
        *,
        video: bool,
        note: Callable[[Notice, int], None],
    ) -> None:
        self._reader = ProfileReader(display) if PROFILES & found.elements.keys() else None
        self._streams = frames if frames.encapsulated and not video else None
        self._note = note

    def of(self, index: int) -> bytes | None:
        """The profile of a frame as it is there; None where there is none."""
        if (profile := self._of_data_set(index)) is not None or self._streams is None:
            return profile
        from fastdcm.codestream.profiles import embedded

        return embedded(partial(self._streams.head, index))

    def _of_data_set(self, index: int) -> bytes | None:
        return None if self._reader is None else self._reader.read(index)

    def passed_through(self, index: int, data: bytes, header: Header, icc: Icc) -> bytes | None:
        """`fastdcm.codecs.passthrough.baseline_jpeg` of a colour frame, with the profile that it should have.

        None also where it must be decoded to be converted.
        """
        if icc == "none":
            return baseline_jpeg(data, header)
        own = self._of_data_set(index)

        def tell(notice: Notice) -> None:
            self._note(notice, index)

        if icc == "srgb":
            return None if own is not None else baseline_jpeg(data, header, found=lambda _: None)
        if own is not None:
            return baseline_jpeg(data, header, usable(own, tell) or b"")
        return baseline_jpeg(data, header, found=lambda stream: usable(stream, tell) or b"")


def usable(profile: bytes | None, tell: Tell) -> bytes | None:
    """The profile, if programs that open the image can go by it; else a notice and None."""
    if profile is None:
        return None
    from fastdcm.codecs import icc

    if reason := icc.refusal(profile):
        tell(Notice("icc-profile", f"the ICC profile is {reason}; it was left out"))
        return None
    return profile


def for_file(profile: bytes, format: Format, tell: Tell) -> bytes | None:
    """The profile to embed into a file, where it can be used and the format carries it."""
    if usable(profile, tell) is None:
        return None
    title, carries = FORMATS[format].title, FORMATS[format].profile
    if carries and format in ("jp2", "jph"):
        from fastdcm.codecs.icc import is_matrix

        # T.800 I.5.3.3: others are for JPX, which few programs read.
        carries = is_matrix(profile)
    if carries:
        return profile
    message = f"{title} is written without the ICC profile (--icc srgb converts by it)"
    tell(Notice("icc-profile", message))
    return None


def as_srgb(pixels: Any, profile: bytes) -> Any:
    """Display values, (rows, columns, 3), in sRGB. Raises `RenderError` where their profile is damaged."""
    from fastdcm.codecs import icc

    if reason := icc.refusal(profile):
        raise RenderError(f"the ICC profile is {reason}; --icc none shows the colours as they are")
    return icc.to_srgb(pixels, profile)
