"""Instances, frames and metadata as they are stored, in their own transfer syntax (PS3.18 10.4.1.1, 9.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, BinaryIO, TypeVar

from fastdcm.dicomweb.bodies import Part, document_of, files_of, parts_of
from fastdcm.dicomweb.refusals import UNABLE
from fastdcm.dicomweb.transport import Answer, Transport
from fastdcm.errors import WebError
from fastdcm.frozen import dataclass
from fastdcm.web.dicom_json_read import Attributes, parse_attributes
from fastdcm.web.resources import Address, Resource, shown

T = TypeVar("T")
DICOM_JSON = "application/dicom+json"
SINGLE_OBJECT = "application/dicom; transfer-syntax=*"
#: As stored; what a server chooses, where it does not know the asterisk. Of frames that a server decoded
#: the metadata tell the colours no more, so these are not asked for.
OBJECTS = ('multipart/related; type="application/dicom"; transfer-syntax=*', SINGLE_OBJECT, "*/*")
FRAMES = (
    'multipart/related; type="application/octet-stream"; transfer-syntax=*',
    'multipart/related; type="*/*"; transfer-syntax=*',
)


@dataclass(frozen=True)
class Service:
    """A server's resources: whom to ask, and where they are."""

    transport: Transport
    address: Address

    async def metadata(self, resource: Resource) -> list[Attributes]:
        """All attributes but bulk data, of each instance of a study or series, or of one (10.4.1.1.2)."""
        url = self.address.url(Resource(resource.study, resource.series, resource.instance, view="metadata"))
        found = parse_attributes(await self.transport.get(url, document_of, accept=DICOM_JSON))
        if not found:
            raise WebError("the server has no metadata", path=shown(url))
        return found

    async def file(self, resource: Resource) -> BinaryIO:
        """One instance, an open file that the caller closes, as it is stored."""
        if self.address.uri:
            return await self._file_by_uri(resource)
        url = self.address.url(Resource(resource.study, resource.series, resource.instance))
        return await _first_that_is_given(
            lambda accept: self.transport.get(url, _only_file, accept=accept), OBJECTS
        )

    async def _file_by_uri(self, resource: Resource) -> BinaryIO:
        whole = Resource(resource.study, resource.series, resource.instance)
        bare = Address(self.address.service, whole, _without_rendering(self.address.query), uri=True)

        def asked(syntax: str) -> Awaitable[BinaryIO]:
            url = bare.url(contentType="application/dicom", transferSyntax=syntax)
            return self.transport.get(url, _only_file, accept="application/dicom")

        return await _first_that_is_given(asked, ("*", ""))

    async def frames(self, resource: Resource) -> list[Part]:
        """Frames as they are coded (10.4.1.1.4), in the order of the resource's numbers.

        The media type of each has its transfer syntax, where the server tells it.
        """
        url = self.address.url(Resource(resource.study, resource.series, resource.instance, resource.frames))
        wanted = len(resource.frames)

        async def take(answer: Answer) -> list[Part]:
            parts = await parts_of(answer, "frames", most=wanted)
            if len(parts) != wanted:
                raise WebError(f"{len(parts)} frames came instead of {wanted}", path=shown(answer.url))
            return parts

        return await _first_that_is_given(lambda accept: self.transport.get(url, take, accept=accept), FRAMES)

    async def bulk(self, uri: str) -> bytes:
        """A value that lies elsewhere; its address may be relative to the service's."""
        from urllib.parse import urljoin

        url = urljoin(f"{self.address.service}/", uri)

        async def take(answer: Answer) -> bytes:
            parts = await parts_of(answer, "a value", most=1)
            return parts[0].data if parts else b""

        ways = ('multipart/related; type="application/octet-stream"', "application/octet-stream", "*/*")
        return await _first_that_is_given(lambda accept: self.transport.get(url, take, accept=accept), ways)

    async def files(self, resource: Resource) -> AsyncIterator[BinaryIO]:
        """Each instance of a study or series, or one: an open file that the caller closes."""
        url = self.address.url(Resource(resource.study, resource.series, resource.instance))
        async with self.transport.answer(url, OBJECTS[0]) as answer:
            async for file in files_of(answer):
                yield file


async def _only_file(answer: Answer) -> BinaryIO:
    found: BinaryIO | None = None
    try:
        async for file in files_of(answer):
            if found is not None:
                file.close()
                raise WebError("several objects came instead of one", path=shown(answer.url))
            found = file
    except BaseException:
        if found is not None:
            found.close()
        raise
    if found is None:
        raise WebError("nothing came", status=answer.status, path=shown(answer.url))
    return found


async def _first_that_is_given(ask: Callable[[Any], Awaitable[T]], ways: tuple[str, ...]) -> T:
    """What is given for the first of several ways to ask for the same; refusals of all: the first's."""
    refused: WebError | None = None
    for way in ways:
        try:
            return await ask(way)
        except WebError as error:
            # What is not there, asked for in any way, and whoever may not have it, ends it.
            if error.status not in UNABLE or error.status in (404, 410, 500):
                raise refused or error from None
            refused = refused or error
    assert refused is not None
    raise refused


#: Parameters of WADO-URI that say how an object is rendered (9.1.2.2), which the object itself does not have.
_RENDERING = frozenset(
    (
        "annotation",
        "charset",
        "columns",
        "contenttype",
        "imagequality",
        "presentationseriesuid",
        "presentationuid",
        "region",
        "rows",
        "transfersyntax",
        "windowcenter",
        "windowwidth",
    )
)


def _without_rendering(query: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in query if name.lower() not in _RENDERING)
