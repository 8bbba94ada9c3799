"""A server of objects of pydicom's (`archive`), whose behaviour tests change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import REQUIRE_PEERS
from tests.dicomweb.archive import Archive

if REQUIRE_PEERS:
    import httpx  # noqa: F401  # where it is required, its absence is an error


@pytest.fixture
def archive() -> Iterator[Archive]:
    pytest.importorskip("httpx")
    with Archive() as archive:
        yield archive
