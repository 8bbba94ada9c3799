"""HTTP of uvicorn and httptools, whose heads of requests are bounded: in bytes, and in the time they take."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a request line with its headers, and of what is read at once; programs send some hundred.
_HEAD_BYTES = 64 << 10
#: Seconds from a connection, or the first byte of a further request, to the end of its headers.
_HEAD_SECONDS = 15.0


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head, _head_bytes = True, 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._deadline is None:
                self._deadline = self.loop.call_later(_HEAD_SECONDS, self._too_slow)
        super().data_received(data)
        if self._in_head and self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The head of a request has at most {_HEAD_BYTES} bytes.")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._cancel()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        # The next head begins; what is read with the end of this one does not count.
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.send_400_response("The head of the request took too long.")

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
