"""multipart/related (RFC 2387, RFC 2046 5.1.1), a part at a time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence


class MultipartWriter:
    """Gives the bytes that stand before, between and behind the bodies of parts.

    ``media_type`` is that of the parts; ``transfer_syntax`` is told with it, where it is not empty. The
    boundary is random, so that no body has it.
    """

    def __init__(self, media_type: str, transfer_syntax: str = "") -> None:
        self._boundary = secrets.token_hex(20)
        self._begun = False
        self.content_type = f'multipart/related; type="{media_type}"; boundary={self._boundary}'
        if transfer_syntax:
            self.content_type += f"; transfer-syntax={transfer_syntax}"

    def head(self, content_type: str, headers: Mapping[str, str] | None = None) -> bytes:
        """What stands before the body of the next part."""
        lines = [f"--{self._boundary}", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        begin, self._begun = "\r\n" if self._begun else "", True
        return (begin + "\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def end(self) -> bytes:
        """What stands behind the last body."""
        begin = "\r\n" if self._begun else ""
        return f"{begin}--{self._boundary}--\r\n".encode("latin-1")

    def whole(self, bodies: Sequence[tuple[str, Mapping[str, str], bytes]]) -> bytes:
        """A message of parts: content type, headers and body of each."""
        parts = [piece for kind, headers, body in bodies for piece in (self.head(kind, headers), body)]
        return b"".join((*parts, self.end()))
