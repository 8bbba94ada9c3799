"""``python -m benches.dicomweb [--rounds N] [--only WORDS] [--json FILE]``: two servers, side by side.

fastdcm and Orthanc, with its DICOMweb and GDCM plug-ins, have the same instances and are asked for their
images (``/rendered``) in turn, by h2load over HTTP/1.1, with 1 and with 8 connections. *Cold* are instances
that nobody has asked for before, each once; *cached* the same again. Printed are requests a second and the
times of requests, medians of the rounds. Kernels are compiled before, as ``fastdcm warmup`` does: the server
compiles none.
Needs ``nghttp2-client`` and ``orthanc orthanc-dicomweb orthanc-gdcm`` of Debian, and the extra ``web``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import generate_uid

from benches.__main__ import temporary_place
from benches.corpus import Case, load
from benches.measure.children import ROOT
from benches.peers import find_command
from benches.peers.orthanc import configuration

CONNECTIONS = (1, 8)
_PLUGINS = Path("/usr/share/orthanc/plugins")
_STUDY = generate_uid(entropy_srcs=["benches.dicomweb"])
#: Requests before anything is measured, so that processes are started and kernels loaded.
_WARM_UP = 8


@dataclass(frozen=True)
class Question:
    """What is asked: of which images, with which parameters, and of how many a connection at least."""

    label: str
    case: str
    query: str
    instances: int


QUESTIONS = (
    Question("CT 512 x 512, native", "ct-native", "", 64),
    Question("CR 3.1 MP, native", "cr-native", "", 16),
    Question("CR 3.1 MP, JPEG 2000", "cr-jpeg-2000-lossless", "", 12),
    Question("CR 3.1 MP, JPEG 2000, viewport 440,440", "cr-jpeg-2000-lossless", "?viewport=440,440", 12),
)


@dataclass(frozen=True)
class Run:
    """One turn: requests a second, and the times of requests in milliseconds."""

    rate: float
    p50: float
    p99: float


class Server:
    """A server that runs; ``root`` is where its DICOMweb begins."""

    def __init__(self, name: str, command: list[str], port: int, root: str, folder: Path) -> None:
        self.name, self.root = name, f"http://127.0.0.1:{port}{root}"
        self._log = (folder / f"{name}.log").open("wb")
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=self._log, stderr=subprocess.STDOUT)

    def wait_for(self, instances: int) -> None:
        """Until it knows of so many instances."""
        url = f"{self.root}/studies/{_STUDY}/instances?limit=100000"
        for _ in range(1200):
            with contextlib.suppress(urllib.error.URLError, ConnectionError, ValueError):
                request = urllib.request.Request(url, headers={"Accept": "application/dicom+json"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    if len(json.load(answer)) >= instances:
                        return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"{self.name} did not come up, see {self._log.name}")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def write_instances(case: Case, count: int, folder: Path) -> list[str]:
    """So many instances of a case, a series of their own; their paths below the DICOMweb root."""
    sources = sorted(Path(case.folder).iterdir())
    series = generate_uid()
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        dataset = pydicom.dcmread(sources[number % len(sources)])
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _STUDY, series
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.PatientID = dataset.PatientName = "BENCH"
        dataset.save_as(folder / f"{series}-{number:04}.dcm")
        paths.append(f"/studies/{_STUDY}/series/{series}/instances/{dataset.SOPInstanceUID}/rendered")
    return paths


def ask(server: Server, paths: list[str], query: str, connections: int, folder: Path) -> Run:
    """Ask for all of the paths, over so many connections at once, each for its share."""
    clients = []
    for number in range(connections):
        urls, log = folder / f"urls-{number}", folder / f"log-{number}"
        share = paths[number::connections]
        urls.write_text("".join(f"{server.root}{path}{query}\n" for path in share), encoding="ascii")
        log.unlink(missing_ok=True)
        command = ["h2load", "--h1", "-c1", "-t1", f"-n{len(share)}", f"-i{urls}", f"--log-file={log}"]
        clients.append((subprocess.Popen([*command, "-Haccept: image/jpeg"], stdout=subprocess.PIPE), log))
    begins, ends, times = [], [], []
    for client, log in clients:
        client.communicate()
        for line in log.read_text(encoding="ascii").splitlines():
            begin, status, took = map(int, line.split("\t"))
            if status != 200:
                sys.exit(f"{server.name} answered {status}")
            begins.append(begin)
            ends.append(begin + took)
            times.append(took / 1000)
    if len(times) != len(paths):
        sys.exit(f"{server.name} answered {len(times)} of {len(paths)} requests")
    # A percentile is a request's own time: of a hundred the 99th.
    times.sort()
    return Run(
        len(times) / (max(ends) - min(begins)) * 1e6,
        statistics.median(times),
        times[min(len(times) - 1, int(len(times) * 0.99))],
    )


@contextlib.contextmanager
def servers(data: Path, folder: Path) -> Iterator[list[Server]]:
    """Both, with all files of a folder."""
    port, other = free_port(), free_port()
    settings = folder / "orthanc.json"
    plugins = [str(_PLUGINS / f"libOrthanc{name}.so") for name in ("DicomWeb", "Gdcm")]
    settings.write_text(
        json.dumps(
            configuration(other, str(folder / "storage"))
            | {"Plugins": plugins, "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}
        ),
        encoding="utf-8",
    )
    orthanc = find_command("Orthanc", "ORTHANC")
    if orthanc is None or shutil.which("h2load") is None:
        sys.exit("apt install orthanc orthanc-dicomweb orthanc-gdcm nghttp2-client")
    command = [sys.executable, "-m", "fastdcm", "serve", str(data), "--port", str(port)]
    command += ["--index", str(folder / "index.sqlite")]
    running = [Server("fastdcm", command, port, "", folder)]
    running.append(Server("Orthanc", [orthanc, str(settings)], other, "/dicom-web", folder))
    try:
        upload(data, other)
        for server in running:
            server.wait_for(len(list(data.iterdir())))
        yield running
    finally:
        for server in running:
            server.end()


def upload(data: Path, port: int) -> None:
    """Give Orthanc all files of a folder."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.1)
    for path in sorted(data.iterdir()):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/instances", data=path.read_bytes())
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()


def measure(rounds: int, questions: Sequence[Question], folder: Path) -> list[dict[str, Any]]:
    """Questions to both servers, cold and cached, with few and many connections."""
    place = folder / "cases"
    subprocess.run(
        [sys.executable, "-m", "fastdcm", "warmup"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    subprocess.run([sys.executable, "-W", "ignore", "-m", "benches.corpus", str(place)], cwd=ROOT, check=True)
    cases = {case.id: case for case in load(place)}
    data = folder / "data"
    plan: list[tuple[Question, int, list[list[str]]]] = []
    for question in questions:
        for connections in CONNECTIONS:
            count = question.instances * (2 if connections > 1 else 1)
            case = cases[question.case]
            plan.append((question, connections, [write_instances(case, count, data) for _ in range(rounds)]))
    warm = {question: write_instances(cases[question.case], _WARM_UP, data) for question in questions}
    shutil.rmtree(place)
    found = []
    with servers(data, folder) as running:
        for server in running:
            for question, paths in warm.items():
                ask(server, paths, question.query, 2, folder)
        for question, connections, sets in plan:
            turns: dict[tuple[str, str], list[Run]] = {}
            for paths in sets:
                for state in ("cold", "cached"):
                    for server in running:
                        run = ask(server, paths, question.query, connections, folder)
                        turns.setdefault((state, server.name), []).append(run)
            found += [row(question, connections, *key, runs) for key, runs in turns.items()]
    return found


def row(question: Question, connections: int, state: str, server: str, runs: list[Run]) -> dict[str, Any]:
    """The medians of some turns."""
    medians = {name: statistics.median(getattr(run, name) for run in runs) for name in ("rate", "p50", "p99")}
    return {
        "case": question.label,
        "connections": connections,
        "state": state,
        "server": server,
        "requests": question.instances * (2 if connections > 1 else 1),
        "rates": [run.rate for run in runs],
        **medians,
    }


def table(found: list[dict[str, Any]]) -> str:
    """As Markdown: a line a question, with the ratio of the servers in each round."""
    lines = [
        "| /rendered | connections | | fastdcm: requests/s, p50, p99 ms | Orthanc | ratio (spread) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for ours, theirs in zip(found[::2], found[1::2], strict=True):
        ratios = sorted(one / other for one, other in zip(ours["rates"], theirs["rates"], strict=True))
        figures = [f"{one['rate']:.0f}, {one['p50']:.1f}, {one['p99']:.1f}" for one in (ours, theirs)]
        ratio = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        lines.append(
            f"| {ours['case']} | {ours['connections']} | {ours['state']} | {' | '.join(figures)} | {ratio} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare fastdcm serve with Orthanc.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="questions that have this in their names")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    asked = parser.parse_args()
    questions = [question for question in QUESTIONS if asked.only in question.label]
    if not questions:
        parser.error(f"there are {', '.join(repr(question.label) for question in QUESTIONS)}")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    with tempfile.TemporaryDirectory(prefix="fastdcm-dicomweb-", dir=temporary_place()) as folder:
        found = measure(asked.rounds, questions, Path(folder))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
