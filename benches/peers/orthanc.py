"""Orthanc: files are uploaded and their frames fetched from /rendered, over one HTTP connection.

The server is started before the first job, with its storage in a temporary folder, and is not part of the
time. What it has already is received and parsed again, but not stored.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from typing import Any

from benches.peers import (
    QUALITY,
    Absent,
    Present,
    UnsupportedJobError,
    files_of,
    find_command,
    first_line,
    frame_suffixes,
)

label = "Orthanc /rendered"


def available() -> Present | Absent:
    found = find_command("Orthanc", "ORTHANC")
    if found is None:
        return Absent("apt install orthanc, or ORTHANC=.../Orthanc")
    return Present(first_line([found, "--version"]).split(" ")[-1], "server")


def configuration(port: int, storage: str) -> dict[str, Any]:
    """No DICOM, no users, no index on the disk of the system."""
    return {
        "Name": "benches",
        "HttpPort": port,
        "StorageDirectory": storage,
        "IndexDirectory": storage,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "StoreMD5ForAttachments": False,
        "OverwriteInstances": False,
    }


@cache
def server() -> int:
    """The port of a server that is started for this process, and ends with it."""
    program = find_command("Orthanc", "ORTHANC")
    assert program is not None
    place = tempfile.mkdtemp(prefix="benches-orthanc-", dir=os.environ.get("BENCHES_FOLDER"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = os.path.join(place, "orthanc.json")
    with open(settings, "w", encoding="utf-8") as file:
        json.dump(configuration(port, os.path.join(place, "storage")), file)
    process = subprocess.Popen([program, settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end() -> None:
        process.terminate()
        process.wait()
        shutil.rmtree(place, ignore_errors=True)

    atexit.register(end)
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return port
        except OSError:
            time.sleep(0.05)
    raise UnsupportedJobError("the server did not start")


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    data: bytes | None = None,
    accept: str = "*/*",
) -> bytes:
    """The body of an answer."""
    connection.request(method, path, data, {"Accept": accept})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise UnsupportedJobError(f"HTTP {response.status} for {path.rsplit('/', 1)[-1]}")
    return body


def convert(source: str, target: str, format: str) -> None:
    accept, end = ("image/png", ".png") if format == "png" else ("image/jpeg", ".jpg")
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server(), timeout=60)) as connection:
        _convert(connection, source, target, accept, end)


def _convert(connection: http.client.HTTPConnection, source: str, target: str, accept: str, end: str) -> None:
    for path, stem in files_of(source):
        with open(path, "rb") as file:
            instance = f"/instances/{json.loads(ask(connection, 'POST', '/instances', file.read()))['ID']}"
        frames = json.loads(ask(connection, "GET", f"{instance}/frames"))
        for index, suffix in zip(frames, frame_suffixes(len(frames)), strict=True):
            place = f"{instance}/frames/{index}/rendered?quality={QUALITY}"
            image = ask(connection, "GET", place, accept=accept)
            with open(os.path.join(target, stem + suffix + end), "wb") as output:
                output.write(image)
