"""Buckets of a server that speaks as S3 does."""

from __future__ import annotations

import urllib.request
from uuid import uuid4

from fastdcm.sources.stores import Store, store_of


class Bucket:
    """A bucket of its own, as ``name``."""

    def __init__(self, server: str) -> None:
        self.name = f"bucket-{uuid4().hex[:12]}"
        self.url = f"s3://{self.name}"
        request = urllib.request.Request(f"{server}/{self.name}", method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
        self.store: Store = store_of(self.url)[0]

    def put(self, key: str, data: bytes) -> str:
        """The address of an object that now has these bytes."""
        self.store.put(key, data, {}, replace=True)
        return f"{self.url}/{key}"

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """All objects below a prefix, by their keys behind it."""
        keys = [key for key, _ in self.store.below(prefix)]
        return {key[len(prefix) :]: self.store.whole(key)[0] for key in keys}
