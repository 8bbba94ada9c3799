"""A head that does not end: the connection ends. One that did costs nothing after."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from fastdcm.serve import protocol
from fastdcm.serve.protocol import BoundedProtocol


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(0.3)  # longer than a head may take
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def _talk(*pieces: bytes) -> bytes:
    """What comes back for these pieces, with a pause between them, until the connection ends."""

    async def run() -> bytes:
        config = uvicorn.Config(
            _app, http=BoundedProtocol, lifespan="off", log_config=None, timeout_keep_alive=1
        )
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: BoundedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.04)
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()
            with suppress(ConnectionError):  # it was closed at the other end
                await writer.wait_closed()
        return answer

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.15)


_WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "pieces", [(b"",), (b"GET / HT",), tuple(b"GET / HTTP/1.1\r\n"[at : at + 1] for at in range(3))]
)
def test_a_head_that_takes_too_long(pieces: tuple[bytes, ...]) -> None:
    answer = _talk(*pieces)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"too long" in answer


def test_an_answer_may_take_longer() -> None:
    assert _talk(_WHOLE).count(b"200 OK") == 1


def test_the_second_head_has_a_time_of_its_own() -> None:
    answer = _talk(_WHOLE, *[b""] * 10, b"GET / HTTP/1.1\r\nHost")
    assert answer.count(b"200 OK") == 1
    assert b"too long" in answer
