"""Who may ask, from where, for what: nothing outside the folder, nothing without a token, no data in logs."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from fastdcm.errors import OptionError
from fastdcm.options.serve import ServeOptions, is_loopback
from fastdcm.system import open_beneath
from tests.serve.conftest import CT, SLICES, STUDY, URL, Served, ct_slice, running, wait_for

_TOKEN = "a-long-secret"


def _raw(url: str, request: bytes) -> bytes:
    """What a server says to bytes as they are: a client would mend the path."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/page/../../../../../etc/passwd",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
        "/page//etc/passwd",
        "/studies/../../../../etc/passwd",
        "/studies/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/studies/..%2f..%2fetc%2fpasswd/rendered",
        f"/studies/{STUDY}/series/{CT}/instances/..%2f..%2f..%2fREADME.txt",
        f"/studies/{STUDY}/series/{CT}/instances/README.txt",
        "/studies/%00/rendered",
        "//etc/passwd",
        "http://example.org/etc/passwd",
    ],
)
def test_no_path_leads_out(served: Served, path: str) -> None:
    answer = _raw(served.url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert re.match(rb"HTTP/1.1 40[04] ", answer), answer[:200]
    assert b"root:" not in answer
    assert b"import" not in answer


@pytest.mark.parametrize(
    "path", ["../outside", "a/../../outside", "/etc/passwd", "", "a//b", "./inside", "a/\0", "."]
)
def test_only_plain_paths_are_opened(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder" / "a").mkdir(parents=True)
    (tmp_path / "outside").touch()
    (tmp_path / "folder" / "inside").touch()
    with pytest.raises(OSError, match=r".+"):
        os.close(open_beneath(str(tmp_path / "folder"), path))
    os.close(open_beneath(str(tmp_path / "folder"), "inside"))


def test_no_link_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_bytes(b"x")
    (tmp_path / "secret").write_bytes(b"s")
    (folder / "to-file").symlink_to(tmp_path / "secret")
    (folder / "to-folder").symlink_to(tmp_path)
    (folder / "within").symlink_to(folder / "deep")
    os.mkfifo(folder / "pipe")
    for path in ("to-file", "to-folder/secret", "within/file", "pipe", "deep"):
        with pytest.raises(OSError, match=r".+"):
            os.close(open_beneath(str(folder), path))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for path in ("to-file", "pipe", "deep/none"):
        with pytest.raises(OSError, match=r".+"):
            open_beneath(str(folder), path)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_becomes_a_link_is_not_served(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.dcm").write_bytes(ct_slice(1))
    (tmp_path / "secret.dcm").write_bytes(ct_slice(1))
    with running(folder, tmp_path / "index.sqlite", "--rescan", "0") as served, served.client() as client:
        (folder / "1.dcm").unlink()
        (folder / "1.dcm").symlink_to(tmp_path / "secret.dcm")
        place = f"/studies/{STUDY}/series/{CT}/instances/{SLICES[0]}"
        for path in (place, f"{place}/rendered", f"{place}/metadata", f"{place}/frames/1"):
            response = client.get(path)
            assert response.status_code in (406, 410), path
            assert b"DICM" not in response.content


# Tokens and addresses


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> object:
    place = tmp_path_factory.mktemp("guarded")
    (place / "folder").mkdir()
    (place / "folder" / "1.dcm").write_bytes(ct_slice(1))
    (place / "token").write_text(f"{_TOKEN}\n", encoding="ascii")
    options = ("--token-file", str(place / "token"), "--host", "0.0.0.0")
    with running(place / "folder", place / "index.sqlite", *options) as served:
        yield served._replace(url=served.url.replace("0.0.0.0", "127.0.0.1"))


def _basic(password: str) -> str:
    return "Basic " + b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        (f"Bearer {_TOKEN}", 200),
        (f"bearer {_TOKEN}", 200),
        (_basic(_TOKEN), 200),
        (f"Bearer {_TOKEN}x", 401),
        (f"Bearer {_TOKEN[:-1]}", 401),
        ("Bearer", 401),
        (_TOKEN, 401),
        (_basic("wrong"), 401),
        ("Basic !!!", 401),
        (f"Digest {_TOKEN}", 401),
    ],
)
def test_tokens(guarded: Served, authorization: str | None, status: int) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with guarded.client(**headers) as client:
        for path in ("/studies", URL.ct, f"{URL.ct}/rendered", "/metrics", "/", "/nothing"):
            response = client.get(path)
            assert (response.status_code == 401) is (status == 401), path
            if status == 401:
                assert response.headers["www-authenticate"].startswith("Bearer")
                assert _TOKEN not in response.text
        assert client.get("/healthz").status_code == 200


def test_browsers_are_asked_for_a_password(guarded: Served) -> None:
    with guarded.client(Accept="text/html,*/*") as client:
        assert client.get("/").headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.9.10", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "localhost.evil")),
    ],
)
def test_other_addresses_want_a_token(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    if loopback:
        ServeOptions(host=host)
    else:
        with pytest.raises(OptionError, match="--token"):
            ServeOptions(host=host)
    ServeOptions(host=host, token=_TOKEN)
    ServeOptions(host=host, insecure=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", "0.0.0.0"],
        ["--token", "short"],
        ["--token", _TOKEN, "--token-file", "-"],
        ["--cors", "viewer.example"],
        ["--port", "70000"],
        ["--timeout", "0"],
        ["--url", "viewer"],
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "fastdcm", "serve", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=_TOKEN, timeout=60, check=False)
    assert done.returncode == 2
    assert _TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 200) for host in ("localhost", "localhost:8080", "127.0.0.1", "[::1]:80")),
        *((host, 403) for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost@evil")),
    ],
)
def test_a_page_whose_name_points_here_reads_nothing(served: Served, host: str, status: int) -> None:
    """DNS rebinding: without a token the name that was asked for must be this machine's."""
    answer = _raw(served.url, f"GET /studies HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]


def test_cors(served: Served, client: httpx.Client) -> None:
    allowed = client.get("/studies", headers={"Origin": "https://viewer.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://viewer.example"
    assert "Warning" in allowed.headers["access-control-expose-headers"]
    other = client.get("/studies", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    asked = {"Origin": "https://viewer.example", "Access-Control-Request-Method": "GET"}
    preflight = client.options(f"{URL.ct}/rendered", headers=asked)
    assert preflight.status_code == 204
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    asked["Origin"] = "https://evil.example"
    assert "access-control-allow-methods" not in client.options("/studies", headers=asked).headers


# Bounds


def test_long_targets_and_wrong_methods(client: httpx.Client) -> None:
    assert client.get("/studies?PatientID=" + "a" * 20_000).status_code == 414
    assert client.patch("/studies").status_code == 405
    assert client.put(f"{URL.ct}/rendered", content=b"x").status_code == 405
    assert client.get("/nothing").status_code == 404


@pytest.mark.parametrize(
    "endless",
    [
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 40_000,
        b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000,
        b"GET /" + b"a" * 200_000,
    ],
)
def test_heads_are_bounded(served: Served, endless: bytes) -> None:
    host, _, port = served.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        answer = b""
        try:
            connection.sendall(endless)
            while part := connection.recv(65536):
                answer += part
        except ConnectionError:
            pass  # it was closed while there was more to send
    assert answer.startswith(b"HTTP/1.1 400 ") or not answer


def test_many_requests_of_one_connection(served: Served) -> None:
    """The bound is of each head, not of all that come over a connection."""
    one = f"GET {URL.ct}/rendered HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 1000}\r\n\r\n".encode()
    last = one.replace(b"X: x", b"Connection: close\r\nX: x")
    answer = _raw(served.url, one * 150 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 151


def test_the_log_and_the_figures_have_nothing_of_patients(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "Jörg-1.dcm").write_bytes(ct_slice(1))
    (folder / "Jörg-cut.dcm").write_bytes(ct_slice(2)[:-10])
    with running(folder, tmp_path / "index.sqlite", "-v") as served, served.client() as client:
        place = f"/studies/{STUDY}/series/{CT}/instances"
        assert client.get(f"{place}/{SLICES[0]}/rendered?window=1,2,linear").status_code == 200
        damaged = client.get(f"{place}/{SLICES[1]}/rendered")
        assert (damaged.status_code, "short" in damaged.text) == (406, True)
        assert "Jörg" not in damaged.text
        client.get("/studies?PatientName=M%C3%BCller*")
        client.get("/studies/1.2.3.nobody/series")
        figures = client.get("/metrics").text
    written = served.log.read_text(encoding="utf-8")
    assert "/rendered 200" in written
    for text in (figures, written):
        for secret in ("Jörg", "ller", STUDY, SLICES[0], "window=1", "nobody", str(folder)):
            assert secret not in text
    template = "/studies/{study}/series/{series}/instances/{instance}/rendered"
    assert f'fastdcm_requests_total{{method="GET",route="{template}",status="200"}} 1' in figures
    assert f'fastdcm_requests_total{{method="GET",route="{template}",status="406"}} 1' in figures


def test_figures_are_prometheus(client: httpx.Client) -> None:
    client.get(f"{URL.ct}/rendered")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    line = re.compile(r'(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? [0-9.e+]+)')
    lines = response.text.splitlines()
    assert all(line.fullmatch(one) for one in lines)
    names = {one.split()[2] for one in lines if one.startswith("# TYPE")}
    assert {"fastdcm_requests_total", "fastdcm_request_seconds", "fastdcm_cache_bytes"} <= names
    assert "fastdcm_index_studies 7" in lines
    route = "/studies/{study}/series/{series}/instances/{instance}/rendered"
    buckets = [one for one in lines if one.startswith(f'fastdcm_request_seconds_bucket{{route="{route}"')]
    counts = [int(one.split()[-1]) for one in buckets]
    assert counts == sorted(counts)
    assert buckets[-1].split('le="')[1].startswith("+Inf")
    assert f'fastdcm_request_seconds_count{{route="{route}"}} {counts[-1]}' in lines


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with running(tmp_path / "folder", tmp_path / "index.sqlite") as served:
        pids = _children(served.process.pid)
        assert len(pids) >= 2
    assert served.process.returncode in (0, -15)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        pytest.skip("no /proc here")
