"""A DICOMweb server in a thread, as far as clients need one, which does what tests want it to do wrong.

Objects are those of pydicom's wheel. What it has been asked for is in `Archive.requests`. A hook of a test
answers in its place: `Archive.hooks` has functions by regular expressions of paths.
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import imagecodecs
import pydicom
from pydicom.encaps import generate_frames

import fastdcm
from tests.conftest import PYDICOM_FILES

ROOT = "/dicom-web"
BOUNDARY = "the-boundary"


class Asked(NamedTuple):
    """A request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Object:
    """An instance, and what pydicom and fastdcm make of it."""

    def __init__(self, name: str, base: str, study: str, series: str, times: int) -> None:
        self.name = name
        self.data_set = pydicom.dcmread(PYDICOM_FILES / name)
        self.data_set.StudyInstanceUID, self.data_set.SeriesInstanceUID = study, series
        if times > 1:
            self.data_set.Rows *= times
            self.data_set.PixelData = b"".join(frame * times for frame in self.frames())
        file = BytesIO()
        self.data_set.save_as(file)
        self.data = file.getvalue()
        self.uids = (study, series, str(self.data_set.SOPInstanceUID))

        def elsewhere(element: pydicom.DataElement) -> str:
            return f"{base}{self.path}/bulk/{int(element.tag):08x}"

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some of these objects have UIDs that are none
            self.metadata = self.data_set.to_json_dict(
                bulk_data_threshold=64, bulk_data_element_handler=elsewhere, suppress_invalid_tags=True
            )

    @property
    def path(self) -> str:
        """Below the service's address."""
        return "/studies/{}/series/{}/instances/{}".format(*self.uids)

    def frames(self) -> list[bytes]:
        """The bytes of each frame, as they are coded."""
        count = int(self.data_set.get("NumberOfFrames", 1))
        data = self.data_set.PixelData
        if self.data_set.file_meta.TransferSyntaxUID.is_compressed:
            return list(generate_frames(data, number_of_frames=count))
        size = len(data) // count
        return [data[i * size : (i + 1) * size] for i in range(count)]

    def rendered(self, frame: int, kind: str, query: dict[str, str]) -> bytes:
        with fastdcm.open(self.data) as image:
            options = {"window": tuple(query["window"].split(",")[:2])} if "window" in query else {}
            return image.encode(frame - 1, kind.removeprefix("image/"), **options)


class Archive(ThreadingHTTPServer):
    """The server; a context manager. ``url`` is the service's address."""

    daemon_threads = True
    #: What it has: rendered resources, frames, metadata, searches, instances in one part, ranges of these.
    renders = gives_frames = gives_metadata = searches = gives_single = gives_ranges = True
    #: How many results of a search come at once at most; whether offset and limit are known.
    page, pages = 1000, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: list[Object] = []
        self.requests: list[Asked] = []
        self.hooks: dict[str, Callable[[_Handler], object]] = {}
        self.url = f"http://127.0.0.1:{self.server_port}{ROOT}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def add(self, name: str, study: str = "1.2.3", series: str = "1.2.3.4", *, times: int = 1) -> Object:
        """Have a file of pydicom's, with so many times its rows."""
        self.objects.append(Object(name, self.url, study, series, times))
        return self.objects[-1]

    def paths(self, pattern: str = "") -> list[str]:
        """What was asked for, in order, below the service's address."""
        return [asked.path for asked in self.requests if re.search(pattern, asked.path)]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went is no error of the test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Archive

    def log_message(self, *arguments: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.place = parts.path.removeprefix(ROOT)
        self.server.requests.append(
            Asked(self.place, self.query, {k.lower(): v for k, v in self.headers.items()})
        )
        for pattern, hook in list(self.server.hooks.items()):
            if re.search(pattern, self.path):
                hook(self)
                return
        self.usual()

    def usual(self) -> None:
        """What a server should answer."""
        if self.place == "/wado":
            self._wado()
        elif found := re.fullmatch(
            r"(/studies/[^/]+)?(/series/[^/]+)?/(studies|series|instances)", self.place
        ):
            self._search(found[1] or "", found[2] or "", found[3])
        elif found := re.fullmatch(r"(.*/(?:studies|series|instances)/[^/]+)(/.*)?", self.place):
            self._resource(found[1], found[2] or "")
        else:
            self.send(404, "text/plain", b"no such resource")

    def _objects(self, prefix: str) -> list[Object]:
        return [one for one in self.server.objects if f"{one.path}/".startswith(f"{prefix}/")]

    def _resource(self, prefix: str, rest: str) -> None:
        server, objects = self.server, self._objects(prefix)
        if frames := re.match(r"(.*)(/frames/[0-9,]+(?:/.*)?)$", prefix + rest):
            prefix, rest = frames[1], frames[2]
            objects = self._objects(prefix)
        if not objects:
            self.send(404, "application/json", b'{"message": "no such object"}')
        elif rest == "/metadata" and server.gives_metadata:
            self.send_json([one.metadata for one in objects])
        elif rest.startswith("/bulk/"):
            tag = int(rest.removeprefix("/bulk/"), 16)
            values = [item for item in objects[0].data_set.iterall() if item.tag == tag]
            self.send_parts("application/octet-stream", [values[0].value])
        elif rest == "":
            self._instances(objects)
        elif (found := re.fullmatch(r"/frames/([0-9,]+)", rest)) and server.gives_frames:
            self._frames(objects[0], [*map(int, found[1].split(","))])
        elif (found := re.fullmatch(r"(?:/frames/([0-9]+))?/rendered", rest)) and server.renders:
            self._rendered(objects[0], int(found[1] or 1))
        else:
            self.send(404, "text/plain", b"no such resource")

    def _instances(self, objects: list[Object]) -> None:
        accept = self.headers["Accept"]
        if accept.startswith("multipart/related"):
            self.send_parts("application/dicom", [one.data for one in objects])
        elif not self.server.gives_single or len(objects) > 1:
            self.send(406, "text/plain", b"multipart/related alone")
        elif (
            found := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        ) and self.server.gives_ranges:
            data = objects[0].data
            part = data[int(found[1]) : int(found[2]) + 1]
            place = f"bytes {found[1]}-{int(found[1]) + len(part) - 1}/{len(data)}"
            self.send(206, "application/dicom", part, **{"Content-Range": place, "ETag": '"1"'})
        else:
            self.send(200, "application/dicom", objects[0].data)

    def _frames(self, one: Object, numbers: list[int]) -> None:
        frames = one.frames()
        if numbers[-1] > len(frames):
            self.send(404, "text/plain", b"no such frame")
            return
        syntax = one.data_set.file_meta.TransferSyntaxUID
        kind = f"application/octet-stream; transfer-syntax={syntax}"
        self.send_parts(kind, [frames[number - 1] for number in numbers])

    def _rendered(self, one: Object, frame: int) -> None:
        kind = self.headers["Accept"]
        if kind not in ("image/jpeg", "image/png"):
            self.send(406, "text/plain", b"image/jpeg, image/png")
        elif frame > int(one.data_set.get("NumberOfFrames", 1)):
            self.send(404, "text/plain", b"no such frame")
        else:
            self.send(200, kind, one.rendered(frame, kind, self.query))

    def _search(self, study: str, series: str, level: str) -> None:
        server = self.server
        if not server.searches:
            self.send(501, "text/plain", b"no searches")
            return
        if "limit" in self.query and not server.pages:
            self.send(400, "text/plain", b"limit is unknown")
            return
        found: dict[str, dict[str, Any]] = {}
        for one in self._objects(f"{study}{series}"):
            depth = ("studies", "series", "instances").index(level) + 1
            wanted = self.query.get("SOPInstanceUID", one.uids[2])
            if wanted == one.uids[2]:
                found.setdefault("/".join(one.uids[:depth]), _attributes(one, depth))
        begin = int(self.query.get("offset", 0))
        results = list(found.values())[begin:][: min(server.page, int(self.query.get("limit", server.page)))]
        if results:
            self.send_json(results)
        else:
            self.send(204)

    def _wado(self) -> None:
        one = next((one for one in self.server.objects if one.uids[2] == self.query["objectUID"]), None)
        if one is None:
            self.send(404, "text/plain", b"no such object")
        elif self.query["contentType"] == "application/dicom":
            self.send(200, "application/dicom", one.data)
        elif self.server.renders:
            kind = self.query["contentType"]
            self.send(200, kind, one.rendered(int(self.query.get("frameNumber", 1)), kind, {}))
        else:
            self.send(400, "text/plain", b"contentType")

    def send(self, status: int, kind: str = "", body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, document: Any) -> None:
        self.send(200, "application/dicom+json", json.dumps(document).encode())

    def send_parts(self, kind: str, bodies: list[bytes]) -> None:
        parts = [f"\r\n--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode() + body for body in bodies]
        body = b"".join(parts)[2:] + f"\r\n--{BOUNDARY}--\r\n".encode()
        self.send(200, f'multipart/related; type="{kind.partition(";")[0]}"; boundary={BOUNDARY}', body)

    def drop(self, data: bytes = b"") -> None:
        """Send these bytes as they are, and close the connection."""
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True


def pixels(png: bytes) -> tuple[str, tuple[int, ...], bytes]:
    """What a PNG shows: two processes may compress the same rows differently (with kernels, or without)."""
    values = imagecodecs.png_decode(png)
    return str(values.dtype), values.shape, values.tobytes()


def _attributes(one: Object, depth: int) -> dict[str, Any]:
    tags = ("0020000D", "0020000E", "00080018")[:depth]
    found: dict[str, Any] = {
        tag: {"vr": "UI", "Value": [uid]} for tag, uid in zip(tags, one.uids, strict=False)
    }
    if depth == 3:
        for keyword in ("NumberOfFrames", "Rows", "SOPClassUID"):
            if keyword in one.data_set:
                element = one.data_set[keyword]
                found[f"{element.tag:08X}"] = {"vr": element.VR, "Value": [element.value]}
    return found


Handler = _Handler
FILES = Path(PYDICOM_FILES)
