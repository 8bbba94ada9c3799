"""Who may ask, and from where; the log and the figures of requests. The outermost layer.

The log has a line a request: method, route, status, milliseconds. It has no UIDs, queries or addresses.
"""

from __future__ import annotations

import hmac
import logging
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastdcm.options.serve import ServeOptions, is_loopback
from fastdcm.serve.metrics import Metrics

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_log = logging.getLogger("fastdcm.serve")
#: Bytes of a path with its query; the longest of PS3.18 have four UIDs and a list of frames.
_LONGEST_TARGET = 16 << 10
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
#: What everybody may ask for: whether the server is there.
_FREE = frozenset(("/healthz",))
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """Lets a request through, or answers it: 400, 401, 403, 414."""

    def __init__(self, app: App, options: ServeOptions, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._token = options.token.encode("ascii")
        #: A page from elsewhere can have its own name point here, and so read what it must not: who has no
        #: token is known by the name that was asked for.
        self._any_host = bool(options.token) or options.insecure
        self._origins = frozenset(options.cors)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500
        headers = dict(scope["headers"])
        origin = self._allowed(headers.get(b"origin"))

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_SAFE, *origin]
            await send(message)

        try:
            if (refused := self._refused(scope, headers)) is not None:
                await _answer(answer, *refused)
            elif scope["method"] == "OPTIONS":
                await _answer(answer, *self._preflight(len(origin) > 1, headers))
            else:
                await self._app(scope, receive, answer)
        except Exception as error:
            # The answer was under way. Words of errors may hold what files say: the kind alone is told.
            _log.error("%s: %s", scope.get("fastdcm.route", "other"), type(error).__name__)
            raise
        finally:
            seconds = time.perf_counter() - begun
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = scope.get("fastdcm.route", "other")
            self._metrics.observe(method, route, status, seconds)
            if _log.isEnabledFor(logging.INFO):
                _log.info("%s %s %d %.1f ms", method, route, status, 1000 * seconds)

    def _refused(self, scope: Message, headers: dict[bytes, bytes]) -> tuple[int, str, list[Any]] | None:
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST_TARGET:
            return 414, f"a path with its query has at most {_LONGEST_TARGET} bytes", []
        if not self._any_host and not _is_local(headers.get(b"host", b"")):
            return 403, "this server answers by the names localhost and 127.0.0.1 alone", []
        if not self._token or scope["path"] in _FREE or scope["method"] == "OPTIONS":
            return None
        if _may(headers.get(b"authorization", b""), self._token):
            return None
        # Browsers ask for a name and a password then: any name, and the token.
        challenge = [(b"www-authenticate", b'Bearer realm="fastdcm"')]
        if b"html" in headers.get(b"accept", b""):
            challenge = [(b"www-authenticate", b'Basic realm="fastdcm", charset="UTF-8"')]
        return 401, "this server wants a token (Authorization: Bearer ...)", challenge

    def _allowed(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        """Headers by which pages of an allowed origin may read the answer."""
        if origin is None or not self._origins:
            return []
        vary = (b"vary", b"Origin")
        if "*" not in self._origins and origin.decode("latin-1") not in self._origins:
            return [vary]
        allowed = b"*" if "*" in self._origins else origin
        exposed = b"ETag, Warning, Content-Location, Content-Range, Retry-After"
        return [
            (b"access-control-allow-origin", allowed),
            (b"access-control-expose-headers", exposed),
            vary,
        ]

    def _preflight(self, allowed: bool, headers: dict[bytes, bytes]) -> tuple[int, str, list[Any]]:
        if not allowed or b"access-control-request-method" not in headers:
            return 204, "", [(b"allow", b"GET, HEAD, OPTIONS")]
        return (
            204,
            "",
            [
                (b"access-control-allow-methods", b"GET, HEAD"),
                (b"access-control-allow-headers", b"Authorization, Accept, If-None-Match, Range"),
                (b"access-control-max-age", b"600"),
            ],
        )


def _is_local(host: bytes) -> bool:
    name = host.decode("latin-1").strip().lower()
    if name.startswith("["):
        return is_loopback(name[1:].partition("]")[0])
    return is_loopback(name.partition(":")[0])


def _may(authorization: bytes, token: bytes) -> bool:
    scheme, _, value = authorization.strip().partition(b" ")
    value = value.strip()
    if scheme.lower() == b"basic":
        try:
            value = b64decode(value, validate=True).partition(b":")[2]
        except (Base64Error, ValueError):
            return False
    elif scheme.lower() != b"bearer":
        return False
    return hmac.compare_digest(value, token)


async def _answer(send: Send, status: int, words: str, headers: list[Any]) -> None:
    body = f"{words}\n".encode() if words else b""
    kind = [(b"content-type", b"text/plain; charset=utf-8")] if words else []
    length = [(b"content-length", b"%d" % len(body))] if words else []
    await send({"type": "http.response.start", "status": status, "headers": [*kind, *length, *headers]})
    await send({"type": "http.response.body", "body": body})
