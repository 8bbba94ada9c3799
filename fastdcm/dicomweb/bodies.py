"""What is in an answer: one body, or the parts of several; small ones in memory, large ones in files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, NamedTuple, cast

from fastdcm.dicomweb.refusals import MOST_READ, said_in
from fastdcm.dicomweb.transport import Again, Answer
from fastdcm.errors import WebError
from fastdcm.reader.source import MemorySource, StreamSource
from fastdcm.web.multipart_read import (
    MediaType,
    MultipartReader,
    PartBegins,
    PartData,
    PartEnds,
    parse_media_type,
)
from fastdcm.web.resources import shown

#: Objects up to this size stay in memory.
_IN_MEMORY = 64 << 20


class Temporary(StreamSource):
    """A DICOM object in a temporary file, which ends with it."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        super().__init__(stream)
        self.name = name

    def close(self) -> None:
        self._stream.close()


def source_of(file: BinaryIO, name: str) -> MemorySource | Temporary:
    """What an open file of `files_of` has, for `fastdcm.open`; the file is closed, or closes with it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > _IN_MEMORY:
        return Temporary(file, name)
    with file:
        return MemorySource(file.read(), name)


class Part(NamedTuple):
    """A part of a body, or a body of one: its media type, its bytes."""

    media_type: MediaType
    data: bytes


async def whole_body(answer: Answer) -> bytes:
    """All of a body."""
    return b"".join([piece async for piece in answer.pieces()])


async def not_a_page(answer: Answer, wanted: str) -> None:
    """Raises `WebError` where a page for people came instead, as for a login, or from a viewer."""
    if "html" not in answer.media_type.name:
        return
    body = b""
    async for piece in answer.pieces():
        body += piece
        if len(body) > MOST_READ:
            break
    said = said_in(body, "text/html")
    raise WebError(
        f"a page for people came instead of {wanted}{f' ({said})' if said else ''}: "
        "the address may be that of a viewer, or a login may be wanted",
        status=answer.status,
        path=shown(answer.url),
    )


async def parts_of(answer: Answer, wanted: str, *, most: int = 100_000) -> list[Part]:
    """All parts of a body, in memory. Raises `WebError` for more than ``most``, or for a page."""
    await not_a_page(answer, wanted)
    if answer.status == 204:
        return []
    if not answer.media_type.name.startswith("multipart/"):
        return [Part(answer.media_type, await whole_body(answer))]
    parts: list[Part] = []
    kind, pieces = answer.media_type, list[bytes]()
    async for event in _events(answer, most):
        match event:
            case PartBegins():
                kind, pieces = _told(event.media_type, answer), []
            case PartData():
                pieces.append(event.data)
            case PartEnds():
                parts.append(Part(kind, b"".join(pieces)))
    return parts


async def files_of(answer: Answer) -> AsyncIterator[BinaryIO]:
    """Each DICOM object of a body as an open file, at its beginning, which the caller closes."""
    await not_a_page(answer, "a DICOM object")
    if answer.status == 204:
        return
    if not answer.media_type.name.startswith("multipart/"):
        file = _file()
        try:
            async for piece in answer.pieces():
                file.write(piece)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        yield file
        return
    begun: BinaryIO | None = None
    try:
        async for event in _events(answer, 1_000_000):
            match event:
                case PartBegins():
                    begun = _file()
                case PartData() if begun is not None:
                    begun.write(event.data)
                case PartEnds() if begun is not None:
                    done, begun = begun, None
                    done.seek(0)
                    yield done
    finally:
        if begun is not None:
            begun.close()


def _file() -> BinaryIO:
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))


async def _events(answer: Answer, most: int) -> AsyncIterator[PartBegins | PartData | PartEnds]:
    path = shown(answer.url)
    try:
        reader = MultipartReader(answer.media_type.parameters.get("boundary", ""), most_parts=most)
        async for piece in answer.pieces():
            for event in reader.feed(piece):
                yield event
        try:
            reader.close()
        except WebError as error:
            # A connection that dropped may look like the end of the body.
            raise Again(error.at(path=path)) from error
    except WebError as error:
        error.at(path=path)
        raise


def _told(kind: MediaType, answer: Answer) -> MediaType:
    """The media type of a part; what it does not say, its message may."""
    whole = answer.media_type.parameters
    # Orthanc has the transfer syntax within the quotes of the type.
    type_of_parts = parse_media_type(whole.get("type", ""))
    parameters = {**whole, **type_of_parts.parameters, **kind.parameters}
    syntax = parameters.get("transfer-syntax")
    return MediaType(kind.name or type_of_parts.name, {"transfer-syntax": syntax} if syntax else {})


async def document_of(answer: Answer) -> Any:
    """The JSON of a body; an empty list where there is none. Raises `WebError`."""
    await not_a_page(answer, "JSON")
    body = b"" if answer.status == 204 else await whole_body(answer)
    if not body.strip():
        return []
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WebError("the answer is no JSON", status=answer.status, path=shown(answer.url)) from error
