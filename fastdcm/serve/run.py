"""A server from start to end: the index, the processes that look and read, and the listening socket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn

from fastdcm import system
from fastdcm.errors import OptionError
from fastdcm.options.serve import ServeOptions
from fastdcm.serve.app import make_app
from fastdcm.serve.index.schema import create, default_path
from fastdcm.serve.metrics import Metrics
from fastdcm.serve.pool import Pool
from fastdcm.serve.protocol import BoundedProtocol
from fastdcm.serve.site import Site

_log = logging.getLogger("fastdcm.serve")
#: Seconds that requests under way have to end when the server is told to.
_GRACE_SECONDS = 5
_KEEP_ALIVE_SECONDS = 30
_PAUSE_SECONDS = 5.0


def serve(folder: str, options: ServeOptions, ready: Callable[[str], None]) -> None:
    """Serve a folder until the process is told to end; ``ready`` gets the URL when requests are answered.

    Raises `OptionError` where the folder, the address or the index cannot be used, `WorkerError` where
    processes cannot be started.
    """
    root = os.path.realpath(folder)
    if not os.path.isdir(root):
        raise OptionError(f"{folder} is no folder")
    index = options.index or default_path(root)
    create(index, root)
    listening = _listen(options)
    with listening:
        _run(_serve(root, index, options, listening, ready))


def _run(coroutine: Any) -> None:
    try:
        import uvloop
    except ImportError:  # where it has no wheel: the same, slower
        asyncio.run(coroutine)
    else:
        uvloop.run(coroutine)


def _listen(options: ServeOptions) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        raise OptionError(
            f"{options.host}:{options.port} cannot be used: {error.strerror or error}"
        ) from error
    return listening


async def _serve(
    root: str, index: str, options: ServeOptions, listening: socket.socket, ready: Callable[[str], None]
) -> None:
    metrics = Metrics()

    def restarted() -> None:
        metrics.restarts += 1
        _log.warning("a process that reads files ended, and is replaced")

    pool = Pool(
        (root, options.max_pixels, options.max_bytes),
        jobs=options.jobs or system.usable_cores(),
        queue=options.queue,
        timeout=options.timeout,
        restarted=restarted,
    )
    site = Site(root, index, options, pool, metrics)
    indexer = _Indexer(root, index, options.rescan, metrics)
    server = _server(make_app(site, indexer.state), options)
    try:
        await pool.start()
        looking = asyncio.create_task(indexer.run())
        try:
            host, port = listening.getsockname()[:2]
            ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
            await server.serve(sockets=[listening])
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
    finally:
        await pool.close()
        site.lookup.close()


def _server(app: Any, options: ServeOptions) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        access_log=False,  # it has paths, and so UIDs
        log_config=None,
        server_header=False,
        date_header=True,
        lifespan="off",
        ws="none",
        interface="asgi3",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        limit_concurrency=options.connections,
        proxy_headers=False,
        backlog=1024,
    )
    # It would tell errors by their tracebacks, with all that they hold; `guard` tells their kind.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    return uvicorn.Server(config)


class _Indexer:
    """The process that looks at the folder; where it ends, another one is started."""

    def __init__(self, root: str, index: str, rescan: float, metrics: Metrics) -> None:
        self._order = json.dumps({"root": root, "index": index, "rescan": rescan})
        self._metrics = metrics
        self._last: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """What the last look found."""
        return {"last_look": self._last} if self._last else {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "fastdcm.serve.index.indexer"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
                **system.own_session(),
            )
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(f"{self._order}\n".encode())
                async for line in process.stdout:
                    self._tell(json.loads(line))
                _log.warning(
                    "the process that looks at the folder %s", system.describe_exit(await process.wait())
                )
            finally:
                if process.returncode is None:
                    process.stdin.close()
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
            await asyncio.sleep(_PAUSE_SECONDS)

    def _tell(self, found: dict[str, Any]) -> None:
        if "error" in found:
            _log.error("%s", found["error"])
            self._last = {"error": "the folder or its index cannot be read"}
            return
        self._last = found
        self._metrics.problems = found["problems"]
        if found["read"] or found["gone"]:
            _log.info(
                "the folder has %d files: %d were read in %.1f s, %d are gone; %d cannot be served",
                *(found[name] for name in ("files", "read", "seconds", "gone", "problems")),
            )
