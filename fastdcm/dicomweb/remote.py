"""An instance of which only ranges are read, where its server gives these (RFC 9110 14)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from fastdcm.dicomweb.bodies import files_of, source_of, whole_body
from fastdcm.dicomweb.retrieving import SINGLE_OBJECT, Service
from fastdcm.dicomweb.transport import Again, Answer
from fastdcm.errors import SourceError, WebError
from fastdcm.reader.ranged import RangedSource
from fastdcm.reader.source import MemorySource, Source
from fastdcm.web.resources import Address, Resource, shown

T = TypeVar("T")
#: What is asked for at first: the header of most objects, which costs no more than to wait for it; and later,
#: at least.
_FIRST, _LEAST = 256 << 10, 64 << 10
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")


class Habits:
    """What was learnt of a server: whether it renders at all, and gives instances in a body of their own."""

    renders: bool | None = None
    gives_single = True


class Runs(Protocol):
    """Runs a coroutine function in an event loop of another thread, and waits for what it gives."""

    def __call__(self, function: Callable[..., Awaitable[T]], /, *arguments: Any) -> T: ...


class Reading(NamedTuple):
    """What ranges are read by, from any thread: ``run`` is of the loop that ``service`` is used in."""

    run: Runs
    service: Service


class _Begun(NamedTuple):
    """What the first answer was: the beginning of ``size`` bytes, or (``source``) all of it."""

    data: bytes
    size: int = 0
    tag: str = ""
    source: Source | None = None


async def first_range(service: Service, resource: Resource) -> _Begun:
    """Ask for the beginning of an instance; a server without ranges gives all of it, which is taken.

    Raises `WebError`.
    """
    url = _address(service, resource)

    async def take(answer: Answer) -> _Begun:
        if answer.status == 206:
            start, end, size, tag = _told(answer)
            data = await whole_body(answer)
            if (start, len(data)) != (0, end + 1):
                raise Again(WebError("a range came that is not what was asked for", path=shown(url)))
            return _Begun(data, size, tag)
        async for file in files_of(answer):
            return _Begun(b"", source=source_of(file, shown(url)))
        raise WebError("nothing came", status=answer.status, path=shown(url))

    headers = {"Range": f"bytes=0-{_FIRST - 1}", "Accept-Encoding": "identity"}
    return await service.transport.get(url, take, accept=SINGLE_OBJECT, headers=headers)


def _address(service: Service, resource: Resource) -> str:
    whole = Resource(resource.study, resource.series, resource.instance)
    address = service.address
    if not address.uri:
        return address.url(whole)
    return Address(address.service, whole, address.query, uri=True).url(contentType="application/dicom")


def _told(answer: Answer) -> tuple[int, int, int, str]:
    """First and last byte of a range, the size of the whole, and by what its version is known."""
    found = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if found is None or answer.media_type.name.startswith("multipart/"):
        raise WebError("a range came that does not say of what", status=206, path=shown(answer.url))
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise WebError("a range came of something compressed", status=206, path=shown(answer.url))
    tag = answer.headers.get("etag", "")
    return int(found[1]), int(found[2]), int(found[3]), "" if tag.startswith("W/") else tag


class RemoteSource(RangedSource):
    """An instance that is read by ranges; safe to use from several threads, but that of its loop."""

    def __init__(self, reading: Reading, resource: Resource, begun: _Begun) -> None:
        self._reading, self._url = reading, _address(reading.service, resource)
        self._tag = begun.tag
        super().__init__(begun.size, shown(self._url), begun.data, least=_LEAST)

    def _fetched(self, start: int, end: int) -> bytes:
        return self._reading.run(self._range, start, end)

    async def _range(self, start: int, end: int) -> bytes:
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        if self._tag:
            headers["If-Match"] = self._tag

        async def take(answer: Answer) -> bytes:
            if answer.status != 206:
                raise WebError("the server gives no more ranges", status=answer.status)
            first, last, size, tag = _told(answer)
            if size != self.size or tag != self._tag:
                raise _changed()
            data = await whole_body(answer)
            if (first, last + 1) != (start, end) or len(data) != end - start:
                raise Again(WebError("a range came that is not what was asked for", status=206))
            return data

        try:
            return await self._reading.service.transport.get(
                self._url, take, accept=SINGLE_OBJECT, headers=headers
            )
        except WebError as error:
            if error.status == 412:
                raise _changed() from error
            raise


def _changed() -> SourceError:
    return SourceError("it changed on the server while it was read")


async def remote_source(
    service: Service, resource: Resource, reading: Callable[[], Reading], habits: Habits
) -> Source:
    """An instance for `fastdcm.open`: by ranges where the server gives these and it pays, else whole.

    Raises `WebError`.
    """
    name = shown(_address(service, resource))
    begun: _Begun | None = None
    if habits.gives_single:
        try:
            begun = await first_range(service, resource)
        except WebError as error:
            # Many servers give instances in multipart alone, of which a range is of no use.
            if error.status not in (206, 400, 406, 415, 416):
                raise
            habits.gives_single = error.status in (206, 416)
    if begun is None:
        return source_of(await service.file(resource), name)
    if begun.source is not None:
        return begun.source
    if begun.size <= len(begun.data):
        return MemorySource(begun.data, name)
    return RemoteSource(reading(), resource, begun)
