"""Retries, redirects, refusals, and to whom credentials go: by answers that are made up."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from fastdcm.errors import OptionError, WebError
from fastdcm.options.web import WebOptions

httpx = pytest.importorskip("httpx")

from fastdcm.dicomweb.access import Access, secret_of, without_user  # noqa: E402
from fastdcm.dicomweb.bodies import whole_body  # noqa: E402
from fastdcm.dicomweb.transport import Transport  # noqa: E402

URL = "https://one.example/dicom-web/studies/1"


class Talk:
    """Answers that are given one after another, the last one for ever, and what was asked and waited."""

    def __init__(self, *answers: Any, access: Access | None = None, **options: Any) -> None:
        self.answers, self.requests, self.waits = list(answers), list[Any](), list[float]()
        self._access, self._options = access or Access(), WebOptions(**options)

    def __call__(self, request: Any) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    def get(self, url: str = URL) -> bytes:
        async def pause(seconds: float) -> None:
            self.waits.append(seconds)

        async def run() -> bytes:
            carrier = httpx.MockTransport(self)
            async with Transport(url, self._access, self._options, pause=pause, carrier=carrier) as transport:
                return await transport.get(url, whole_body, accept="image/png")

        return asyncio.run(run())


def answer(status: int, body: str = "", **headers: str) -> Callable[[Any], Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, headers=named, content=body.encode())


OK = answer(200, "fine")


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_what_may_pass_is_asked_for_again(status: int) -> None:
    talk = Talk(answer(status), answer(status), answer(status), OK)
    assert talk.get() == b"fine"
    assert len(talk.requests) == 4
    # Back-off with jitter: below half a second, one, two.
    assert all(0 <= wait <= 0.5 * 2**number for number, wait in enumerate(talk.waits))
    assert len(talk.waits) == 3
    assert all(request.headers["accept"] == "image/png" for request in talk.requests)


def test_waits_are_not_all_the_same() -> None:
    talks = [Talk(answer(502), OK) for _ in range(5)]
    for talk in talks:
        talk.get()
    waits = [wait for talk in talks for wait in talk.waits]
    assert len(set(waits)) > 1


def test_there_is_an_end() -> None:
    talk = Talk(answer(503, "busy", content_type="text/plain"), tries=3)
    with pytest.raises(WebError, match=r"not available \(HTTP 503\): busy") as raised:
        talk.get()
    assert raised.value.status == 503
    assert raised.value.__notes__ == ["asked 3 times"]
    assert len(talk.requests) == 3


def test_a_server_that_failed_for_its_own_reasons_is_asked_twice() -> None:
    talk = Talk(answer(500))
    with pytest.raises(WebError, match="HTTP 500"):
        talk.get()
    assert len(talk.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 410, 413, 415, 501, 505])
def test_what_will_not_pass_is_not_asked_for_again(status: int) -> None:
    talk = Talk(answer(status))
    with pytest.raises(WebError, match=rf"\(HTTP {status}\)") as raised:
        talk.get()
    assert (raised.value.status, raised.value.path, len(talk.requests)) == (status, URL, 1)


def test_retry_after() -> None:
    talk = Talk(answer(429, retry_after="7"), answer(503, retry_after="3"), OK, backoff=0)
    assert talk.get() == b"fine"
    assert 7 in talk.waits
    assert 3 in talk.waits


def test_retry_after_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    talk = Talk(answer(503, retry_after=later), OK, backoff=0)
    talk.get()
    assert 25 < max(talk.waits) <= 30
    talk = Talk(answer(503, retry_after="nonsense"), OK, backoff=0)
    talk.get()
    assert talk.waits == [0]


def test_nobody_waits_for_ever() -> None:
    talk = Talk(answer(429, retry_after="86400"))
    with pytest.raises(WebError, match="asked again in 86400 seconds"):
        talk.get()
    assert talk.waits == []


def test_all_wait_where_a_server_wants_it() -> None:
    """After a 429 other requests do not come before their time either."""
    talk = Talk(answer(429, retry_after="50"), OK, backoff=0)

    async def run() -> None:
        waits: list[float] = []

        async def pause(seconds: float) -> None:
            waits.append(seconds)

        options = WebOptions(tries=1)
        async with Transport(
            URL, Access(), options, pause=pause, carrier=httpx.MockTransport(talk)
        ) as transport:
            with pytest.raises(WebError):
                await transport.get(URL, whole_body, accept="*/*")
            assert waits == []
            await transport.get(URL, whole_body, accept="*/*")
            assert 45 < waits[0] < 51

    asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (httpx.ReadError("reset"), 5),
        (httpx.RemoteProtocolError("closed"), 5),
        (httpx.ReadTimeout("silent"), 5),
        (httpx.ConnectTimeout("silent"), 5),
        (httpx.ConnectError("refused"), 3),
    ],
)
def test_connections_that_break(error: Exception, times: int) -> None:
    talk = Talk(error, error, OK)
    assert talk.get() == b"fine"
    talk = Talk(error)
    with pytest.raises(WebError) as raised:
        talk.get()
    assert raised.value.status is None
    assert len(talk.requests) == times


def test_a_body_that_breaks_is_asked_for_again() -> None:
    class Breaks(httpx.AsyncByteStream):  # type: ignore[misc,name-defined]
        async def __aiter__(self) -> Any:
            yield b"fi"
            raise httpx.ReadError("reset")

    talk = Talk(lambda request: httpx.Response(200, stream=Breaks()), OK)
    assert talk.get() == b"fine"


def test_redirects() -> None:
    talk = Talk(answer(302, location="/elsewhere"), answer(307, location="https://two.example/x"), OK)
    assert talk.get() == b"fine"
    assert [str(request.url) for request in talk.requests] == [
        URL,
        "https://one.example/elsewhere",
        "https://two.example/x",
    ]


def test_redirect_loops_end() -> None:
    talk = Talk(answer(301, location=URL))
    with pytest.raises(WebError, match="redirects more than 5 times"):
        talk.get()
    assert len(talk.requests) == 6


@pytest.mark.parametrize("place", ["ftp://x/", "javascript:alert(1)"])
def test_redirects_to_what_is_no_address(place: str) -> None:
    with pytest.raises(WebError, match="no address"):
        Talk(answer(302, location=place)).get()


def test_no_redirect_gives_up_encryption() -> None:
    with pytest.raises(WebError, match="not encrypted"):
        Talk(answer(302, location="http://one.example/studies/1")).get()


@pytest.mark.parametrize(
    ("here", "there", "goes"),
    [
        (URL, "https://one.example/other", True),
        (URL, "https://one.example:443/other", True),
        (URL, "https://one.example:8443/other", False),
        (URL, "https://two.example/other", False),
        (URL, "https://sub.one.example/other", False),
        (URL, "https://one.example.evil/other", False),
        (URL, "https://one.example@two.example/other", False),
        ("http://one.example/studies/1", "https://one.example/studies/1", True),
        ("http://one.example:8042/studies/1", "https://one.example/studies/1", False),
    ],
)
def test_credentials_stay_with_their_server(here: str, there: str, goes: bool) -> None:
    access = Access(bearer="geheim", headers={"apikey": "geheim2"})
    talk = Talk(answer(302, location=there), OK, access=access)
    talk.get(here)
    first, second = talk.requests
    assert (first.headers["authorization"], first.headers["apikey"]) == ("Bearer geheim", "geheim2")
    assert ("authorization" in second.headers) is ("apikey" in second.headers) is goes


def test_credentials_come_back_with_their_server() -> None:
    talk = Talk(
        answer(302, location="https://two.example/"),
        answer(302, location=URL),
        OK,
        access=Access(bearer="geheim"),
    )
    talk.get()
    assert ["authorization" in request.headers for request in talk.requests] == [True, False, True]


@pytest.mark.parametrize(
    ("status", "body", "kind", "access", "says"),
    [
        (401, "", "", Access(), "give --bearer, --basic or --header"),
        (401, "", "", Access(bearer="x"), "does not accept the credentials"),
        (403, "", "", Access(), "does not allow it"),
        (404, "No study", "text/plain", Access(), "no such thing on the server (HTTP 404): No study"),
        (406, '{"message": "only png"}', "application/json", Access(), "media types that were asked for"),
        (406, '{"Message": "only png"}', "", Access(), "only png"),
        (404, "<html><title>Not &amp; found</title>", "text/html", Access(), "a page 'Not & found'"),
        (400, "\x1b[31mred\x00\n\ntext", "text/plain", Access(), "[31mred text"),
        (400, "x" * 5000, "text/plain", Access(), "x" * 200 + "..."),
        (400, "\xff\xfe", "image/png", Access(), "(HTTP 400)"),
        (418, "", "", Access(), "the server refuses (HTTP 418)"),
    ],
)
def test_refusals_in_words(status: int, body: str, kind: str, access: Access, says: str) -> None:
    headers = {"content_type": kind} if kind else {}
    with pytest.raises(WebError) as raised:
        Talk(answer(status, body, **headers), access=access).get()
    assert says in str(raised.value)
    assert str(raised.value).isprintable()


def test_bodies_are_bounded() -> None:
    with pytest.raises(WebError, match="the answer has 4 bytes, more than the 3"):
        Talk(OK, max_body=3).get()
    declared = Talk(answer(200, "fine", content_length="4000"), max_body=3)
    with pytest.raises(WebError, match="4000 bytes, more than the 3"):
        declared.get()


def test_what_is_inflated_is_bounded() -> None:
    import gzip

    bomb = gzip.compress(bytes(10_000_000))
    talk = Talk(
        lambda request: httpx.Response(200, headers={"content-encoding": "gzip"}, content=bomb),
        max_body=100_000,
    )
    with pytest.raises(WebError, match="max_body"):
        talk.get()
    talk = Talk(
        lambda request: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=_stream(b"none"))
    )
    with pytest.raises(WebError, match="Content-Encoding"):
        talk.get()


def _stream(data: bytes) -> Any:
    class Stream(httpx.AsyncByteStream):  # type: ignore[misc,name-defined]
        async def __aiter__(self) -> Any:
            yield data

    return Stream()


def test_no_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A server that sends back what it got, and logs at their most talkative."""
    caplog.set_level(logging.DEBUG)
    access = Access(basic=("bob", "geheim"), headers={"apikey": "gEheim2"}, password="geheim3")
    echo = Talk(
        lambda request: httpx.Response(
            400, headers={"content-type": "text/plain"}, content=str(dict(request.headers)).encode()
        ),
        access=access,
    )
    with pytest.raises(WebError) as raised:
        echo.get("https://one.example/studies/1?token=geheim4&quality=5")
    assert echo.requests[0].headers["authorization"] == "Basic Ym9iOmdlaGVpbQ=="
    told = str(raised.value) + repr(raised.value.__dict__) + repr(access)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "one.example/studies/1" in logged
    for secret in ("geheim", "gEheim2", "Ym9iOmdlaGVpbQ"):
        assert secret not in told + logged
    assert "***" in told


def test_hpack_tells_nothing(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    hpack = pytest.importorskip("hpack")
    for name in ("hpack.hpack", "hpack.table"):
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
    caplog.set_level(logging.DEBUG)
    hpack.Encoder().encode([("authorization", "before")])
    assert caplog.records
    caplog.clear()
    Talk(OK).get()
    caplog.clear()
    hpack.Encoder().encode([("authorization", "geheim")])
    assert not caplog.records


def test_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "from the environment")
    (tmp_path / "secret").write_text("from a file\nsecond line\n")
    (tmp_path / "empty").write_text("\n")
    assert secret_of("env:TOKEN") == "from the environment"
    assert secret_of(f"file:{tmp_path / 'secret'}") == "from a file"
    assert secret_of("plain:text") == "plain:text"
    for text, says in [
        ("env:NOT_THERE", "no variable NOT_THERE"),
        (f"file:{tmp_path / 'none'}", "cannot be read"),
        (f"file:{tmp_path / 'empty'}", "is empty"),
    ]:
        with pytest.raises(OptionError, match=says):
            secret_of(text)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"bearer": "geheim", "basic": ("a", "geheim")}, "exclude each other"),
        ({"headers": [("X", "geheim\r\nY: 1")]}, "characters that no header has"),
        ({"headers": [("X Y", "geheim")]}, "no header"),
        ({"headers": [("Range", "geheim")]}, "no header"),
        ({"headers": [("A", "geheim"), ("a", "geheim")]}, "given twice"),
        ({"headers": [("authorization", "geheim")], "bearer": "geheim"}, "given twice"),
        ({"basic": ("a:b", "geheim")}, "no colon"),
    ],
)
def test_credentials_that_make_no_sense(given: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says) as raised:
        Access(**given)
    assert "geheim" not in str(raised.value)


def test_certificates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    for access in (
        Access(certificate=str(tmp_path / "no.pem")),
        Access(authority=str(tmp_path / "not there")),
    ):
        with pytest.raises(OptionError, match="cannot be used"):
            access.context(own=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has authorities of its own")
def test_systems_without_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    import certifi

    certificates = len(ssl.create_default_context(cafile=certifi.where()).get_ca_certs())
    assert certificates > 50
    usual = ssl.get_default_verify_paths()
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: usual._replace(cafile=None, capath=None))
    assert len(Access().context(own=False).get_ca_certs()) == certificates


def test_users_in_addresses() -> None:
    assert without_user("https://bob:p%40ss@h:8/x?y=1") == ("https://h:8/x?y=1", ("bob", "p@ss"))
    assert without_user("http://bob@[::1]/x") == ("http://[::1]/x", ("bob", ""))
    assert without_user("https://h/x@y") == ("https://h/x@y", None)
    with pytest.raises(OptionError) as raised:
        without_user("https://bob:geheim@h:port/x")
    assert "geheim" not in str(raised.value)
