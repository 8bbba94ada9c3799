"""Credentials and certificates. Nothing here is ever shown: no ``repr``, message or log has a secret."""

from __future__ import annotations

import base64
import logging
import os
import re
import ssl
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from fastdcm.errors import OptionError
from fastdcm.web.resources import shown

if TYPE_CHECKING:
    import httpx

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Headers that say how a message is sent, which the library does.
_OURS = frozenset(("host", "content-length", "transfer-encoding", "connection", "accept", "range"))
_MOST_SECRET = 64 << 10


def secret_of(text: str) -> str:
    """``env:NAME`` is what the environment has, ``file:PATH`` a file's first line, other text is the secret.

    Raises `OptionError`, which has the name of the place only.
    """
    kind, colon, place = text.partition(":")
    if colon and kind == "env":
        if not (value := os.environ.get(place)):
            raise OptionError(f"the environment has no variable {place}, from which a secret was to be taken")
        return value
    if colon and kind == "file":
        try:
            with open(place, encoding="utf-8") as file:
                value = file.read(_MOST_SECRET).strip("\r\n").partition("\n")[0].strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it holds no text"
            raise OptionError(f"a secret cannot be read from {place}: {reason}") from None
        if not value:
            raise OptionError(f"{place}, from which a secret was to be taken, is empty")
        return value
    return text


class Access:
    """What a server is shown to be let in.

    ``headers`` are pairs or a mapping, ``bearer`` a token, ``basic`` user and password; each secret among
    them may be ``env:NAME`` or ``file:PATH`` (`secret_of`). ``certificate`` is a file in PEM with the
    client's certificate, and its key, or both, a file each; ``password`` that of the key. ``authority`` is a
    file in PEM with the authorities that servers' certificates are to be of, instead of the system's.

    Raises `OptionError`.
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
        certificate: str | tuple[str, str] | None = None,
        password: str | None = None,
        authority: str | None = None,
    ) -> None:
        if bearer is not None and basic is not None:
            raise OptionError("bearer and basic exclude each other")
        self._headers: dict[str, str] = {}
        self._secrets: list[str] = []
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        for name, value in pairs:
            self._add(name, secret_of(value))
        if bearer is not None:
            token = secret_of(bearer)
            self._add("Authorization", f"Bearer {token}")
            self._secrets.append(token)
        if basic is not None:
            user, word = basic[0], secret_of(basic[1])
            if ":" in user:
                raise OptionError("a user's name for basic has no colon (RFC 7617 2)")
            coded = base64.b64encode(f"{user}:{word}".encode()).decode("ascii")
            self._add("Authorization", f"Basic {coded}")
            self._secrets += [word, coded]
        self._certificate = (certificate, None) if isinstance(certificate, str) else certificate
        self._password = None if password is None else secret_of(password)
        self._authority = authority
        self._secrets = sorted({secret for secret in self._secrets if len(secret) > 3}, key=len, reverse=True)

    def _add(self, name: str, value: str) -> None:
        value = value.strip()
        if _NAME.fullmatch(name) is None or name.lower() in _OURS:
            raise OptionError(f"{name[:40]!r} is no header that can be given")
        if not value.isascii() or not value.isprintable():
            raise OptionError(f"the value of header {name} has characters that no header has")
        if name.lower() in map(str.lower, self._headers):
            raise OptionError(f"header {name} is given twice")
        self._headers[name] = value
        self._secrets.append(value)

    def __repr__(self) -> str:
        shows = [*self._headers, *["a certificate"] * self.has_certificate]
        return f"<Access {', '.join(shows) or 'for all'}>"

    @property
    def headers(self) -> dict[str, str]:
        """The headers, secrets and all: for requests to the server that they are for alone."""
        return self._headers

    @property
    def has_certificate(self) -> bool:
        """Whether a client certificate is shown."""
        return self._certificate is not None

    @property
    def is_anonymous(self) -> bool:
        """Whether there are no credentials at all."""
        return not self._headers and not self.has_certificate

    def context(self, *, own: bool) -> ssl.SSLContext:
        """How TLS is spoken; ``own`` with the client's certificate. Raises `OptionError`."""
        try:
            context = ssl.create_default_context(cafile=self._authority or _usual_authorities())
            if own and self._certificate is not None:
                certificate, key = self._certificate
                context.load_cert_chain(certificate, key, self._password or "")
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", None) or error.strerror or "it cannot be read"
            names = filter(None, [*(self._certificate or ()), self._authority])
            raise OptionError(f"a certificate of {', '.join(names)} cannot be used: {reason}") from None
        return context

    def hidden(self, text: str) -> str:
        """The text without secrets, which a server may send back."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _usual_authorities() -> str | None:
    """A file of authorities where Python finds none of the system, as on macOS; None for these."""
    system = ssl.get_default_verify_paths()
    if sys.platform == "win32" or system.cafile or system.capath:
        return None
    import certifi  # comes with httpx

    return certifi.where()


def without_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """An address without user and password, and these. Raises `OptionError`, which shows neither."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OptionError("an address cannot be read: its host or port is none") from None
    if parts.username is None:
        return url, None
    host = parts.hostname or ""
    place = f"[{host}]" if ":" in host else host
    bare = urlunsplit((parts.scheme, place if port is None else f"{place}:{port}", *parts[2:]))
    return bare, (unquote(parts.username), unquote(parts.password or ""))


def same_origin(first: httpx.URL, second: httpx.URL) -> bool:
    """Whether two addresses are of one server, to which the same credentials may go.

    They are, too, where one differs by TLS alone, as servers do that send everybody to it.
    """
    if first.host != second.host:
        return False
    ports = {"http": 80, "https": 443}
    one, other = ((url.scheme, url.port or ports.get(url.scheme)) for url in (first, second))
    return one == other or (one == ("http", 80) and other == ("https", 443))


class _Dropped(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


class _Hidden(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                shown(str(one)) if type(one).__name__ == "URL" else one for one in record.args
            )
        return True


_DROPPED, _HIDDEN = _Dropped(), _Hidden()


def keep_out_of_logs() -> None:
    """Let no log of the libraries have secrets.

    At DEBUG hpack tells the headers that HTTP/2 compresses, at INFO httpx tells addresses, whose queries may
    have keys.
    """
    logging.getLogger("hpack.hpack").addFilter(_DROPPED)
    logging.getLogger("hpack.table").addFilter(_DROPPED)
    logging.getLogger("httpx").addFilter(_HIDDEN)


def need_web() -> Any:
    """httpx. Raises `OptionError` where the extra is not installed."""
    try:
        import httpx
    except ImportError:
        raise OptionError(
            "servers are asked through httpx, which is not installed: pip install '.[web]' in the source tree"
        ) from None
    return httpx
