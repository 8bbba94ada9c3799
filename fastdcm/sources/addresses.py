"""Addresses as sources and targets: ``scheme://place/key``; pure text."""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.errors import OptionError

#: Stores of objects, by the scheme of their addresses; and what is read by HTTP.
STORES = frozenset({"s3", "gs", "az"})
WEB = frozenset({"http", "https"})


class Address(NamedTuple):
    """Where an object is: ``place`` is a bucket, a container or a server, ``key`` its name there.

    ``query`` is what an address of HTTP has behind its question mark.
    """

    scheme: str
    place: str
    key: str
    query: str = ""

    @property
    def is_prefix(self) -> bool:
        """Whether it can only stand for what lies below it."""
        return not self.key or self.key.endswith("/")


def is_remote(name: str) -> bool:
    """Whether a name is the address of something far away."""
    return "://" in name and name.partition("://")[0].lower() in (STORES | WEB)


def is_local(name: str) -> bool:
    """Whether a name is a path; also one that is written as ``file://``."""
    return not is_remote(name)


def as_path(name: str) -> str:
    """The path of ``file:///path`` (RFC 8089); other names as they are. Raises `OptionError`."""
    if name[:7].lower() != "file://":
        return name
    from urllib.parse import urlsplit  # 3 ms, of a start of 40, and few runs have addresses

    parts = urlsplit(name)
    if parts.netloc not in ("", "localhost"):
        raise OptionError(f"{name}: file:// is for files of this machine, as file:///folder/name")
    from urllib.request import url2pathname

    return url2pathname(parts.path)


def parse(name: str) -> Address:
    """The parts of an address. Raises `OptionError` where one is missing."""
    scheme, _, rest = name.partition("://")
    scheme = scheme.lower()
    if scheme in WEB:
        from urllib.parse import unquote, urlsplit

        try:
            parts = urlsplit(name)
            host = parts.hostname
        except ValueError:
            host = None
        if not host:
            raise OptionError(f"{shown(name)}: an address has a server: {scheme}://SERVER/PATH")
        return Address(scheme, parts.netloc, unquote(parts.path.lstrip("/")), parts.query)
    place, _, key = rest.partition("/")
    if not place:
        what = "CONTAINER" if scheme == "az" else "BUCKET"
        raise OptionError(f"{name}: an address has a place: {scheme}://{what}/NAME")
    if "@" in place or ("?" in key and "=" in key.rpartition("?")[2]):
        place = place.rpartition("@")[2]
        raise OptionError(
            f"{scheme}://{place}: credentials are taken from the environment, not from addresses"
        )
    return Address(scheme, place, key)


def shown(name: str) -> str:
    """A name for messages and manifests: of an address without user, password, and secrets of its query."""
    if not is_remote(name):
        return name
    scheme, _, rest = name.partition("://")
    place, slash, path = rest.partition("/")
    path, mark, query = path.partition("?") if scheme.lower() in WEB or "@" in place else (path, "", "")
    if mark:
        query = "&".join(_shown_parameter(part) for part in query.split("&"))
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}{mark}{query}"


#: Parameters whose values say who may read (of signed addresses of S3, GCS and Azure, and what others call
#: so).
_SECRET = ("signature", "credential", "token", "sig", "key", "password", "secret", "auth")


def _shown_parameter(part: str) -> str:
    from urllib.parse import unquote

    name, equals, value = part.partition("=")
    folded = unquote(name).lower()
    is_secret = folded in ("sv", "se", "sp") or any(word in folded for word in _SECRET)
    return f"{name}={'...' if value else ''}" if equals and is_secret else part


def base_name(name: str) -> str:
    """The last part of a name, by which its images are called."""
    if not is_remote(name):
        import os

        return os.path.basename(name)
    return parse(name).key.rpartition("/")[2] or "object"


def joined(folder: str, name: str) -> str:
    """A name below an address, with slashes on every platform."""
    return f"{folder.rstrip('/')}/{name}".replace("\\", "/")
