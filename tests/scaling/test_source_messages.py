"""What is said of sources that are not read: what they are, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import PYDICOM_FILES, ROOT

CASES = [
    ("convert ftp://server/a.dcm -o out", "ftp://server/a.dcm: ftp:// is not supported; sources are"),
    ("convert @ftp.txt -o out", "ftp://server/a.dcm: ftp:// is not supported"),
    ("info ftp://server/a.dcm", "ftp:// is not supported"),
    ("convert a.tar.bz2 -o out", "an archive of a kind that is not read"),
    ("convert a.tar.xz -o out", "unpack it"),
    ("info a.tar.xz", "unpack it"),
    ("info a.zip", "is an archive: name a member, as a.zip!MEMBER"),
    ("convert a.tar.gz --flat -o out", "leave --flat and --dask out"),
    ("convert @archive.txt --flat -o out", "leave --flat and --dask out"),
    ("convert @archive.txt --dask local -o out", "leave --flat and --dask out"),
    (
        "convert @member.txt -o out",
        "a.tar.gz!a.dcm: each member of a packed archive takes all that is before it",
    ),
    ("convert @a.zip -o out", "a.zip: is an archive, and no list of names: leave the @ out"),
    ("convert @a.tar.gz -o out", "is an archive, and no list"),
    ("convert @a.tar -o out", "is an archive, and no list"),
    ("convert @binary -o out", "binary: is no list of names"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("messages")
    (folder / "a.dcm").write_bytes((PYDICOM_FILES / "CT_small.dcm").read_bytes())
    for kind in ("", "gz", "bz2", "xz"):
        path = folder / ("a.tar" + (f".{kind}" if kind else ""))
        with tarfile.open(str(path), f"w:{kind}") as archive:  # type: ignore[call-overload]
            archive.add(folder / "a.dcm", "a.dcm")
    with zipfile.ZipFile(folder / "a.zip", "w") as zipped:
        zipped.write(folder / "a.dcm", "a.dcm")
    (folder / "ftp.txt").write_text("ftp://server/a.dcm\n")
    (folder / "archive.txt").write_text("a.tar.gz\n")
    (folder / "member.txt").write_text("a.tar.gz!a.dcm\n")
    (folder / "binary").write_bytes(bytes(range(256)))
    return folder


@pytest.mark.parametrize(("command", "words"), CASES, ids=[command for command, _ in CASES])
def test_one_line_says_what_to_do(command: str, words: str, place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fastdcm", *command.split()],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    told = [line for line in (done.stdout + done.stderr).splitlines() if words in line]
    assert len(told) == 1, done.stdout + done.stderr
    assert done.stderr.count("failed:") <= 1
    assert not (place / "out").exists()
