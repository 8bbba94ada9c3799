"""A server of files by HTTP with ranges (RFC 9110 14), which counts what it gives; tests make it
misbehave."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

#: When all files were changed last.
CHANGED = "Sun, 29 Nov 2026 08:00:00 GMT"


class Asked(NamedTuple):
    """A request, and how many bytes of a body it was given."""

    method: str
    target: str
    range: str
    given: int


class FileServer(ThreadingHTTPServer):
    """Serves `files`, by path. A context manager; ``url`` is its address."""

    daemon_threads = True
    #: Whether ranges are given; the status that all are refused by; seconds before each answer.
    gives_ranges, refuses, delay = True, 0, 0.0

    def __init__(self, handler: type[Handler] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler or Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[Asked] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.under_way = self.most_under_way = 0
        self.lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    @property
    def given(self) -> int:
        """Bytes of all bodies so far."""
        return sum(asked.given for asked in self.requests)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went is no error of the test."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.under_way += 1
            self.server.most_under_way = max(self.server.most_under_way, self.server.under_way)
        try:
            time.sleep(self.server.delay)
            self._answer()
        finally:
            with self.server.lock:
                self.server.under_way -= 1

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self) -> None:
        path = self.path_of()
        data, more = self.server.files.get(path), self.more_headers(path)
        if self.server.refuses or data is None:
            return self._send(self.server.refuses or 404, b"refused")
        tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if self.headers.get("If-Match", tag) != tag:
            return self._send(412, b"")
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        if asked is None or not self.server.gives_ranges:
            return self._send(200, data, ETag=tag, **more)
        start, end = int(asked[1]), min(int(asked[2]) + 1, len(data))
        if start >= end:
            return self._send(416, b"", **{"Content-Range": f"bytes */{len(data)}"})
        return self._send(
            206,
            data[start:end],
            ETag=tag,
            **more,
            **{"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"},
        )

    def path_of(self) -> str:
        """Which file is asked for."""
        return unquote(urlsplit(self.path).path).lstrip("/")

    def more_headers(self, path: str) -> dict[str, str]:
        """What else is told of a file."""
        return {}

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        given = 0 if self.command == "HEAD" else len(body)
        self.server.requests.append(Asked(self.command, self.path, self.headers["Range"] or "", given))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", CHANGED)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if given:
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        return
