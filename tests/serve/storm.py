"""``python -m tests.serve.storm [--requests N] [--connections N] [FOLDER]``: a server under a mixed load.

Starts ``fastdcm serve`` on FOLDER (pydicom's own files by default) and sends it requests over so many
connections at once, one in twenty of them hostile: cut, endless, malformed, out of the folder, dropped in
the middle of an answer. Says what was answered, how the memory of the server and its workers went, and ends
with 1 where an answer was a 5xx, a good request was not answered well, memory beside the kept pictures grew
in the last half, the server is not well at the end, or leaves a process behind.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benches.dicomweb import free_port
from tests.conftest import PYDICOM_FILES

_SECONDS = 30.0
#: By so much may memory be another one at the end than half way through: all objects have been open by then.
_FLAT_MIB = 16.0


class Storm:
    """The requests of one run."""

    def __init__(self, port: int, images: list[str], studies: list[str], seed: int) -> None:
        self._port, self._images, self._studies = port, images, studies
        self._random = random.Random(seed)
        self.answers: Counter[str] = Counter()
        self.bad: list[str] = []

    async def good(self) -> None:
        """A request as viewers send them; anything but an answer of its kind is an error of the server."""
        pick = self._random
        image = pick.choice(self._images)
        path, accept, fine = pick.choice(
            [
                (f"{image}/rendered", "image/jpeg", {200}),
                (f"{image}/rendered", "image/png", {200}),
                (f"{image}/rendered?viewport={pick.randint(16, 300)},256", "image/jpeg", {200}),
                (f"{image}/rendered?window={pick.randint(0, 200)},400,linear", "image/jpeg", {200}),
                (f"{image}/thumbnail", "image/jpeg", {200}),
                (f"{image}/metadata", "application/dicom+json", {200}),
                (image, 'multipart/related; type="application/dicom"', {200}),
                (f"{image}/frames/1", 'multipart/related; type="application/octet-stream"', {200, 406}),
                (f"{pick.choice(self._studies)}/series", "application/dicom+json", {200, 204}),
                ("/studies?limit=5", "application/dicom+json", {200, 204}),
                ("/healthz", "*/*", {200}),
            ]
        )
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n"
        status, _ = await self._ask(head.encode())
        self._count(f"good {status}", path, status not in fine)

    async def hostile(self) -> None:
        """What no viewer sends: refused, or the connection ends; never an error of the server's own."""
        pick = self._random
        image = pick.choice(self._images)
        kind = pick.choice(
            [self._wrong_words, self._wrong_words, self._dropped, self._cut, self._slow, self._garbage]
        )
        name = kind.__name__.strip("_")
        try:
            status = await kind(image)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            status = 0
        self._count(f"{name} {status or 'ended'}", name, status >= 500)

    async def _wrong_words(self, image: str) -> int:
        path = self._random.choice(
            [
                f"{image}/rendered?window=1,2",
                f"{image}/rendered?window=nan,inf,linear",
                f"{image}/rendered?viewport=1000000000,1000000000",
                f"{image}/rendered?viewport=-1,0",
                f"{image}/rendered?quality=101",
                f"{image}/rendered?annotation=",
                f"{image}/frames/{'9' * 400}/rendered",
                f"{image}/frames/{','.join(['1'] * 3000)}",
                "/studies/../../../../etc/passwd",
                "/studies/%2e%2e%2f%2e%2e%2fetc%2fpasswd/series",
                "/page/../../../../etc/passwd",
                "/page/%2e%2e/%2e%2e/app.py",
                "/studies/%00/series",
                f"/studies?PatientName={'*' * 5000}",
                "/studies?limit=-1",
                "/studies?limit=99999999999999999999",
                "/studies?StudyDate=20200101-20190101-",
                f"/studies?{'&'.join(f'{n:08X}=1' for n in range(300))}",
                "/" + "a" * 60_000,
            ]
        )
        verb = self._random.choice(["GET", "GET", "GET", "POST", "DELETE", "BREW"])
        accept = self._random.choice(["image/jpeg", "image/jxr", "*/*;q=x", ";;;,", "image/jpeg;q=0"])
        head = f"{verb} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n"
        body = b"Content-Length: 5\r\n\r\nhello" if verb == "POST" else b"\r\n"
        status, _ = await self._ask(head.encode() + body)
        return status

    async def _dropped(self, image: str) -> int:
        """Ask for an image, and be gone before the answer is read."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(
            f"GET {image}/rendered?window=1,{self._random.randint(2, 4000)},linear HTTP/1.1\r\n".encode()
        )
        writer.write(b"Host: localhost\r\nAccept: image/png\r\n\r\n")
        await writer.drain()
        if self._random.random() < 0.5:
            await reader.read(10)
        writer.transport.abort()
        return 0

    async def _cut(self, image: str) -> int:
        """Half a request."""
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"GET {image}/rendered HTTP/1.1\r\nHost:".encode())
        await writer.drain()
        writer.close()
        return 0

    async def _slow(self, image: str) -> int:
        """A header that comes a letter at a time."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        with contextlib.closing(writer):
            for letter in f"GET {image}/thumbnail HTTP/1.1\r\nHost: localhost\r\n":
                writer.write(letter.encode())
                await writer.drain()
                await asyncio.sleep(0.01)
            writer.write(b"\r\n")
            status, _ = await self._answer(reader)
            return status

    async def _garbage(self, image: str) -> int:
        """No HTTP at all, or headers without an end."""
        noise = self._random.choice(
            [
                self._random.randbytes(300),
                b"\x16\x03\x01\x02\x00" * 20,
                b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
            ]
        )
        status, _ = await self._ask(noise)
        return status

    def _count(self, answer: str, what: str, wrong: bool) -> None:
        self.answers[answer] += 1
        if wrong:
            self.bad.append(f"{answer}: {what}")

    async def _ask(self, request: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        with contextlib.closing(writer):
            writer.write(request)
            await writer.drain()
            return await self._answer(reader)

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        async with asyncio.timeout(_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            fields = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = b""
            if "content-length" in fields:
                body = await reader.readexactly(int(fields["content-length"]))
            elif fields.get("transfer-encoding") == "chunked":
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    body += await reader.readexactly(size)
                    await reader.readexactly(2)
                await reader.readuntil(b"\r\n")
            return int(first.split()[1]), body


async def rage(storm: Storm, requests: int, connections: int, watch: Callable[[int], None]) -> None:
    """Send so many requests, so many at a time."""
    left = iter(range(requests))

    async def client() -> None:
        for number in left:
            send: Callable[[], Awaitable[None]] = storm.hostile if number % 20 == 7 else storm.good
            await send()
            if number % (requests // 10) == 0:
                watch(number)

    await asyncio.gather(*(client() for _ in range(connections)))


def memory(pid: int) -> float:
    """What a process and those that it started hold, in MiB; shared pages count for each their part."""
    total = 0.0
    for each in [pid, *_below(pid)]:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) / 1024
    return total


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, tasks.read_text(encoding="ascii").split()):
                found += [child, *_below(child)]
    return found


def _runs(pid: int) -> bool:
    """Whether there is such a process; one that ended, and that nobody asked for yet, has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def _kept(port: int) -> float:
    """What the server keeps of pictures, in MiB; by its own figures."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        for line in answer.read().decode("ascii").splitlines():
            if line.startswith("fastdcm_cache_bytes "):
                return float(line.split()[1]) / (1 << 20)
    raise ValueError("the server tells no fastdcm_cache_bytes")


def _search(port: int, path: str) -> list[dict[str, Any]]:
    request = Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": "application/dicom+json"})
    with urlopen(request, timeout=60) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read() or b"[]")
        return found


def _renders(port: int, path: str) -> bool:
    """Whether there is an image; not every object has one."""
    with contextlib.suppress(OSError):
        request = Request(f"http://127.0.0.1:{port}{path}/rendered", headers={"Accept": "image/jpeg"})
        with urlopen(request, timeout=60) as answer:
            return bool(answer.status == 200)
    return False


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=PYDICOM_FILES)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    port = free_port()
    command = [sys.executable, "-m", "fastdcm", "serve", str(asked.folder), "--port", str(port)]
    # So little is kept of pictures that memory that grows is something else.
    command += ["--cache", "8"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if _search(port, "/studies"):
                    break
            time.sleep(0.2)
        time.sleep(2)  # until all of the folder is known
        found = _search(port, "/instances?limit=1000")
        studies = sorted({f"/studies/{one['0020000D']['Value'][0]}" for one in found})
        images = [
            f"/studies/{one['0020000D']['Value'][0]}/series/{one['0020000E']['Value'][0]}"
            f"/instances/{one['00080018']['Value'][0]}"
            for one in found
        ]
        images = [path for path in images if _renders(port, path)]
        print(f"{len(images)} instances with images, {len(studies)} studies")
        storm = Storm(port, images, studies, asked.seed)
        start = time.monotonic()
        held: dict[int, float] = {}

        def watch(number: int) -> None:
            whole, kept = memory(server.pid), _kept(port)
            held[number] = whole - kept
            print(
                f"{time.monotonic() - start:7.1f} s  {number:6} requests  {whole:7.1f} MiB,"
                f" {kept:6.1f} of them kept pictures, {whole - kept:6.1f} beside",
                flush=True,
            )

        asyncio.run(rage(storm, asked.requests, asked.connections, watch))
        time.sleep(1)
        watch(asked.requests)
        for answer, count in sorted(storm.answers.items()):
            print(f"{count:7}  {answer}")
        print("\n".join(storm.bad[:20]))
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            well = answer.status == 200 and server.poll() is None
        half = min(number for number in held if 2 * number >= asked.requests)
        growth = held[asked.requests] - held[half]
        below = _below(server.pid)
        server.terminate()
        server.wait()
        time.sleep(1)
        left = [child for child in below if _runs(child)]
        print("healthy" if well else "not healthy", f"({len(storm.bad)} bad answers)")
        print(f"memory beside kept pictures grew by {growth:.1f} MiB since request {half}")
        print(f"{len(left)} of {len(below)} processes left behind")
        return 0 if well and not storm.bad and growth <= _FLAT_MIB and not left else 1
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
