"""A client of DICOMweb servers (PS3.18): `Client`, and `AsyncClient` for who has an event loop.

::

    client       AsyncClient: what a server is asked for, a method each
    blocking     Client: the same without an event loop
    transport    one request: retries, time limits, redirects, limits of size
    access       credentials and certificates, which nobody sees
    refusals     what a server's refusal means, in words
    bodies       multipart or not: what is in an answer
    searching    QIDO-RS, page by page
    retrieving   instances and frames as they are stored
    assembled    a DICOM object of metadata and frames
    remote       an instance of which only ranges are read
    asked        what is asked for of images, there and here
    loops        an event loop in a thread
    pictures     images: rendered by the server, or here
    fetching     many of them into a folder: what ``fastdcm get`` does
    fetched      what is wanted for that, and what came

Needs the extra ``web``: httpx. Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastdcm.dicomweb.blocking import Client
    from fastdcm.dicomweb.client import AsyncClient
    from fastdcm.dicomweb.pictures import Picture
    from fastdcm.options.web import WebOptions

__all__ = ["AsyncClient", "Client", "Picture", "WebOptions"]

_HOMES = {
    "AsyncClient": "fastdcm.dicomweb.client",
    "Client": "fastdcm.dicomweb.blocking",
    "Picture": "fastdcm.dicomweb.pictures",
    "WebOptions": "fastdcm.options.web",
}


if not TYPE_CHECKING:  # a type checker would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'fastdcm.dicomweb' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
