"""``python -m tests.scaling.sources [--files N] [--jobs N] [--repeat N]``: the same files from all sources.

Copies real files (the corpus, where there is one, else pydicom's) into a folder, packs it in all ways,
converts each of them a few times, and prints a table: whether the images are the folder's, bytes of the
source, images a second of the best run. Ends with 1 where images differ.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import zstandard

from tests.conftest import CORPUS, PYDICOM_FILES, ROOT
from tests.resume.kills import digests


def make_inputs(folder: Path, count: int) -> None:
    """So many copies of real files in nested folders."""
    found = sorted((CORPUS / "files").glob("*.dcm")) or sorted(PYDICOM_FILES.glob("*.dcm"))
    for number in range(count):
        path = folder / f"{number % 7}" / f"{number % 3}" / f"{number:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found[number % len(found)], path)


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _zip(folder: Path, path: Path, method: int) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in _files(folder):
            archive.write(folder / name, name)


def _tar(folder: Path, path: Path) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name in _files(folder):
            archive.add(folder / name, name)


def _zst(folder: Path, path: Path) -> None:
    plain = path.with_name("for-zst.tar")
    _tar(folder, plain)
    path.write_bytes(zstandard.compress(plain.read_bytes()))
    plain.unlink()


def _list(folder: Path, path: Path) -> None:
    path.write_text("".join(f"in/{name}\n" for name in _files(folder)))


#: What is named, how it is made, and where below the output its images are.
SOURCES: tuple[tuple[str, Callable[[Path, Path], None] | None, str], ...] = (
    ("in", None, ""),
    ("stored.zip", lambda folder, path: _zip(folder, path, zipfile.ZIP_STORED), ""),
    ("deflated.zip", lambda folder, path: _zip(folder, path, zipfile.ZIP_DEFLATED), ""),
    ("plain.tar", _tar, ""),
    ("packed.tar.gz", _tar, ""),
    ("packed.tar.zst", _zst, ""),
    ("@list.txt", lambda folder, path: _list(folder, path.with_name("list.txt")), "in"),
)


def convert(place: Path, source: str, jobs: int) -> tuple[float, dict[str, str]]:
    """Seconds, and the images by their paths."""
    shutil.rmtree(place / "out", ignore_errors=True)
    command = [sys.executable, "-m", "fastdcm", "convert", source, "-o", "out", "-j", str(jobs), "--quiet"]
    command += ["--decoder", "library"]  # lossy JPEG 2000 would depend on how much work there is
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=place, check=False, env=environment, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start, digests(place / "out")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    equal = True
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        make_inputs(place / "in", asked.files)
        for source, make, _ in SOURCES:
            if make is not None:
                make(place / "in", place / source)
        _, expected = convert(place, "in", asked.jobs)
        best: dict[str, float] = {}
        for _ in range(asked.repeat):
            for source, _, below in SOURCES:
                seconds, found = convert(place, source, asked.jobs)
                prefix = below + os.sep if below else ""
                equal &= found == {prefix + path: digest for path, digest in expected.items()}
                best[source] = min(seconds, best.get(source, seconds))
        for source, _, _ in SOURCES:
            path = place / source.lstrip("@")
            files = [path / name for name in _files(path)] if path.is_dir() else [path]
            size = sum(file.stat().st_size for file in files)
            print(f"{source:16} {size / 1e6:8.1f} MB {len(expected) / best[source]:8.0f} images/s")
    print(f"{asked.files} files, {len(expected)} images, " + ("all equal" if equal else "which DIFFER"))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
