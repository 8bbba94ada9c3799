"""What secrets of addresses get into: nothing that anybody sees, whatever becomes of the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PYDICOM_FILES, ROOT
from tests.remote.web import FileServer

SECRET = "geheim"
#: Arguments of the command, where SERVER is a server that has a.dcm and b/a.dcm, and words that are said.
CASES = [
    ("convert SERVER/a.dcm?sig=geheim SERVER/none.dcm?X-Amz-Signature=geheim -o out", "no such object"),
    ("convert SERVER/a.dcm?sig=geheim SERVER/b/a.dcm?sig=geheim -o out", "2 images"),
    ("convert SERVER/a.dcm?sig=geheim SERVER/a.dcm?sig=geheim -o out", ""),
    ("convert @twice.txt -o out -v", "named before"),
    ("convert @twice.txt", "-o"),
    ("convert SERVER/a.dcm?sig=geheim", "-o"),
    ("convert SERVER/a/?token=geheim SERVER/a/?token=geheim -o out", "would both go to"),
    ("convert SERVER/a/?token=geheim -o out", "one by one"),
    ("convert SERVER/a.zip?token=geheim -o out", "archives are read where they are files"),
    ("convert SERVER/a.dcm?key=geheim SERVER/out?key=geheim", ""),
    ("convert SERVER/a.dcm?key=geheim SERVER/b.dcm?key=geheim SERVER/out.jpg?key=geheim", ""),
    ("convert SERVER/a.dcm?key=geheim SERVER/a.dcm?key=geheim out.jpg", "can hold one image"),
    ("convert SERVER/a.dcm?key=geheim new", "holds nothing to convert"),
    ("convert --stdin SERVER/a.dcm?key=geheim -o out", "--stdin"),
    ("convert a.dcm -o SERVER/out?key=geheim", "not written by HTTP"),
    ("convert a.dcm -o SERVER/x.avi?key=geheim", "not written by HTTP"),
    ("convert SERVER/a.dcm?key=geheim -o out.avi", ".avi is not written"),
    ("convert SERVER/a.dcm?key=geheim -o a.dcm", "is a file"),
    ("convert SERVER/text?key=geheim -o out", "not a DICOM file"),
    ("convert SERVER/a.dcm?key=geheim -o out --manifest run.jsonl --metadata json", ""),
    ("convert https://user:geheim@[x/a.dcm -o out", "an address has a server"),
    ("convert s3://user:geheim@bucket/a.dcm -o out", "from the environment"),
    ("convert s3://bucket/a.dcm?secret_key=geheim -o out", "from the environment"),
    ("convert s3:///a.dcm?secret_key=geheim -o out", ""),
    ("convert ftp://user:geheim@server/a.dcm -o out", ""),
    ("convert file://user:geheim@server/a.dcm -o out", "of this machine"),
    ("info SERVER/a.dcm?key=geheim SERVER/none.dcm?key=geheim", "no such object"),
    ("info https://user:geheim@[x/a.dcm", "an address has a server"),
]


@pytest.mark.parametrize(("command", "words"), CASES, ids=[command for command, _ in CASES])
def test_secrets_are_not_told(command: str, words: str, web: FileServer, tmp_path: Path) -> None:
    data = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    web.files |= {"a.dcm": data, "b/a.dcm": data, "text": b"words" * 100}
    server = web.url.replace("://", f"://user:{SECRET}@")
    (tmp_path / "a.dcm").write_bytes(data)
    (tmp_path / "twice.txt").write_text(f"{server}/a.dcm?sig={SECRET}\n" * 2)
    arguments = command.replace("SERVER", server).split()
    done = subprocess.run(
        [sys.executable, "-m", "fastdcm", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="",
    )
    told = done.stdout + done.stderr
    assert words in told
    assert "Traceback" not in told
    assert SECRET not in told
    for path in tmp_path.rglob("*"):
        assert SECRET not in path.name
        if path.is_file() and path.suffix in (".jsonl", ".json"):
            assert SECRET not in path.read_text(), path
