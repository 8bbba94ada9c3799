"""How a folder is served."""

from __future__ import annotations

import ipaddress

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass


@dataclass(frozen=True)
class ServeOptions:
    """How a folder is served, and what a request may cost.

    ``host`` other than a loopback address needs a ``token``, or ``insecure``. ``index`` is the path of the
    database, None for one in the user's cache. ``rescan`` are seconds from the end of one look through the
    folder to the next, 0 for a single one at the start. ``cors`` are the origins whose pages may read
    answers, ``*`` for all. ``jobs`` processes render, None for one a core; ``queue`` requests may wait for
    them, further ones get 503. ``timeout`` is in seconds, of one request's work on one instance.
    ``max_pixels`` bounds pixels of a frame and of a picture, ``max_bytes`` what one answer holds in memory,
    ``cache_bytes`` what is kept of pictures. ``connections`` are those open at a time. ``url`` is where
    others find the server, where that is not the name by which they asked: behind a proxy.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str = ""
    insecure: bool = False
    index: str | None = None
    rescan: float = 30.0
    cors: tuple[str, ...] = ()
    jobs: int | None = None
    queue: int = 64
    timeout: float = 30.0
    max_pixels: int = 1 << 27
    max_bytes: int = 1 << 30
    cache_bytes: int = 256 << 20
    connections: int = 1000
    url: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise OptionError(f"port must be 0 to 65535, not {self.port}")
        if not is_loopback(self.host) and not (self.token or self.insecure):
            raise OptionError(
                f"{self.host} can be reached from other machines: give a --token that requests must carry, "
                "or --insecure where everybody may read everything"
            )
        if self.token and (len(self.token) < 8 or not self.token.isascii() or not self.token.isprintable()):
            raise OptionError("a token has at least 8 characters, all of them printable ASCII")
        if self.rescan < 0 or self.timeout <= 0:
            raise OptionError("rescan must be at least 0 seconds, timeout above 0")
        for name in ("queue", "max_pixels", "max_bytes", "connections"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.cache_bytes < 0 or (self.jobs is not None and self.jobs < 1):
            raise OptionError("cache must be at least 0 bytes, jobs at least 1")
        if self.url and not self.url.startswith(("http://", "https://")):
            raise OptionError(f"url {self.url!r} is none, as https://images.example/dicom")
        for origin in self.cors:
            if origin != "*" and not origin.startswith(("http://", "https://")):
                raise OptionError(f"cors {origin!r} is no origin, as https://viewer.example, and not *")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
