"""Accept, and which of the representations it selects (PS3.18 8.3.3, 8.7.5; RFC 9110 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fastdcm.errors import OptionError

DICOM, DICOM_JSON, JSON, OCTETS = (
    "application/dicom",
    "application/dicom+json",
    "application/json",
    "application/octet-stream",
)
MULTIPART = "multipart/related"
#: More ranges than any program sends; each is compared with what there is.
_MAX_RANGES = 64
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE = re.compile(rf"({_TOKEN})/({_TOKEN})")
_PARAMETER = re.compile(rf'\s*;\s*({_TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]+)')
_Q = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")


class MediaRange(NamedTuple):
    """One of the types that an Accept lists, in lower case; ``*`` stands for any.

    ``multipart`` tells that parts of this type were asked for: ``multipart/related; type="image/png"``.
    ``transfer_syntax`` is empty where none was named.
    """

    type: str
    subtype: str
    q: float = 1.0
    multipart: bool = False
    transfer_syntax: str = ""

    @property
    def name(self) -> str:
        """``type/subtype``."""
        return f"{self.type}/{self.subtype}"

    @property
    def is_wildcard(self) -> bool:
        """Whether more than one type is meant."""
        return self.subtype == "*"

    def covers(self, media_type: str) -> bool:
        """Whether a media type, without parameters, is one of those that are meant."""
        if self.type == "*":
            return True
        return media_type == self.name or (self.is_wildcard and media_type.partition("/")[0] == self.type)

    @property
    def _precision(self) -> int:
        return (self.type != "*") + (self.subtype != "*") + bool(self.transfer_syntax)


#: What stands for a request without Accept.
ANY = MediaRange("*", "*")


@lru_cache(maxsize=512)
def parse_accept(text: str) -> tuple[MediaRange, ...]:
    """The ranges of an Accept header, or of the query parameter, the preferred ones first.

    That is by q, then the most specific, then the order in which they stand. ``q=0`` stays: it excludes.
    Raises `OptionError` where it is malformed.
    """
    found: list[MediaRange] = []
    position, end = 0, len(text)
    while position < end:
        if text[position] in " \t,":
            position += 1
            continue
        if len(found) == _MAX_RANGES:
            raise OptionError(f"accept lists more than {_MAX_RANGES} media types")
        kind = _TYPE.match(text, position)
        if kind is None:
            raise _malformed(text)
        position = kind.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(text, position):
            value = parameter[2]
            if value[0] == '"':
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            parameters.setdefault(parameter[1].lower(), value)
            position = parameter.end()
        while position < end and text[position] in " \t":
            position += 1
        if position < end and text[position] != ",":
            raise _malformed(text)
        found.append(_range(kind[1].lower(), kind[2].lower(), parameters, text))
    return tuple(sorted(found, key=lambda one: (-one.q, -one._precision)))


def _range(kind: str, subtype: str, parameters: dict[str, str], text: str) -> MediaRange:
    q = parameters.get("q", "1")
    if not _Q.fullmatch(q):
        raise OptionError(f"accept {text[:80]!r}: q is 0 to 1, with three decimals at most, not {q[:20]!r}")
    multipart = (kind, subtype) == ("multipart", "related")
    if multipart:
        inner = _TYPE.fullmatch(parameters.get("type", "*/*").strip())
        if inner is None:
            raise _malformed(text)
        kind, subtype = inner[1].lower(), inner[2].lower()
    elif kind == "multipart" and subtype == "*":
        kind, multipart = "*", True
    if kind == "*" and subtype != "*":
        raise _malformed(text)
    return MediaRange(kind, subtype, float(q), multipart, parameters.get("transfer-syntax", ""))


def _malformed(text: str) -> OptionError:
    return OptionError(f"accept {text[:80]!r} is no list of media types, as image/jpeg, image/png;q=0.5")


class Selected(NamedTuple):
    """What an Accept selected: the media type, and by which range it did."""

    media_type: str
    by: MediaRange


def select(
    query: Sequence[MediaRange], header: Sequence[MediaRange], offered: Sequence[str]
) -> Selected | None:
    """The media type that is to be given, None where there is none that is acceptable.

    ``offered`` are those that there are, the default first. The ranges of the query parameter go before
    those of the header; a range that is a wildcard gives the default, or the first that it covers (8.7.5).
    """
    if not query and not header:
        return Selected(offered[0], ANY) if offered else None
    for ranges in (query, header):
        refused = [one for one in ranges if one.q == 0]
        for one in ranges:
            if one.q == 0:
                continue
            for media_type in offered:
                if one.covers(media_type) and not _is_refused(media_type, one, refused):
                    return Selected(media_type, one)
    return None


def _is_refused(media_type: str, by: MediaRange, refused: Sequence[MediaRange]) -> bool:
    return any(one.covers(media_type) and one._precision >= by._precision for one in refused)


#: Types of PS3.18 8.7.3: the objects themselves, and what describes them.
_OF_OBJECTS = frozenset((DICOM, DICOM_JSON, "application/dicom+xml", JSON, OCTETS))


def mixes(ranges: Sequence[MediaRange]) -> bool:
    """Whether types of objects stand beside rendered ones, which is an error of the request (8.7.5)."""
    named = {one.name in _OF_OBJECTS for one in ranges if not one.is_wildcard}
    return len(named) == 2
