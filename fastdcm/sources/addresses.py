"""Addresses as sources and targets: ``scheme://place/key``; pure text."""

from __future__ import annotations

import re
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


def unsupported_scheme(name: str) -> str:
    """That nothing is read by the scheme of a name, in words; empty where that is known, or there is none."""
    scheme, separator, _ = name.partition("://")
    if not (separator and _SCHEME.fullmatch(scheme)) or is_remote(name) or scheme.lower() == "file":
        return ""
    return f"{scheme}:// is not supported; sources are files, s3://, gs://, az://, https://, http://"


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
        raise OptionError(f"{shown(name)}: file:// is for files of this machine, as file:///folder/name")
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
        raise OptionError(f"{shown(name)}: an address has a place: {scheme}://{what}/NAME")
    if "@" in place or ("?" in key and "=" in key.rpartition("?")[2]):
        place = place.rpartition("@")[2]
        raise OptionError(
            f"{scheme}://{place}: credentials are taken from the environment, not from addresses"
        )
    return Address(scheme, place, key)


def shown(name: str) -> str:
    """A name for messages and manifests: of an address without user, password, and secrets of its query.

    Sources stay apart: what may tell more than who may read is shown as a few digits that stand for it.
    """
    scheme, separator, rest = name.partition("://")
    if not (separator and _SCHEME.fullmatch(scheme)):
        return name
    place, slash, path = rest.partition("/")
    path, mark, query = path.partition("?")
    if "=" in query:  # keys of stores may have question marks
        parts = query.split("&")
        names = {_name_of(part) for part in parts}
        signing = {each for wanted, those in _SIGNED if wanted <= names for each in those}
        query = "&".join(_shown_parameter(part, signing) for part in parts)
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}{mark}{query}"


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
#: Ways of signing, by what all their addresses have: parameters that tell who may read, and until when, and
#: not what; signed again, an address is of the same source. With a dash at the end they are a beginning.
_DELEGATED = ("skoid", "sktid", "skt", "ske", "sks", "skv")
_SIGNED: tuple[tuple[set[str], set[str]], ...] = (
    ({"x-amz-signature"}, {"x-amz-"}),
    ({"x-goog-signature"}, {"x-goog-"}),
    ({"signature", "awsaccesskeyid"}, {"signature", "awsaccesskeyid", "expires", "x-amz-"}),
    ({"signature", "googleaccessid"}, {"signature", "googleaccessid", "expires"}),
    ({"signature", "key-pair-id"}, {"signature", "key-pair-id", "expires", "policy"}),
    ({"sig", "sv"}, {"sig", "sv", "se", "st", "sp", "spr", "sip", *_DELEGATED}),
)  # fmt: skip
#: Words in the names of other parameters that may be secrets.
_SECRET = ("signature", "credential", "token", "sig", "key", "password", "secret", "auth")
_HIDDEN = re.compile(r"\.\.\.(?:[0-9a-f]{8})?")


def _name_of(parameter: str) -> str:
    from urllib.parse import unquote

    return unquote(parameter.partition("=")[0]).lower()


def _shown_parameter(part: str, signing: set[str]) -> str:
    name, _, value = part.partition("=")
    folded = _name_of(part)
    if not value or _HIDDEN.fullmatch(value):
        return part
    if folded in signing or any(each.endswith("-") and folded.startswith(each) for each in signing):
        return f"{name}=..."
    if any(word in folded for word in _SECRET):
        from hashlib import sha256  # 4 ms, of a start of 40

        return f"{name}=...{sha256(value.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    return part


def base_name(name: str) -> str:
    """The last part of a name, by which its images are called."""
    if not is_remote(name):
        import os

        return os.path.basename(name)
    return parse(name).key.rpartition("/")[2] or "object"


def joined(folder: str, name: str) -> str:
    """A name below an address, with slashes on every platform."""
    return f"{folder.rstrip('/')}/{name}".replace("\\", "/")
