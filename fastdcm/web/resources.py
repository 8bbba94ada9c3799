"""Addresses of DICOMweb resources: studies, series, instances, frames (PS3.18 10.4.1); WADO-URI (9.1)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal, get_args
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass

View = Literal["", "rendered", "thumbnail", "metadata"]

_SEGMENT = "[^/]+"
_PATH = re.compile(
    rf"(?P<service>.*)/studies/(?P<study>{_SEGMENT})(?:/series/(?P<series>{_SEGMENT})"
    rf"(?:/instances/(?P<instance>{_SEGMENT})(?:/frames/(?P<frames>{_SEGMENT}))?)?)?"
    rf"(?:/(?P<view>{'|'.join(filter(None, get_args(View)))}))?/?"
)
#: PS3.5 9.1 has 64 digits and dots; what some archives and anonymizers make of that is taken, as far as it
#: can be the name of a file anywhere.
_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,127}")
_MOST_FRAMES = 10_000


@dataclass(frozen=True)
class Resource:
    """A study, or a series, instance or frames (from 1) of it; ``view`` is what is to be had of it.

    Empty texts are what is not named: without a ``series`` it is the study.
    """

    study: str
    series: str = ""
    instance: str = ""
    frames: tuple[int, ...] = ()
    view: View = ""

    def __post_init__(self) -> None:
        if (self.instance and not self.series) or (self.frames and not self.instance):
            raise OptionError("an instance is one of a series, frames are those of an instance")
        for uid in filter(None, (self.study, self.series, self.instance)):
            check_uid(uid)

    @property
    def path(self) -> str:
        """The path below the service's address, without a slash in front."""
        parts = ["studies", quote(self.study)]
        if self.series:
            parts += ["series", quote(self.series)]
        if self.instance:
            parts += ["instances", quote(self.instance)]
        if self.frames:
            parts += ["frames", ",".join(map(str, self.frames))]
        return "/".join([*parts, self.view] if self.view else parts)

    @property
    def level(self) -> Literal["study", "series", "instance", "frames"]:
        """What is named."""
        if self.frames:
            return "frames"
        return "instance" if self.instance else "series" if self.series else "study"


@dataclass(frozen=True)
class Address:
    """A resource of a server.

    ``service`` is the service's address, with the query in ``query``, a pair a parameter. With ``uri`` the
    service is the older WADO-URI, whose parameters name the object: those that do are left out of ``query``.
    """

    service: str
    resource: Resource
    query: tuple[tuple[str, str], ...] = ()
    uri: bool = False

    def url(self, resource: Resource | None = None, **parameters: str) -> str:
        """The address of a resource of the same service; ``parameters`` with a value are added."""
        resource = resource or self.resource
        query = [*self.query, *((name, value) for name, value in parameters.items() if value)]
        place = self.service
        if self.uri:
            named = {"studyUID": resource.study, "seriesUID": resource.series, "objectUID": resource.instance}
            query = [("requestType", "WADO"), *named.items(), *query]
            if resource.frames:
                query.append(("frameNumber", str(resource.frames[0])))
        else:
            place = f"{place}/{resource.path}"
        # Servers see commas and slashes as they are, as in the standard's examples.
        return f"{place}?{urlencode(query, safe=',/:*', quote_via=quote)}" if query else place


def parse_frames(text: str) -> tuple[int, ...]:
    """A list of frames, ``1`` or ``1,2,5``: from 1, ascending (PS3.18 10.1.2)."""
    parts = text.split(",")
    if len(parts) > _MOST_FRAMES or not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        raise OptionError(f"frames {text[:80]!r} are no list of numbers as 1,2,5")
    frames = tuple(map(int, parts))
    if frames[0] < 1 or any(one >= next_ for one, next_ in pairwise(frames)):
        raise OptionError(f"frames {text[:80]!r} must count from 1 and ascend")
    return frames


def check_uid(uid: str) -> str:
    """The identifier, if it can be part of a path; an `OptionError` where it cannot."""
    if _UID.fullmatch(uid) is None:
        raise OptionError(f"{uid[:80]!r} is no UID: those are of digits and dots")
    return uid


def parse_path(path: str) -> tuple[str, Resource] | None:
    """What precedes the resource in a path, and the resource; None where the path is of no such form."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    study, series, instance, frames = (
        unquote(found[name] or "") for name in ("study", "series", "instance", "frames")
    )
    numbers = parse_frames(frames) if frames else ()
    return found["service"], Resource(study, series, instance, numbers, found["view"] or "")  # type: ignore[arg-type]


def parse_address(url: str) -> Address:
    """An address as people have it, of WADO-RS or WADO-URI. Raises `OptionError`.

    User and password must have been taken out of it before.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError(f"{shown(url)!r} is no address: it starts with https:// or http://, and a host")
    query = parse_qsl(parts.query, keep_blank_values=True)
    here = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    if any(name.lower() == "requesttype" and value.upper() == "WADO" for name, value in query):
        return _uri_address(here, query, url)
    found = parse_path(parts.path)
    if found is None:
        raise OptionError(
            f"{shown(url)!r} names no study: .../studies/UID, and below it /series/UID, /instances/UID, "
            "/frames/1,2, with or without /rendered; or the older ...?requestType=WADO&..."
        )
    service = urlunsplit((parts.scheme, parts.netloc, found[0], "", ""))
    return Address(service, found[1], tuple(query))


def _uri_address(here: str, query: list[tuple[str, str]], url: str) -> Address:
    names = {"studyuid": "", "seriesuid": "", "objectuid": "", "framenumber": "", "requesttype": ""}
    rest = []
    for name, value in query:
        if name.lower() in names:
            names[name.lower()] = value
        else:
            rest.append((name, value))
    if not names["studyuid"] or not names["seriesuid"] or not names["objectuid"]:
        raise OptionError(f"{shown(url)!r} needs studyUID, seriesUID and objectUID (PS3.18 9.1.2)")
    frames = parse_frames(names["framenumber"]) if names["framenumber"] else ()
    if len(frames) > 1:
        raise OptionError("frameNumber is one frame")
    resource = Resource(names["studyuid"], names["seriesuid"], names["objectuid"], frames)
    return Address(here, resource, tuple(rest), uri=True)


#: Parameters that are shown with their values; any other may be a key.
_SHOWN = frozenset(
    (
        "accept",
        "annotation",
        "columns",
        "contentType",
        "frameNumber",
        "iccprofile",
        "imageQuality",
        "includefield",
        "limit",
        "objectUID",
        "offset",
        "quality",
        "region",
        "requestType",
        "rows",
        "seriesUID",
        "studyUID",
        "transferSyntax",
        "viewport",
        "window",
        "windowCenter",
        "windowWidth",
    )
)


def shown(url: str) -> str:
    """An address for messages: without user and password, and without the values of unknown parameters."""
    try:
        parts = urlsplit(url)
        place = parts.hostname or ""
        if parts.port:
            place += f":{parts.port}"
    except ValueError:
        return "an address that cannot be read"
    query = "&".join(
        f"{name}={value if name in _SHOWN else '...'}"
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return urlunsplit((parts.scheme, place, parts.path, query, "")) if place else url.partition("?")[0]
