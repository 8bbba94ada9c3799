"""Stores of objects, as far as this program needs them, by obstore; nothing else knows the library.

Who may read and write is settled where users of other programs have settled it: in the environment, in the
profiles of AWS, in Google's application default credentials, in the metadata of a machine in the cloud. What
the library raises becomes a `SourceError` here, that says what to do, or one of those below. The library
tries again what fails for reasons of the network or of the store.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

from fastdcm.errors import OptionError, SourceError
from fastdcm.sources.addresses import WEB, Address, parse, shown

T = TypeVar("T")

#: Requests that a process has under way at once.
MOST_REQUESTS = 16
#: How long the library goes on trying, how long a request may take, and a connection.
_RETRIES, _RETRYING, _TIMEOUT, _CONNECTING = 5, timedelta(seconds=60), "120s", "10s"


class Stat(NamedTuple):
    """Bytes of an object, its last change (nanoseconds since 1970, in whole seconds), and its version."""

    size: int
    modified: int
    tag: str | None


class Listed(NamedTuple):
    """An object of a listing, by its key."""

    key: str
    stat: Stat


class AbsentError(SourceError):
    """There is no such object."""


class PresentError(SourceError):
    """There is such an object already."""


class ChangedError(SourceError):
    """The object is another one than it was."""


class WholeError(SourceError):
    """The object would come as a whole, or not, and is larger than was asked for."""


class Store:
    """One bucket, container or server. Safe to use from several threads; calls wait for their answers."""

    def __init__(self, address: Address, library: Any, store: Any) -> None:
        self._address, self._library, self._store = address, library, store

    def begin(self, key: str, length: int, most: int | None = None) -> tuple[bytes, Stat]:
        """The first bytes of an object, and what it is; all of it where it has no more.

        Where no range is given, all of it comes; more than ``most`` bytes are an error then, and do not come.
        Raises `SourceError`, `WholeError`.
        """
        with _Translated(self._address, key):
            try:
                return _contents(self._library.get(self._store, key, options={"range": (0, length)}))
            except Exception as error:
                if not _gives_no_range(error):
                    raise
            # An empty object has none, and some servers give none.
            found = self._library.get(self._store, key)
            if most is not None and found.meta["size"] > most:
                raise WholeError("comes as a whole, or not")
            return _contents(found)

    def whole(self, key: str) -> tuple[bytes, Stat]:
        """All of an object. Raises `SourceError`."""
        with _Translated(self._address, key):
            return _contents(self._library.get(self._store, key))

    def range(self, key: str, start: int, end: int, tag: str | None) -> bytes:
        """Bytes of the version ``tag`` of an object. Raises `SourceError`, `ChangedError`."""
        options: dict[str, Any] = {"range": (start, end)}
        if tag and not tag.startswith("W/"):
            options["if_match"] = tag
        with _Translated(self._address, key):
            data: bytes = self._library.get(self._store, key, options=options).bytes().to_bytes()
        if len(data) != end - start:
            raise ChangedError(f"a range came that has {len(data)} of {end - start} bytes")
        return data

    def stat(self, key: str) -> Stat:
        """What an object is. Raises `SourceError`, `AbsentError`."""
        with _Translated(self._address, key):
            return _stat(self._library.head(self._store, key))

    def attributes(self, key: str) -> Mapping[str, str]:
        """What was told of an object when it was written. Raises `SourceError`, `AbsentError`."""
        with _Translated(self._address, key):
            found = self._library.get(self._store, key, options={"head": True}).attributes
            return {str(name): str(value) for name, value in found.items()}

    def below(self, prefix: str) -> Iterator[Listed]:
        """All objects below a prefix, which is empty or ends with a slash, as they come. Raises
        `SourceError`."""
        with _Translated(self._address, prefix, what="listed"):
            for page in self._library.list(self._store, prefix=prefix or None, chunk_size=1000):
                for meta in page:
                    yield Listed(meta["path"], _stat(meta))

    def put(self, key: str, data: bytes, attributes: Mapping[str, str], *, replace: bool) -> None:
        """Write an object, whole or not at all. Raises `SourceError`, `PresentError`."""
        mode = "overwrite" if replace else "create"
        with _Translated(self._address, key, what="written"):
            self._library.put(
                self._store, key, data, attributes=dict(attributes), mode=mode, use_multipart=False
            )

    def delete(self, key: str) -> None:
        """Take an object away. Raises `SourceError`."""
        with _Translated(self._address, key, what="removed"):
            self._library.delete(self._store, key)


_LOCK = threading.Lock()
_STORES: dict[tuple[str, str, str], Store] = {}


def store_of(name: str) -> tuple[Store, str]:
    """The store of an address, and the key there. Raises `OptionError`, `SourceError`."""
    address = parse(name)
    # A query belongs to one object, and is sent with its requests only.
    alone = address.key if address.query else ""
    known = address.scheme, address.place, f"{alone}?{address.query}" if alone else ""
    with _LOCK:
        if (store := _STORES.get(known)) is None:
            library = _library()
            with _Translated(address, address.key):
                store = Store(address, library, _open(library, address))
            if not alone:
                _STORES[known] = store
    return store, "" if alone else address.key


def in_background(function: Callable[..., T], *arguments: Any) -> Future[T]:
    """A call in one of a few threads that wait for answers."""
    return _threads().submit(function, *arguments)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_REQUESTS, thread_name_prefix="fastdcm-fetching")


def _library() -> Any:
    try:
        import obstore
    except ImportError as error:
        raise OptionError("addresses need obstore: pip install obstore") from error
    return obstore


def _open(library: Any, address: Address) -> Any:
    from obstore.store import from_url as typed_from_url

    from_url: Any = typed_from_url  # which has types for each kind of store
    options: dict[str, Any] = {"timeout": _TIMEOUT, "connect_timeout": _CONNECTING, "user_agent": "fastdcm"}
    retrying = {"max_retries": _RETRIES, "retry_timeout": _RETRYING}
    if address.scheme in WEB:
        options["allow_http"] = address.scheme == "http"
        url = f"{address.scheme}://{address.place}"
        if address.query:
            from urllib.parse import quote

            url += f"/{quote(address.key)}?{address.query}"
        return from_url(url, client_options=options, retry_config=retrying)
    more: dict[str, Any] = {}
    if address.scheme == "s3":
        options["allow_http"] = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)
        if (provider := _profile()) is not None:
            more["credential_provider"] = provider
    elif address.scheme == "gs":
        options["allow_http"] = True  # which an account's file may name, for stores of others
    url = f"{address.scheme}://{address.place}"
    return from_url(url, client_options=options, retry_config=retrying, **more)


#: Where the environment names a store that is not of AWS.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
#: What obstore itself takes credentials of AWS from.
_GIVEN = (
    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_SKIP_SIGNATURE",
)  # fmt: skip


def _profile() -> Any:
    """Credentials of a profile, as the tools of AWS have them; None where the environment has others, or
    none."""
    if any(os.environ.get(name) for name in _GIVEN):
        return None
    files = (
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"),
    )
    named = os.environ.get("AWS_PROFILE")
    if not named and not any(os.path.exists(os.path.expanduser(file)) for file in files):
        return None
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as error:
        if not named:
            return None
        raise OptionError(f"the profile {named} of AWS needs boto3: pip install boto3") from error
    return Boto3CredentialProvider()


def _stat(meta: Any) -> Stat:
    # Headers tell of whole seconds, listings of less: both are to tell the same.
    return Stat(meta["size"], int(meta["last_modified"].timestamp()) * 1_000_000_000, meta.get("e_tag"))


def _contents(found: Any) -> tuple[bytes, Stat]:
    stat = _stat(found.meta)  # which is not to be had once the bytes are
    return found.bytes().to_bytes(), stat


def _gives_no_range(error: Exception) -> bool:
    return type(error).__name__ == "NotSupportedError" or _has(str(error), "416", "range")


class _Translated:
    """A context in which errors of the library become ours."""

    def __init__(self, address: Address, key: str, *, what: str = "read") -> None:
        self._address, self._key, self._what = address, key, what

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (OptionError, SourceError)) or not isinstance(error, Exception):
            return
        raise _translated(error, self._address, self._key, self._what) from error


def _translated(error: Exception, address: Address, key: str, what: str) -> Exception:
    kind, words = type(error).__name__, str(error)
    place = {"s3": "bucket", "gs": "bucket", "az": "container"}.get(address.scheme, "server")
    where = f"{place} {address.place.rpartition('@')[2]}"
    if kind in ("AlreadyExistsError",):
        return PresentError("is there already")
    if kind in ("PreconditionError",):
        return ChangedError("it changed while it was read")
    if "NoSuchBucket" in words or "ContainerNotFound" in words:
        return SourceError(f"cannot be {what}: there is no {where}")
    if kind in ("NotFoundError", "FileNotFoundError"):
        return AbsentError(f"cannot be {what}: {where} has no such object")
    if kind in ("PermissionDeniedError", "UnauthenticatedError", "PermissionError"):
        return SourceError(f"cannot be {what}: {where} refuses; {_CREDENTIALS[address.scheme]}")
    if _has(words, "credential", "IMDS", "169.254.169.254", "metadata.google"):
        return SourceError(f"cannot be {what}: no credentials for {where}; {_CREDENTIALS[address.scheme]}")
    if _has(words, "kind: Connect", "dns error"):
        return SourceError(
            f"cannot be {what}: {where} cannot be reached; is its name right, and the network up?"
        )
    if _has(words, "kind: Timeout", "TimedOut", "operation timed out"):
        return SourceError(f"cannot be {what}: {where} did not answer in time, also when asked again")
    if _has(words, "redirect"):
        return SourceError(f"cannot be {what}: {where} is in another region: set AWS_REGION")
    return SourceError(f"cannot be {what}: {_told(words)}")


_CREDENTIALS = {
    "s3": (
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
        "AWS_SKIP_SIGNATURE=true where it is public"
    ),
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or log in by gcloud auth application-default login",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or AZURE_STORAGE_SAS_TOKEN",
    "http": "addresses with a signature may have expired",
    "https": "addresses with a signature may have expired",
}


def _has(words: str, *parts: str) -> bool:
    folded = words.lower()
    return any(part.lower() in folded for part in parts)


def _told(words: str) -> str:
    """The library's words on one line, without what its addresses and headers may tell."""
    first = words.partition("Debug source:")[0].splitlines()[0] if words else "it does not say why"
    without = re.sub(r"\b(?:s3|gs|az|https?)://\S+", lambda found: shown(found[0]), first)
    return " ".join(without.split())[:300]
