"""What answers share: the folder, its index, the pool, the cache; and how an answer is made."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fastdcm.options.serve import ServeOptions
from fastdcm.serve.cache import Cache
from fastdcm.serve.index.lookup import Instance, Lookup
from fastdcm.serve.metrics import Metrics
from fastdcm.serve.pool import Pool
from fastdcm.serve.refusal import RefusalError

#: A path of PS3.18 has no other characters; files have worse UIDs than the standard, with letters in them.
_UID_CHARACTERS = frozenset("0123456789.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")
_UID_LENGTH = 64
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
#: Patients' data are for whoever asked alone; they change rarely, and viewers ask for them again and again.
CACHE_CONTROL = "private, max-age=60"


class Stamp(NamedTuple):
    """By which a file is known to be the same one."""

    mtime_ns: int
    size: int


class Site:
    """A folder that is served."""

    def __init__(self, root: str, index: str, options: ServeOptions, pool: Pool, metrics: Metrics) -> None:
        self.root, self.index, self.options, self.pool, self.metrics = root, index, options, pool, metrics
        self.lookup = Lookup(index)
        self.cache = Cache(options.cache_bytes)

    def instance(self, request: Request) -> Instance:
        """The instance of a path. Raises `RefusalError`: 400, 404, 410."""
        parameters = request.path_params
        uids = [checked(parameters[name]) for name in ("study", "series", "instance")]
        found = self.lookup.instance(*uids)
        if found is None:
            raise self._absent("instance", uids)
        return found

    def instances(self, request: Request) -> list[Instance]:
        """Those of a path of any level. Raises `RefusalError`: 400, 404, 410."""
        parameters = request.path_params
        if "instance" in parameters:
            return [self.instance(request)]
        uids = [checked(parameters[name]) for name in ("study", "series") if name in parameters]
        found = self.lookup.instances(*uids)
        if not found:
            raise self._absent("series" if len(uids) > 1 else "study", uids)
        return found

    def middle(self, request: Request) -> Instance:
        """The one that stands for those of a path of any level. Raises `RefusalError`: 400, 404, 410."""
        parameters = request.path_params
        if "instance" in parameters:
            return self.instance(request)
        uids = [checked(parameters[name]) for name in ("study", "series") if name in parameters]
        return self.lookup.middle(*uids) or self.instances(request)[0]

    def _absent(self, what: str, uids: Sequence[str]) -> RefusalError:
        if self.lookup.is_gone(*uids):
            return RefusalError(410, f"there was such a {what}, and its files have been removed")
        return RefusalError(404, f"there is no such {what}")

    def location(self, request: Request, instance: Instance) -> str:
        """The URL of an instance."""
        base = base_url(request, self.options)
        return f"{base}/studies/{instance.study}/series/{instance.series}/instances/{instance.instance}"

    def stamp(self, instance: Instance) -> Stamp:
        """The file's time and size as they are now. Raises `RefusalError` where it is not there: 410."""
        try:
            status = os.stat(os.path.join(self.root, instance.path), follow_symlinks=False)
        except OSError:
            raise RefusalError(410, "the file of this instance has been removed") from None
        if not stat.S_ISREG(status.st_mode):
            raise RefusalError(410, "the file of this instance has been replaced by what is none")
        return Stamp(status.st_mtime_ns, status.st_size)


def checked(uid: str) -> str:
    """A UID of a path. Raises `RefusalError` where it is none: 400."""
    if not 1 <= len(uid) <= _UID_LENGTH or not _UID_CHARACTERS.issuperset(uid):
        raise RefusalError(400, f"a UID in the path is none: {uid[:80]!r}")
    return uid


def base_url(request: Request, options: ServeOptions) -> str:
    """The URL below which studies are: as told, or by the name by which the server was asked."""
    if options.url:
        return options.url.rstrip("/")
    scheme, (name, port) = request.scope["scheme"], request.scope["server"]
    host: str = request.headers.get("host", "") or (f"[{name}]" if ":" in name else name)
    if not _HOST.fullmatch(host):
        raise RefusalError(400, "the Host header is none")
    if ":" not in host.rpartition("]")[2] and port not in (80, 443):
        host = f"{host}:{port}"  # some programs leave it out, dicomweb-client among them
    return f"{scheme}://{host}"


def warning(text: str) -> str:
    """The value of a Warning header (PS3.18 8.3.4.4, RFC 7234 5.5)."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 fastdcm "{quoted}"'


def matches(etag: str, if_none_match: str | None) -> bool:
    """Whether whoever asks has it already (RFC 9110 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags


def answer(
    data: bytes, media_type: str, *, etag: str = "", warnings: Sequence[str] = (), **headers: str
) -> Response:
    """An answer whose body is whole; ``headers`` have underscores for hyphens."""
    found: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Response(data, headers=found, media_type=None)
    response.headers["content-type"] = media_type
    _mark(response.headers, etag)
    for text in warnings:
        response.headers.append("warning", warning(text))
    return response


def streamed(
    parts: AsyncIterator[bytes], media_type: str, warnings: Sequence[str] = (), length: int | None = None
) -> StreamingResponse:
    """An answer whose body comes in parts."""
    response = StreamingResponse(parts)
    response.headers["content-type"] = media_type
    if length is not None:
        response.headers["content-length"] = str(length)
    for text in warnings:
        response.headers.append("warning", warning(text))
    return response


def not_modified(etag: str) -> Response:
    """304."""
    response = Response(status_code=304)
    _mark(response.headers, etag)
    return response


def _mark(headers: Any, etag: str) -> None:
    if etag:
        headers["etag"] = etag
        headers["cache-control"] = CACHE_CONTROL
        headers["vary"] = "Accept, Authorization"


def plain(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in words."""
    return Response(f"{words}\n", status_code=status, headers=headers, media_type="text/plain")
