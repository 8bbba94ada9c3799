"""One request: retries, time limits, redirects, limits of size (RFC 9110).

Whatever a library for HTTP raises becomes a `WebError` here.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import random
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import anyio

from fastdcm.dicomweb.access import Access, keep_out_of_logs, need_web, same_origin
from fastdcm.dicomweb.refusals import AGAIN, MOST_READ, refusal
from fastdcm.errors import OptionError, WebError
from fastdcm.options.web import WebOptions
from fastdcm.web.multipart_read import MediaType, parse_media_type
from fastdcm.web.resources import shown

T = TypeVar("T")
Given = TypeVar("Given", covariant=True)
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
#: Of a server that failed for a reason of its own, the same is mostly to be had again.
_FAILED_TRIES = 2


class Answer(NamedTuple):
    """An answer that has begun to come."""

    status: int
    headers: Mapping[str, str]
    media_type: MediaType
    #: The body in pieces, content codings removed.
    pieces: Callable[[], AsyncIterator[bytes]]
    url: str


class Takes(Protocol[Given]):
    """Takes what is wanted out of an answer; called again, where an answer broke off."""

    def __call__(self, answer: Answer, /) -> Awaitable[Given]: ...


class Again(Exception):  # noqa: N818  # `Transport.get` takes it, nobody else sees it
    """Raised where an answer is taken, of what may be asked for once more.

    ``wait`` are the seconds that the server wants, ``tries`` a bound of its own.
    """

    def __init__(self, error: WebError, *, wait: float | None = None, tries: int | None = None) -> None:
        super().__init__(error.message)
        self.error, self.wait, self.tries = error, wait, tries


class Transport:
    """Asks servers. A context manager; ``service`` is the address whose server gets the credentials.

    ``pause`` waits for seconds, and ``carrier`` is what HTTP is spoken through, httpx's own where it is None.
    """

    def __init__(
        self,
        service: str,
        access: Access,
        options: WebOptions,
        *,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
        carrier: Any = None,
    ) -> None:
        self._httpx = need_web()
        self._access, self._options, self._pause, self._carrier = access, options, pause, carrier
        self._service = self._address(service)
        keep_out_of_logs()
        self._own = self._client(own=True)
        self._foreign = self._own if not access.has_certificate else self._client(own=False)
        #: Until when a server wants to be left alone, by its host.
        self._closed: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._own.aclose()
        await self._foreign.aclose()

    async def get(
        self,
        url: str,
        take: Takes[T],
        *,
        accept: str,
        headers: Mapping[str, str] | None = None,
        tries: int | None = None,
    ) -> T:
        """What ``take`` makes of the answer to a GET. Raises `WebError`.

        Where an answer does not come, or breaks off, it is asked for again, and taken anew.
        """
        most = min(self._options.tries, tries or self._options.tries)
        number = 0
        while True:
            number += 1
            try:
                async with self.answer(url, accept, headers) as answer:
                    return await take(answer)
            except Again as again:
                if number >= min(most, again.tries or most):
                    if number > 1:
                        again.error.add_note(f"asked {number} times")
                    raise again.error from again.__cause__
                wait = again.wait
                if wait is None:
                    wait = random() * self._options.backoff * 2 ** (number - 1)
                elif wait > self._options.max_wait:
                    again.error.message += f"; it wants to be asked again in {wait:.0f} seconds"
                    raise again.error from again.__cause__
                await self._pause(wait)

    @asynccontextmanager
    async def answer(
        self, url: str, accept: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Answer]:
        """The answer to one GET, once it is none of a redirect. Raises `WebError`, and `Again`."""
        begun = time.monotonic()
        here = self._address(url)
        for _ in range(self._options.max_redirects + 1):
            await self._until_open(here.host)
            own = same_origin(self._service, here)
            response = await self._send(here, accept, headers or {}, own=own)
            try:
                if response.status_code in _REDIRECTS and (place := response.headers.get("location")):
                    here = self._redirected(here, place)
                    continue
                if response.status_code not in (200, 204, 206):
                    raise await self._refused(response)
                yield self._begun(response, begun)
                return
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        raise WebError(
            f"it is always elsewhere: the server redirects more than {self._options.max_redirects} times",
            path=shown(url),
        )

    def _client(self, *, own: bool) -> Any:
        httpx, options = self._httpx, self._options
        try:
            import h2  # noqa: F401

            http2 = True
        except ImportError:
            http2 = False
        return httpx.AsyncClient(
            verify=self._access.context(own=own) if self._carrier is None else False,
            http2=http2,
            timeout=httpx.Timeout(options.timeout),
            limits=httpx.Limits(
                max_connections=options.connections, max_keepalive_connections=options.connections
            ),
            transport=self._carrier,
            headers={"User-Agent": "fastdcm", "Accept-Encoding": "gzip, deflate"},
            follow_redirects=False,
        )

    def _address(self, url: str) -> Any:
        try:
            found = self._httpx.URL(url)
        except self._httpx.InvalidURL:
            found = None
        if found is None or found.scheme not in ("http", "https") or not found.host:
            raise OptionError(f"{shown(url)!r} is no address: it starts with https:// or http://, and a host")
        return found

    async def _send(self, url: Any, accept: str, headers: Mapping[str, str], *, own: bool) -> Any:
        client = self._own if own else self._foreign
        given = {"Accept": accept, **headers, **(self._access.headers if own else {})}
        path = shown(str(url))
        try:
            with anyio.fail_after(self._options.deadline):
                return await client.send(client.build_request("GET", url, headers=given), stream=True)
        except TimeoutError as error:
            raise self._too_slow(path) from error
        except self._httpx.InvalidURL as error:
            raise WebError("the server redirects to what is no address", path=path) from error
        except (self._httpx.HTTPError, ssl.SSLError) as error:
            raise self._failed(error, path) from error

    def _redirected(self, here: Any, place: str) -> Any:
        path = shown(str(here))
        try:
            there = here.join(place)
        except self._httpx.InvalidURL as error:
            raise WebError("the server redirects to what is no address", path=path) from error
        if there.scheme not in ("http", "https") or not there.host:
            raise WebError("the server redirects to what is no address", path=path)
        if here.scheme == "https" and there.scheme == "http":
            raise WebError(
                f"the server redirects to {shown(str(there))}, which is not encrypted: it is not followed",
                path=path,
            )
        return there.copy_with(userinfo=b"")

    async def _refused(self, response: Any) -> Exception:
        """The error of an answer; raised by who asked, and again where it may be otherwise then."""
        body = b""
        try:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_READ:
                    break
        except (self._httpx.HTTPError, ssl.SSLError):
            pass  # its status is enough
        status = response.status_code
        error = refusal(status, str(response.url), response.headers, body, self._access)
        if status not in AGAIN:
            return error
        wait = _retry_after(response.headers.get("retry-after", ""))
        if status in (429, 503) and wait is not None:
            until = time.monotonic() + min(wait, self._options.max_wait)
            self._closed[response.url.host] = max(until, self._closed.get(response.url.host, 0.0))
        return Again(error, wait=wait, tries=_FAILED_TRIES if status == 500 else None)

    async def _until_open(self, host: str) -> None:
        wait = self._closed.get(host, 0.0) - time.monotonic()
        if wait > 0:
            # Not all at once, when it opens.
            await self._pause(wait + random() * self._options.backoff)
            self._closed.pop(host, None)

    def _begun(self, response: Any, begun: float) -> Answer:
        path, most = shown(str(response.url)), self._options.max_body
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            raise WebError(f"the answer has {declared} bytes, more than the {most} of max_body", path=path)

        async def pieces() -> AsyncIterator[bytes]:
            size = 0
            try:
                async for piece in response.aiter_bytes():
                    size += len(piece)
                    if size > most:
                        raise WebError(f"the answer has more than the {most} bytes of max_body", path=path)
                    if time.monotonic() - begun > self._options.deadline:
                        raise self._too_slow(path)
                    yield piece
            except (self._httpx.HTTPError, ssl.SSLError) as error:
                raise self._failed(error, path) from error

        media_type = parse_media_type(response.headers.get("content-type", ""))
        return Answer(response.status_code, response.headers, media_type, pieces, str(response.url))

    def _too_slow(self, path: str) -> WebError:
        return WebError(
            f"the answer was not whole within {self._options.deadline:g} seconds (deadline)", path=path
        )

    def _failed(self, error: Exception, path: str) -> Exception:
        """What the library raised, in words; what TLS says during an answer it lets through as it comes."""
        httpx, options = self._httpx, self._options
        words = self._access.hidden(_words(error))
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            return WebError(
                f"the server's certificate is not trusted: {cause.verify_message} (--ca-file says who is)",
                path=path,
            )
        if isinstance(cause, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(cause):
            return WebError("the server asks for a certificate of the client (--client-cert)", path=path)
        if isinstance(error, httpx.TimeoutException):
            where = "no connection" if isinstance(error, httpx.ConnectTimeout) else "nothing came"
            return Again(WebError(f"{where} within {options.timeout:g} seconds (timeout)", path=path))
        if isinstance(error, httpx.DecodingError):
            return WebError("the answer is not coded as its Content-Encoding says", path=path)
        if isinstance(error, httpx.ConnectError):
            return Again(WebError(f"the server cannot be reached: {words}", path=path), tries=3)
        if isinstance(error, (httpx.TransportError, ssl.SSLError)):
            return Again(WebError(f"the connection broke off: {words}", path=path))
        return WebError(words, path=path)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _retry_after(text: str) -> float | None:
    """Seconds of a Retry-After, which may be a date (RFC 9110 10.2.3); None where it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
