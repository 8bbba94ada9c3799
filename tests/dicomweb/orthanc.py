"""Orthanc as a server of tests: on a free port of this machine, with its plug-ins DICOMweb and GDCM."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

#: Where Debian's packages orthanc-dicomweb and orthanc-gdcm put them.
PLUGINS = Path("/usr/share/orthanc/plugins")
_NAMES = ("libOrthancDicomWeb.so", "libOrthancGdcm.so")
_SECONDS = 30


class MissingError(Exception):
    """A part of Orthanc is not installed."""


class Orthanc:
    """The server; a context manager. ``url`` is the address of its DICOMweb service.

    Nothing of it is kept, and nobody else reaches it. Raises `MissingError`.
    """

    def __init__(self, program: str, **settings: Any) -> None:
        plugins = [PLUGINS / name for name in _NAMES]
        if missing := [path.name for path in plugins if not path.exists()]:
            raise MissingError(f"{missing[0]} is not in {PLUGINS}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/dicom-web"
        self._program, self._settings = program, settings
        self._folder = tempfile.TemporaryDirectory(prefix="fastdcm-orthanc-")
        self._configuration = {
            "Name": "tests",
            "HttpPort": self.port,
            "StorageDirectory": self._folder.name,
            "IndexDirectory": self._folder.name,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": False,
            "StoreMD5ForAttachments": False,
            "OverwriteInstances": False,
            "Plugins": [str(path) for path in plugins],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "WadoRoot": "/wado"},
            **settings,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    @property
    def is_alive(self) -> bool:
        """Whether it runs: there are images that end it."""
        return self._process.poll() is None

    def start(self) -> None:
        """Start it, or again, with what it has."""
        path = Path(self._folder.name) / "orthanc.json"
        path.write_text(json.dumps(self._configuration), encoding="utf-8")
        with (Path(self._folder.name) / "log").open("wb") as log:
            self._process = subprocess.Popen([self._program, str(path)], stdout=log, stderr=log)
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = (Path(self._folder.name) / "log").read_text(errors="replace")
                    self.__exit__()
                    raise MissingError(f"Orthanc did not start: {said[-500:]}") from None
                time.sleep(0.05)

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def store(self, data: bytes) -> bool:
        """Whether it takes this object, and had none of its UID."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/instances", data)
            answer = connection.getresponse()
            body = answer.read()
            return answer.status == 200 and json.loads(body)["Status"] == "Success"
        finally:
            connection.close()
