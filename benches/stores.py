"""``python -m benches.stores [--files N] [--rounds N] [--data DIR]``: the same files from a folder, HTTP, a
store.

CT slices, or the first files of a folder, are converted by one worker from a folder, from a server of HTTP,
and from a server that speaks as S3 does (moto), and into that. Printed are images a second, how many bytes
came of those there are, and whether all images are the same. Both servers are Python and share the cores with
what they serve, so that the numbers tell what this program costs, not what a network gives.

With ``--libraries`` the objects are fetched without converting them: by obstore, and by s3fs where that is
installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import fastdcm
from benches import corpus

_ROOT = Path(__file__).parents[1]
_SERVERS = """
import sys, threading, time
from tests.remote.web import FileServer
from moto.server import ThreadedMotoServer
import logging, pathlib
logging.getLogger("werkzeug").setLevel(logging.ERROR)
web = FileServer().__enter__()
web.files = {path.name: path.read_bytes() for path in pathlib.Path(sys.argv[1]).iterdir()}
store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
store.start()
print(web.url, "http://%s:%s" % store.get_host_and_port(), flush=True)
for line in sys.stdin:
    print(web.given, len(web.requests), flush=True)
    web.requests.clear()
"""


def inputs(place: Path, files: int, data: Path | None) -> Path:
    """A folder of so many files, all directly in it."""
    folder = place / "in"
    if data is not None:
        folder.mkdir()
        found = sorted(path for path in data.rglob("*") if path.is_file() and path.stat().st_size < 32 << 20)
        for number in range(files):
            corpus.link(str(found[number % len(found)]), str(folder / f"{number:04}.dcm"))
        return folder
    (case,) = corpus.make(place / "cases", quick=False, only=["ct-native"])
    return Path(case.of(files))


def packed(place: Path, folder: Path) -> tuple[Path, Path]:
    """The files in a ZIP, deflated, and in a TAR."""
    with (
        zipfile.ZipFile(place / "in.zip", "w", zipfile.ZIP_DEFLATED) as zipped,
        tarfile.open(place / "in.tar", "w") as tarred,
    ):
        for path in sorted(folder.iterdir()):
            zipped.write(path, path.name)
            tarred.add(path, path.name)
    return place / "in.zip", place / "in.tar"


def digests(folder: Path) -> dict[str, str]:
    """Each image of a folder, by its name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def used() -> float:
    """Seconds of all cores that this process has had, with those of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(found.ru_utime + found.ru_stime for found in both)


def measured(
    convert: Callable[[Path], fastdcm.Report], place: Path, rounds: int
) -> tuple[float, float, int, Path]:
    """Images a second, and seconds of a core each, the medians; bytes that were read; the images' folder."""
    rates, cores = [], []
    for number in range(rounds):
        output = place / f"out-{time.time_ns()}"
        start, before = time.perf_counter(), used()
        report = convert(output)
        rates.append(report.images / (time.perf_counter() - start))
        cores.append((used() - before) / report.images)
        if number + 1 < rounds:
            shutil.rmtree(output, ignore_errors=True)
    return statistics.median(rates), statistics.median(cores), report.bytes_read, output


def put_bucket(endpoint: str, folder: Path) -> str:
    """The address of a bucket that has the files."""
    from fastdcm.sources.stores import store_of

    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bench", method="PUT"), timeout=60).close()
    store, _ = store_of("s3://bench")
    for path in sorted(folder.iterdir()):
        store.put(f"in/{path.name}", path.read_bytes(), {}, replace=True)
    return "s3://bench/in"


def libraries(address: str, endpoint: str, names: list[str], rounds: int) -> dict[str, float]:
    """Objects a second of each library, with 16 requests at once."""
    from fastdcm.sources.stores import store_of

    store, prefix = store_of(address)

    def by_obstore() -> None:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda name: store.whole(f"{prefix}/{name}"), names))

    fetching: dict[str, Callable[[], Any]] = {"obstore": by_obstore}
    with suppress(ImportError):
        import s3fs

        system = s3fs.S3FileSystem(endpoint_url=endpoint, default_cache_type="none")
        paths = [f"bench/in/{name}" for name in names]
        fetching["s3fs"] = lambda: system.cat(paths, batch_size=16)
    rates: dict[str, list[float]] = {name: [] for name in fetching}
    for _ in range(rounds):
        for name, fetch in fetching.items():
            start, cpu = time.perf_counter(), time.process_time()
            fetch()
            rates[name].append(len(names) / (time.perf_counter() - start))
            print(
                f"  {name}: {(time.process_time() - cpu) / len(names) * 1e6:.0f} µs of this process an object"
            )
    return {name: statistics.median(found) for name, found in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--libraries", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder = inputs(place, asked.files, asked.data)
        names = sorted(os.listdir(folder))
        there = sum(path.stat().st_size for path in folder.iterdir())
        servers = subprocess.Popen(
            [sys.executable, "-c", _SERVERS, str(folder)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert servers.stdout is not None
        try:
            web, endpoint = servers.stdout.readline().split()
            os.environ |= {
                "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_REGION": "us-east-1",
            }  # fmt: skip
            bucket = put_bucket(endpoint, folder)
            if asked.libraries:
                for library, rate in libraries(bucket, endpoint, names, asked.rounds).items():
                    print(f"{library}: {rate:.0f} objects/s, {rate * there / len(names) / 1e6:.0f} MB/s")
                return
            urls = [f"{web}/{name}" for name in names]
            archives = packed(place, folder)
            ways: dict[str, Callable[[Path], fastdcm.Report]] = {
                "folder": lambda output: fastdcm.convert(folder, output, jobs=asked.jobs),
                "ZIP": lambda output: fastdcm.convert(archives[0], output, jobs=asked.jobs),
                "TAR": lambda output: fastdcm.convert(archives[1], output, jobs=asked.jobs),
                "HTTP": lambda output: fastdcm.convert(urls, output, jobs=asked.jobs),
                "S3": lambda output: fastdcm.convert(bucket, output, jobs=asked.jobs),
            }
            found, whole = {}, None
            for way, convert in ways.items():
                rate, core, read, output = measured(convert, place, asked.rounds)
                images = digests(output)
                whole = whole or images
                found[way] = {"images/s": round(rate, 1), "bytes": read, "same": images == whole}
                print(
                    f"{way}: {rate:.0f} images/s, {1e3 * core:.2f} ms of a core each, "
                    f"{read:,} of {there:,} bytes, same images: {images == whole}"
                )
            start, before = time.perf_counter(), used()
            report = fastdcm.convert(bucket, "s3://bench/out", jobs=asked.jobs)
            rate, core = report.images / (time.perf_counter() - start), (used() - before) / report.images
            print(
                f"S3 to S3: {rate:.0f} images/s, {1e3 * core:.2f} ms of a core each, {report.images} images, "
                f"{report.failure_count} failures"
            )
            if asked.json:
                asked.json.write_text(json.dumps(found, indent=1))
        finally:
            servers.terminate()
            servers.wait()


if __name__ == "__main__":
    main()
