"""How objects and their frames are given, by what is accepted (PS3.18 8.7.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

from fastdcm.serve.index.lookup import Instance
from fastdcm.serve.refusal import RefusalError
from fastdcm.web.media_types import ANY, DICOM, OCTETS, MediaRange, mixes, parse_accept

EXPLICIT_LE, _EXPLICIT_BE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
#: Of which frames are native; their bytes are the same but for those of big endian.
_NATIVE = frozenset(f"1.2.840.10008.1.2{last}" for last in ("", ".1", ".1.98", ".1.99", ".2"))
#: In which what was left out cannot be had back: such an object may be given as it is stored (8.7.3.5.2).
_LOSSY = frozenset(
    f"1.2.840.10008.1.2.4.{last}" for last in ("50", "51", "53", "55", "81", "91", "93", "112", "203")
)
#: Transfer syntax -> media type of its codestreams (tables 8.7.3-2 and 3).
_STREAMS = {
    **dict.fromkeys(("4.50", "4.51", "4.53", "4.55", "4.57", "4.70"), "image/jpeg"),
    **dict.fromkeys(("4.80", "4.81"), "image/jls"),
    **dict.fromkeys(("4.90", "4.91"), "image/jp2"),
    **dict.fromkeys(("4.92", "4.93"), "image/jpx"),
    **dict.fromkeys(("4.110", "4.111", "4.112"), "image/jxl"),
    **dict.fromkeys(("4.201", "4.202", "4.203"), "image/jphc"),
    "5": "image/dicom-rle",
}


class Given(NamedTuple):
    """How an object or its frames are given: as they are ``stored``, or decoded; in which type and syntax."""

    stored: bool
    media_type: str
    transfer_syntax: str
    multipart: bool

    @property
    def content_type(self) -> str:
        """The media type with its transfer syntax."""
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax}"


def accepted(request: Request) -> tuple[tuple[MediaRange, ...], tuple[MediaRange, ...]]:
    """What the query and the header accept. Raises `OptionError`."""
    accept = ",".join(request.headers.getlist("accept"))
    query = request.scope["query_string"]
    asked = ""
    if b"accept=" in query:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=64)
        asked = ",".join(value.replace("dicom ", "dicom+") for name, value in pairs if name == "accept")
    ranges = parse_accept(asked), parse_accept(accept)
    if mixes([*ranges[0], *ranges[1]]):
        raise RefusalError(
            400, "accept has types of DICOM objects beside rendered ones; ask for one kind of them"
        )
    return ranges


def given_object(ranges: Sequence[Sequence[MediaRange]], instance: Instance) -> Given | None:
    """How an object is given; None where nothing is acceptable."""
    stored = instance.transfer_syntax
    for one in _preferred(ranges):
        if not one.covers(DICOM):
            continue
        syntax = one.transfer_syntax
        multipart = one.multipart or one.is_wildcard
        if syntax in ("*", stored):
            return Given(True, DICOM, stored, multipart)
        if syntax not in ("", EXPLICIT_LE):
            continue
        # What is lossy is not made larger unless it is asked for by name.
        if stored == EXPLICIT_LE or not instance.has_pixels or (stored in _LOSSY and not syntax):
            return Given(True, DICOM, stored, multipart)
        if instance.is_video or stored == _EXPLICIT_BE:
            if syntax:
                continue
            return Given(True, DICOM, stored, multipart)
        return Given(False, DICOM, EXPLICIT_LE, multipart)
    return None


def given_frames(ranges: Sequence[Sequence[MediaRange]], instance: Instance) -> Given | None:
    """How frames are given; None where nothing is acceptable."""
    syntax = instance.transfer_syntax
    native = syntax in _NATIVE
    stream = stream_of(syntax)
    for one in _preferred(ranges):
        multipart = one.multipart or one.is_wildcard
        as_stored = one.transfer_syntax == "*" or (
            bool(one.transfer_syntax) and one.transfer_syntax == syntax
        )
        if not native and stream and one.covers(stream) and (as_stored or one.name == stream):
            if one.transfer_syntax in ("", "*", syntax):
                return Given(True, stream, syntax, multipart)
        elif not native and stream and one.type == "image" and one.is_wildcard and not one.transfer_syntax:
            return Given(True, stream, syntax, multipart)
        if not one.covers(OCTETS):
            continue
        if as_stored and not native and stream:
            return Given(True, OCTETS, syntax, multipart)
        if one.transfer_syntax in ("", "*", EXPLICIT_LE) or (native and as_stored):
            return Given(native, OCTETS, EXPLICIT_LE, multipart)
    return None


def _preferred(ranges: Sequence[Sequence[MediaRange]]) -> list[MediaRange]:
    if not any(ranges):
        return [ANY]
    return [one for part in ranges for one in part if one.q > 0]


def stream_of(transfer_syntax: str) -> str:
    """The media type of a transfer syntax' codestreams, empty where frames have none."""
    return _STREAMS.get(transfer_syntax.removeprefix("1.2.840.10008.1.2."), "")
