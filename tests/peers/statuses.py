"""``python -m tests.peers.statuses``: requests of `tests.serve.rendered_rows`, to our server and Orthanc.

Both have the same objects. Prints a row a request, as Markdown: what PS3.18 wants, what each server answers,
and in which it deviates. The status is 1 where ours does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.conftest import find_tool
from tests.dicomweb.orthanc import Orthanc
from tests.serve.conftest import STUDY, fill, running
from tests.serve.rendered_rows import ROWS, Row

#: A server whose connection broke off has ended, or will have after so long.
_DYING_SECONDS = 3.0


def answer(client: httpx.Client, row: Row) -> tuple[int, str]:
    """Status and media type; 0 where the connection breaks off without an answer."""
    # httpx asks for anything where there is no header.
    headers = {} if row.accept is None else {"Accept": row.accept}
    request = client.build_request(
        "GET", f"{row.path}?{row.query}" if row.query else row.path, headers=headers
    )
    if row.accept is None:
        del request.headers["Accept"]
    try:
        response = client.send(request)
    except httpx.HTTPError as error:
        return 0, type(error).__name__
    return response.status_code, response.headers.get("content-type", "").partition(";")[0]


def answer_of(server: Orthanc, client: httpx.Client, row: Row) -> tuple[int, str]:
    """The same; there are requests that end Orthanc, which is started again then."""
    found = answer(client, row)
    deadline = time.monotonic() + _DYING_SECONDS
    while found[0] == 0 and time.monotonic() < deadline:
        if not server.is_alive:
            server.start()
            return 0, "(it ended)"
        time.sleep(0.05)
    return found


def deviates(row: Row, found: tuple[int, str]) -> bool:
    """Whether an answer is another one than PS3.18 wants; what an error is written in, it leaves open."""
    status, media_type = found
    return status != row.status or (status == 200 and media_type != row.media_type)


def main() -> int:
    """Ask both, row by row."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "folder")
        folder.mkdir()
        fill(folder)
        program = find_tool("Orthanc")
        if program is None:
            sys.exit("Orthanc is not installed: apt install orthanc orthanc-dicomweb orthanc-gdcm")
        index = Path(place, "index.sqlite")
        with running(folder, index, "--rescan", "0") as ours, Orthanc(program) as theirs:
            for path in sorted(folder.rglob("*.dcm")):
                if not theirs.store(path.read_bytes()):
                    print(f"Orthanc does not take {path.name}")
            with ours.client() as our, httpx.Client(base_url=theirs.url, timeout=60) as their:
                answers = [(row, answer(our, row), answer_of(theirs, their, row)) for row in ROWS]
    print("| resource | query | Accept | PS3.18 | fastdcm | Orthanc | deviates |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    counts = [0, 0]
    for row, *both in answers:
        wanted = f"{row.status} {row.media_type}" if row.status == 200 else str(row.status)
        which = [deviates(row, found) for found in both]
        counts = [count + one for count, one in zip(counts, which, strict=True)]
        names = [name for name, one in zip(("fastdcm", "Orthanc"), which, strict=True) if one]
        resource = row.path.replace(STUDY, "S")
        words = [f"{status} {kind}" for status, kind in both]
        cells = [resource, row.query, row.accept or "", wanted, *words, ", ".join(names)]
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    print(f"\n{len(answers)} requests: fastdcm deviates in {counts[0]}, Orthanc in {counts[1]}.")
    return 1 if counts[0] else 0


if __name__ == "__main__":
    sys.exit(main())
