"""Servers that answer as Google Cloud Storage (its XML API) and Azure Blob Storage do, as far as asked here.

Objects by ranges, listings, what was told of an object, and writing only where nothing is. Signatures are not
looked at. What the real ones refuse is refused here, too: Azure takes names of metadata only that are
identifiers of C#.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest

from tests.remote.web import CHANGED, FileServer, Handler


def _tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'


class _CloudHandler(Handler):
    """``files`` of the server are objects, by their bucket or container and key; so are ``told``."""

    server: CloudServer
    told_by: str

    def do_GET(self) -> None:  # noqa: N802 - the name that the server looks for
        path, asked = self._asked()
        if not self._lists(asked):
            return super().do_GET()
        bucket, prefix = path.partition("/")[0], asked.get("prefix", [""])[0]
        found = {
            name.partition("/")[2]: data
            for name, data in sorted(self.server.files.items())
            if name.startswith(f"{bucket}/{prefix}")
            and not ("delimiter" in asked and "/" in name.removeprefix(f"{bucket}/{prefix}"))
        }
        listing = f'<?xml version="1.0" encoding="utf-8"?>{self._listing(found)}'
        return self._send(200, listing.encode(), **{"Content-Type": "application/xml"})

    def do_PUT(self) -> None:  # noqa: N802
        path, _ = self._asked()
        data = self.rfile.read(int(self.headers["Content-Length"]))
        told = {name: value for name, value in self.headers.items() if name.lower().startswith(self.told_by)}
        if not all(map(self._may_be_told, told)):
            return self._send(400, b"InvalidMetadata")
        if path in self.server.files and (refusal := self._only_new()):
            return self._send(refusal, b"")
        self.server.files[path], self.server.told[path] = data, told
        return self._send(201, b"", ETag=_tag(data), **{"x-goog-generation": "1"})

    def more_headers(self, path: str) -> dict[str, str]:
        return {**self.server.told.get(path, {}), "x-goog-generation": "1"}

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        return self.path_of(), parse_qs(urlsplit(self.path).query)

    def _may_be_told(self, name: str) -> bool:
        return True

    @abstractmethod
    def _lists(self, asked: dict[str, list[str]]) -> bool: ...

    @abstractmethod
    def _listing(self, found: dict[str, bytes]) -> str: ...

    @abstractmethod
    def _only_new(self) -> int:
        """The status that refuses to replace an object; 0 where it may be."""


class _Google(_CloudHandler):
    told_by = "x-goog-meta-"

    def _lists(self, asked: dict[str, list[str]]) -> bool:
        return "list-type" in asked

    def _listing(self, found: dict[str, bytes]) -> str:
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(data)}</Size><ETag>{escape(_tag(data))}</ETag>"
            "<LastModified>2026-11-29T08:00:00.000Z</LastModified></Contents>"
            for key, data in found.items()
        )
        return f"<ListBucketResult>{contents}</ListBucketResult>"

    def _only_new(self) -> int:
        return 412 if self.headers["x-goog-if-generation-match"] == "0" else 0


class _Azure(_CloudHandler):
    told_by = "x-ms-meta-"

    def _lists(self, asked: dict[str, list[str]]) -> bool:
        return asked.get("comp") == ["list"]

    def _listing(self, found: dict[str, bytes]) -> str:
        blobs = "".join(
            f"<Blob><Name>{escape(key)}</Name><Properties><Last-Modified>{CHANGED}</Last-Modified>"
            f"<Content-Length>{len(data)}</Content-Length><Etag>{escape(_tag(data))}</Etag>"
            "<Content-Type>application/octet-stream</Content-Type></Properties></Blob>"
            for key, data in found.items()
        )
        return f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>"

    def _only_new(self) -> int:
        return 409 if self.headers["If-None-Match"] == "*" else 0

    def _may_be_told(self, name: str) -> bool:
        return re.fullmatch(r"[A-Za-z_]\w*", name[len(self.told_by) :], re.ASCII) is not None

    def path_of(self) -> str:
        return super().path_of().removeprefix("devstoreaccount1/")


class CloudServer(FileServer):
    """One of them, ``gs`` or ``az``, as the environment tells it to the libraries for these."""

    def __init__(self, scheme: str) -> None:
        super().__init__(_Google if scheme == "gs" else _Azure)
        self.told: dict[str, dict[str, str]] = {}
        self.scheme = scheme

    def name_it(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        """Have the environment name it."""
        if self.scheme == "az":
            patch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
            patch.setenv("AZURITE_BLOB_STORAGE_URL", self.url)
            return
        account = folder / "account.json"
        empty = dict.fromkeys(("private_key", "private_key_id", "client_email"), "")
        account.write_text(json.dumps({"gcs_base_url": self.url, "disable_oauth": True, **empty}))
        patch.setenv("GOOGLE_SERVICE_ACCOUNT", str(account))
