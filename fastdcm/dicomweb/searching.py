"""QIDO-RS, page by page (PS3.18 10.6), as far as servers have it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple
from urllib.parse import quote, urlencode

from fastdcm.dicomweb.bodies import document_of
from fastdcm.dicomweb.refusals import UNABLE
from fastdcm.dicomweb.retrieving import DICOM_JSON, Service
from fastdcm.errors import OptionError, WebError
from fastdcm.web.dicom_json_read import Attributes, number_of, parse_attributes, text_of
from fastdcm.web.resources import Resource, check_uid, shown

Level = Literal["studies", "series", "instances"]

_UIDS: dict[Level, str] = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}
_NUMBER_OF_FRAMES, _ROWS, _SOP_CLASS = "00280008", "00280010", "00080016"
_PAGE = 500
#: Pages of one search; more are of a server that never ends.
_MOST_PAGES = 100_000
_NAME = re.compile(r"[A-Za-z0-9.]{1,64}")


class Found(NamedTuple):
    """An instance that a search found; ``frames`` is None where the server does not tell."""

    resource: Resource
    frames: int | None
    sop_class_uid: str


async def search(
    service: Service, level: Level, study: str = "", series: str = "", matching: dict[str, str] | None = None
) -> AsyncIterator[Attributes]:
    """What matches, each once, all pages of it. Raises `WebError`, `OptionError`."""
    path = _path(level, study, series)
    matching = matching or {}
    for name in matching:
        if _NAME.fullmatch(name) is None:
            raise OptionError(f"{name[:40]!r} is no keyword or tag of an attribute")
    given = [*service.address.query, *matching.items()]
    paged = "limit" not in matching and "offset" not in matching
    seen: set[tuple[str, ...]] = set()
    given_so_far = 0
    for page in range(_MOST_PAGES):
        query = [*given, ("limit", str(_PAGE)), ("offset", str(given_so_far))] if paged else given
        url = f"{service.address.service}/{path}"
        url += f"?{urlencode(query, safe=',/:*', quote_via=quote)}" if query else ""
        try:
            document = await service.transport.get(url, document_of, accept=DICOM_JSON)
        except WebError as error:
            # Few servers know no paging, and refuse to be asked for it.
            if paged and not page and error.status in (400, 422):
                paged = False
                query = given
                url = url.partition("?")[0] + (f"?{urlencode(given)}" if given else "")
                document = await service.transport.get(url, document_of, accept=DICOM_JSON)
            else:
                raise
        fresh = 0
        for attributes in parse_attributes(document):
            given_so_far += 1
            # Copies of an instance may be in several series.
            uid = tuple(text_of(attributes, tag) for tag in _UIDS.values())
            if text_of(attributes, _UIDS[level]) and uid not in seen:
                seen.add(uid)
                fresh += 1
                yield attributes
        # A server may give fewer than were asked for, and one that knows no offset gives the same again.
        if not paged or not fresh:
            return
    raise WebError(f"the search has no end after {_MOST_PAGES} pages", path=shown(url))


def _path(level: Level, study: str, series: str) -> str:
    if series and not study:
        raise OptionError("a series is one of a study: give its UID, too")
    parts = []
    if study and level != "studies":
        parts += ["studies", quote(check_uid(study))]
    if series and level == "instances":
        parts += ["series", quote(check_uid(series))]
    return "/".join([*parts, level])


async def instances_of(service: Service, resource: Resource) -> AsyncIterator[Found]:
    """The instances of a study, series, or the one that is named, by a search, else by metadata.

    Raises `WebError`; an instance whose UIDs can be no path is one, too.
    """
    try:
        if resource.instance:
            matching = {"SOPInstanceUID": resource.instance, "includefield": _NUMBER_OF_FRAMES}
            async for one in _instances(service, resource.study, resource.series, matching):
                if one.resource.instance == resource.instance:
                    yield one
        elif resource.series:
            async for one in _instances(service, resource.study, resource.series):
                yield one
        else:
            async for series in search(service, "series", resource.study):
                async for one in _instances(service, resource.study, text_of(series, _UIDS["series"])):
                    yield one
    except WebError as error:
        if error.status not in UNABLE - {500}:
            raise
        for attributes in await service.metadata(resource):
            yield _found(attributes, resource.study, resource.series)


async def _instances(
    service: Service, study: str, series: str, matching: dict[str, str] | None = None
) -> AsyncIterator[Found]:
    asked = matching or {"includefield": _NUMBER_OF_FRAMES}
    async for attributes in search(service, "instances", study, series, asked):
        yield _found(attributes, study, series)


def _found(attributes: Attributes, study: str, series: str) -> Found:
    series = series or text_of(attributes, _UIDS["series"])
    uid = text_of(attributes, _UIDS["instances"])
    try:
        resource = Resource(study, series, uid)
    except OptionError as error:
        raise WebError(f"the server names an instance that cannot be asked for: {error.message}") from None
    frames = number_of(attributes, _NUMBER_OF_FRAMES)
    if frames is None and number_of(attributes, _ROWS) is not None:
        frames = 1  # it tells of the image what it has (Table 10.6.3-5)
    return Found(resource, frames, text_of(attributes, _SOP_CLASS))
