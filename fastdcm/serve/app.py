"""Routes, and what becomes of errors (PS3.18 8.1, table 10.1-1)."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fastdcm.errors import FastdcmError
from fastdcm.serve import metrics
from fastdcm.serve.guard import App, Guard
from fastdcm.serve.index.schema import connect
from fastdcm.serve.refusal import RefusalError, refusal_of
from fastdcm.serve.rendered import Rendered
from fastdcm.serve.retrieve.details import Details
from fastdcm.serve.retrieve.objects import Objects
from fastdcm.serve.search.answer import search
from fastdcm.serve.search.keys import Level
from fastdcm.serve.search.query import parse_query
from fastdcm.serve.site import Site, base_url, checked, plain, warning
from fastdcm.web.media_types import DICOM_JSON, JSON, parse_accept, select

Handler = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("fastdcm.serve")
_PAGE = os.path.join(os.path.dirname(__file__), "page")
#: Files of the page: name's end -> type. Others are not sent.
_PAGE_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: The page asks this server alone, and nothing else is run in it.
_PAGE_POLICY = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"
#: Searches at the same time, each with a connection of its own.
_SEARCHES = 4
_SERIES = "/studies/{study}/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"
_STORING = "storing (STOW-RS) is not offered: this server only reads"


def make_app(site: Site, state: Callable[[], dict[str, Any]]) -> App:
    """The whole server as an ASGI application; ``state`` tells how the index is doing."""
    rendered, objects, details = Rendered(site), Objects(site), Details(site)
    searches, pages = _Searches(site), _Pages(site, state)
    table: list[tuple[str, Handler]] = [
        (_INSTANCE + "/rendered", rendered.instance),
        (_INSTANCE + "/frames/{frames}/rendered", rendered.frames),
        (_INSTANCE + "/thumbnail", rendered.thumbnail),
        (_INSTANCE + "/frames/{frames}/thumbnail", rendered.frame_thumbnail),
        (_INSTANCE + "/frames/{frames}", details.frames),
        (_INSTANCE + "/metadata", details.metadata),
        (_INSTANCE + "/bulkdata/{place:path}", details.bulk_data),
        (_INSTANCE, objects.objects),
        (_SERIES + "/rendered", rendered.series),
        (_SERIES + "/thumbnail", rendered.thumbnail),
        (_SERIES + "/metadata", details.metadata),
        (_SERIES + "/instances", searches.of(2)),
        (_SERIES, objects.objects),
        ("/studies/{study}/rendered", rendered.series),
        ("/studies/{study}/thumbnail", rendered.thumbnail),
        ("/studies/{study}/metadata", details.metadata),
        ("/studies/{study}/series", searches.of(1)),
        ("/studies/{study}/instances", searches.of(2)),
        ("/studies/{study}", objects.objects),
        ("/studies", searches.of(0)),
        ("/series", searches.of(1)),
        ("/instances", searches.of(2)),
        ("/healthz", pages.health),
        ("/metrics", pages.metrics),
        ("/page/{name}", pages.file),
        ("/", pages.first),
    ]
    routes = [Route(path, _answering(path, handler), methods=["GET"]) for path, handler in table]
    handlers: Any = {HTTPException: _http_error}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), site.options, site.metrics)


def _answering(route: str, handler: Handler) -> Handler:
    """The handler, with its route for the log, and answers for its errors."""

    async def answering(request: Request) -> Response:
        request.scope["fastdcm.route"] = route
        try:
            response = await handler(request)
        except FastdcmError as error:
            refusal = refusal_of(error)
            return plain(refusal.status, refusal.message, refusal.headers)
        except Exception as error:
            # Its words may hold what a file or a request says: they are not told.
            _log.error("%s: %s", route, type(error).__name__)
            return plain(500, "an error of the server's own")
        if request.method == "HEAD" and isinstance(response, StreamingResponse):
            response.body_iterator = _nothing()  # nobody reads what would be made for it
        return response

    return answering


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return plain(404, "there is no such resource")
    if error.status_code == 405:
        path = request.scope["path"]
        words = _STORING if request.method in ("POST", "PUT") else "this server only reads"
        is_dicom = path.startswith("/studies")
        return plain(
            405, words if is_dicom else "this resource is only read", {"Allow": "GET, HEAD, OPTIONS"}
        )
    return plain(error.status_code, error.detail)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


class _Searches:
    """QIDO-RS, by threads: a search may take long, and keeps nobody waiting."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._idle: list[sqlite3.Connection] = []
        self._free = asyncio.Semaphore(_SEARCHES)

    def of(self, level: Level) -> Handler:
        """A handler of searches for this level."""

        async def find(request: Request) -> Response:
            return await self._find(request, level)

        return find

    async def _find(self, request: Request, level: Level) -> Response:
        uids = [
            checked(request.path_params[name]) if name in request.path_params else None
            for name in ("study", "series")
        ]
        accept = ",".join(request.headers.getlist("accept"))
        asked = ",".join(request.query_params.getlist("accept")).replace("dicom ", "dicom+")
        selected = select(parse_accept(asked), parse_accept(accept), (DICOM_JSON, JSON))
        if selected is None:
            raise RefusalError(406, f"searches are answered as {DICOM_JSON}")
        query = parse_query(request.scope["query_string"], level, *uids)
        base = base_url(request, self._site.options)
        async with self._free:
            database = self._idle.pop() if self._idle else connect(self._site.index)
            work = asyncio.create_task(asyncio.to_thread(search, database, query, base))
            try:
                async with asyncio.timeout(self._site.options.timeout):
                    found = await asyncio.shield(work)
            except TimeoutError:
                database.interrupt()
                await asyncio.wait([work])
                raise RefusalError(
                    503, "the search took too long; ask for less", {"Retry-After": "10"}
                ) from None
            finally:
                await asyncio.wait([work])
                self._idle.append(database)
        response = Response(found.data, status_code=200 if found.data else 204)
        if found.data:
            response.headers["content-type"] = selected.media_type
        response.headers["cache-control"] = "no-cache"
        warnings = list(query.warnings)
        if found.more:
            warnings.append("There are more results; ask for them with offset.")
        for text in warnings:
            response.headers.append("warning", warning(text))
        return response


class _Pages:
    """What is no DICOMweb: the page, and what tells how the server is doing."""

    def __init__(self, site: Site, state: Callable[[], dict[str, Any]]) -> None:
        self._site, self._state = site, state

    async def health(self, request: Request) -> Response:
        """Whether it answers, and what the index has."""
        return JSONResponse({"status": "ok", **self._site.lookup.state(), **self._state()})

    async def metrics(self, request: Request) -> Response:
        """Figures for Prometheus."""
        cache, pool, own = self._site.cache, self._site.pool, self._site.metrics
        index = self._site.lookup.state()
        gauges: dict[str, tuple[str, str, float]] = {
            "fastdcm_cache_hits_total": ("counter", "Answers that were kept.", cache.hits),
            "fastdcm_cache_misses_total": ("counter", "Answers that were made.", cache.misses),
            "fastdcm_cache_bytes": ("gauge", "Bytes of kept answers.", cache.size),
            "fastdcm_cache_entries": ("gauge", "Kept answers.", len(cache)),
            "fastdcm_workers": ("gauge", "Processes that read files.", pool.jobs),
            "fastdcm_workers_busy": ("gauge", "Those that work.", pool.busy),
            "fastdcm_queue_length": ("gauge", "Tasks that wait for a process.", pool.waiting),
            "fastdcm_worker_restarts_total": ("counter", "Processes that were replaced.", own.restarts),
            "fastdcm_index_studies": ("gauge", "Studies in the index.", index["studies"]),
            "fastdcm_index_series": ("gauge", "Series in the index.", index["series"]),
            "fastdcm_index_instances": ("gauge", "Instances in the index.", index["instances"]),
            "fastdcm_index_problems": ("gauge", "Files that cannot be served.", own.problems),
        }
        text = own.text(gauges)
        return Response(text, headers={"content-type": metrics.CONTENT_TYPE})

    async def first(self, request: Request) -> Response:
        """``/``: the page."""
        if os.path.isfile(os.path.join(_PAGE, "index.html")):
            return _page_file("index.html")
        return plain(200, "fastdcm serves DICOMweb here: /studies, /studies/{study}/series, ...")

    async def file(self, request: Request) -> Response:
        """``/page/{name}``: a file of the page."""
        return _page_file(request.path_params["name"])


def _page_file(name: str) -> Response:
    # Names are those of the folder as it was packed: nothing that is asked for becomes a path.
    media_type = _PAGE_TYPES.get(os.path.splitext(name)[1])
    if media_type is None or not os.path.isdir(_PAGE) or name not in os.listdir(_PAGE):
        raise RefusalError(404, "there is no such resource")
    headers = {
        "content-security-policy": _PAGE_POLICY,
        "cache-control": "no-cache",
        "content-type": media_type,
    }
    return FileResponse(os.path.join(_PAGE, name), headers=headers)
