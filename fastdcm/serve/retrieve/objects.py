"""Studies, series and instances as DICOM files (PS3.18 10.4.1.1.1)."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response

from fastdcm import system
from fastdcm.errors import FastdcmError
from fastdcm.serve.cache import etag_of
from fastdcm.serve.index.lookup import Instance
from fastdcm.serve.refusal import RefusalError, refusal_of
from fastdcm.serve.retrieve.given import EXPLICIT_LE, Given, accepted, given_object
from fastdcm.serve.site import CACHE_CONTROL, Site, answer, matches, not_modified, streamed
from fastdcm.web.media_types import DICOM
from fastdcm.web.multipart_write import MultipartWriter

_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


class _File:
    """An open file, which is closed when nobody holds it: an answer that has it may never begin."""

    __slots__ = ("_descriptor", "size")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def __del__(self) -> None:
        os.close(self._descriptor)

    async def chunks(self, begin: int, length: int) -> AsyncIterator[bytes]:
        """A range of its bytes, read by threads, which keep nobody waiting."""
        end = begin + length
        while begin < end:
            count = min(_CHUNK, end - begin)
            data = await asyncio.to_thread(system.read_at, self._descriptor, begin, count)
            if not data:
                raise OSError("the file was cut while it was sent")
            begin += len(data)
            yield data


class Objects:
    """Answers requests for objects."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def objects(self, request: Request) -> Response:
        """``/studies/{study}[/series/{series}[/instances/{instance}]]``."""
        instances = self._site.instances(request)
        ranges = accepted(request)
        given = [given_object(ranges, instance) for instance in instances]
        for instance, each in zip(instances, given, strict=True):
            if each is None:
                raise RefusalError(
                    406,
                    f"an object is given as {DICOM}, alone or in {'multipart/related'}, in its own transfer "
                    f"syntax ({instance.transfer_syntax}; transfer-syntax=*) or in Explicit VR Little Endian "
                    f"({EXPLICIT_LE}); images of it are at /rendered",
                )
        first = given[0]
        assert first is not None
        if "instance" in request.path_params and not first.multipart:
            return await self._object(request, instances[0], first)
        if len(instances) == 1:
            return await self._single_part(request, instances[0], first)
        writer = MultipartWriter(DICOM)

        async def parts() -> AsyncIterator[bytes]:
            for instance, each in zip(instances, given, strict=True):
                assert each is not None
                where = {"Content-Location": self._site.location(request, instance)}
                try:
                    if each.stored:
                        file = await self._open(instance)
                        yield writer.head(each.content_type, where)
                        async for chunk in file.chunks(0, file.size):
                            yield chunk
                        continue
                    data = await self._site.pool.run("transcode", instance.path, patient=True)
                except FastdcmError as error:
                    # The answer has begun: a part in words stands for what cannot be given.
                    yield writer.head("text/plain; charset=utf-8", where)
                    yield f"{refusal_of(error).message}\n".encode()
                    continue
                yield writer.head(each.content_type, where)
                yield data
            yield writer.end()

        return streamed(parts(), writer.content_type)

    async def _single_part(self, request: Request, instance: Instance, given: Given) -> Response:
        """A message of one part, whose errors come before it begins."""
        writer = MultipartWriter(DICOM)
        head = writer.head(given.content_type, {"Content-Location": self._site.location(request, instance)})
        if not given.stored:
            data = await self._transcoded(instance)
            return answer(b"".join((head, data, writer.end())), writer.content_type)
        file = await self._open(instance)
        end = writer.end()

        async def parts() -> AsyncIterator[bytes]:
            yield head
            async for chunk in file.chunks(0, file.size):
                yield chunk
            yield end

        return streamed(parts(), writer.content_type, length=len(head) + file.size + len(end))

    async def _object(self, request: Request, instance: Instance, given: Given) -> Response:
        """One object as the body; of a stored one also a range of it (RFC 9110 14)."""
        stamp = self._site.stamp(instance)
        etag = etag_of(instance.path, stamp, given)
        if matches(etag, request.headers.get("if-none-match")):
            return not_modified(etag)
        if not given.stored:
            return answer(await self._transcoded(instance), given.content_type, etag=etag)
        file = await self._open(instance)
        span = _span(request, file.size, etag)
        begin, length = span or (0, file.size)
        response = streamed(file.chunks(begin, length), given.content_type, length=length)
        response.headers["accept-ranges"] = "bytes"
        response.headers["etag"] = etag
        response.headers["cache-control"] = CACHE_CONTROL
        if span is not None:
            response.status_code = 206
            response.headers["content-range"] = f"bytes {begin}-{begin + length - 1}/{file.size}"
        return response

    async def _transcoded(self, instance: Instance) -> bytes:
        data: bytes = await self._site.pool.run("transcode", instance.path)
        return data

    async def _open(self, instance: Instance) -> _File:
        """The file of an instance. Raises `RefusalError` where it is not there."""
        try:
            descriptor = await asyncio.to_thread(system.open_beneath, self._site.root, instance.path)
        except OSError:
            raise RefusalError(410, "the file of this instance has been removed") from None
        return _File(descriptor)


def _span(request: Request, size: int, etag: str) -> tuple[int, int] | None:
    """(first byte, length) that is asked for; None for all. Raises `RefusalError`: 416."""
    text = request.headers.get("range")
    if text is None or request.headers.get("if-range", etag) != etag:
        return None
    found = _RANGE.fullmatch(text.strip())
    if found is None or not (found[1] or found[2]):
        return None  # several ranges, or no range: all is an answer (RFC 9110 14.2)
    if not found[1]:
        begin, end = max(0, size - int(found[2])), size
    else:
        begin, end = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
    if begin >= end:
        raise RefusalError(416, f"the object has {size} bytes", {"Content-Range": f"bytes */{size}"})
    return begin, end - begin
