"""``fastdcm get``: studies, series, instances and frames into a folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import fastdcm
from tests.dicomweb.archive import Archive, Handler, pixels

CT = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"


def get(*arguments: object, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """``fastdcm get ARGUMENTS``, which must end with a status."""
    command = [sys.executable, "-m", "fastdcm", "get", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == status, done.stderr + done.stdout
    return done


def files(folder: Path) -> list[str]:
    """What is in a folder, and below; nothing unfinished among it."""
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert not [name for name in found if "fastdcm-" in name]
    return found


@pytest.fixture
def study(archive: Archive) -> Archive:
    """A CT image, a dose of 15 frames in another series, and a report without pixels."""
    archive.add("CT_small.dcm")
    archive.add("rtdose.dcm", series="1.2.3.5")
    archive.add("reportsi.dcm", series="1.2.3.6")
    return archive


@pytest.mark.parametrize("view", ["", "/rendered"])
def test_a_study(study: Archive, tmp_path: Path, view: str) -> None:
    done = get(f"{study.url}/studies/1.2.3{view}", "-o", "out", "-j", "3", cwd=tmp_path)
    ct, dose, _ = study.objects
    frames = [f"1.2.3.5/{dose.uids[2]}_{frame:04d}.jpg" for frame in range(1, 16)]
    assert files(tmp_path / "out") == [f"1.2.3/{name}" for name in [f"1.2.3.4/{CT}.jpg", *frames]]
    written = (tmp_path / "out" / "1.2.3" / "1.2.3.4" / f"{CT}.jpg").read_bytes()
    assert written == ct.rendered(1, "jpeg", {})
    seventh = (tmp_path / "out" / "1.2.3" / frames[6]).read_bytes()
    assert seventh == dose.rendered(7, "jpeg", {})
    assert "16 images from 3 instances" in done.stdout
    assert "16 rendered by the server" in done.stdout
    assert "1 instance skipped: 1 it is no image" in done.stdout
    # A machine that is slow may have told how far it was.
    assert not re.search("failed|notice|skipped", done.stderr)


def test_a_series_that_no_search_finds(study: Archive, tmp_path: Path) -> None:
    study.searches = False
    get(f"{study.url}/studies/1.2.3/series/1.2.3.5", "-F", "png", "--frames", "2-3", cwd=tmp_path)
    uid = study.objects[1].uids[2]
    assert files(tmp_path) == [f"1.2.3/1.2.3.5/{uid}_0002.png", f"1.2.3/1.2.3.5/{uid}_0003.png"]
    assert study.paths("metadata") == ["/studies/1.2.3/series/1.2.3.5/metadata"]


def test_local_is_what_convert_gives(study: Archive, tmp_path: Path) -> None:
    done = get(f"{study.url}/studies/1.2.3", "-o", "out", "--local", "-F", "png", cwd=tmp_path)
    assert not study.paths("rendered")
    for one in study.objects[:2]:
        with fastdcm.open(one.data) as image:
            for index in range(len(image)):
                number = f"_{index + 1:04d}" if len(image) > 1 else ""
                path = tmp_path / "out" / one.uids[0] / one.uids[1] / f"{one.uids[2]}{number}.png"
                assert pixels(path.read_bytes()) == pixels(image.encode(index, "png"))
    assert "16 rendered here, from instances" in done.stdout
    assert len([path for path in study.paths() if path == study.objects[1].path]) == 1


def test_only_frames_that_are_wanted_come(study: Archive, tmp_path: Path) -> None:
    dose = study.objects[1]
    done = get(f"{study.url}{dose.path}/frames/3,9", "-o", "out", "--local", "-v", cwd=tmp_path)
    assert study.paths("frames") == [f"{dose.path}/frames/3,9"]
    assert dose.path not in study.paths()
    with fastdcm.open(dose.data) as image:
        for frame in (3, 9):
            path = tmp_path / "out" / "1.2.3" / "1.2.3.5" / f"{dose.uids[2]}_{frame:04d}.jpg"
            assert path.read_bytes() == image.encode(frame - 1)
    assert "2 rendered here, from frames" in done.stdout
    assert done.stderr.count("fetched: ") == 2


def test_a_run_goes_on_where_another_ended(study: Archive, tmp_path: Path) -> None:
    url = f"{study.url}/studies/1.2.3"
    get(url, "-o", "out", cwd=tmp_path)
    kept, gone = files(tmp_path / "out")[:2]
    (tmp_path / "out" / kept).write_bytes(b"kept")
    (tmp_path / "out" / gone).unlink()
    study.requests.clear()
    done = get(url, "-o", "out", cwd=tmp_path)
    assert len(study.paths("rendered")) == 1
    assert (tmp_path / "out" / kept).read_bytes() == b"kept"
    assert (tmp_path / "out" / gone).stat().st_size > 4
    assert "15 images were there already" in done.stdout
    get(url, "-o", "out", "--overwrite", cwd=tmp_path)
    assert (tmp_path / "out" / kept).read_bytes() != b"kept"


def test_one_image_under_a_name(study: Archive, tmp_path: Path) -> None:
    ct, dose, _ = study.objects
    get(f"{study.url}{ct.path}?window=40,400,linear", "-o", "a/b.png", cwd=tmp_path)
    assert (tmp_path / "a" / "b.png").read_bytes() == ct.rendered(1, "image/png", {"window": "40,400"})
    get(f"{study.url}{dose.path}", "-o", "first.jpg", cwd=tmp_path)
    assert (tmp_path / "first.jpg").read_bytes() == dose.rendered(1, "jpeg", {})
    get(f"{study.url}{dose.path}/frames/4", "-o", "fourth.jpg", cwd=tmp_path)
    assert (tmp_path / "fourth.jpg").read_bytes() == dose.rendered(4, "jpeg", {})
    done = get(f"{study.url}/studies/1.2.3", "-o", "all.jpg", cwd=tmp_path, status=2)
    assert "can hold one image" in done.stderr


def test_the_older_service(study: Archive, tmp_path: Path) -> None:
    ct, dose, _ = study.objects
    query = "requestType=WADO&studyUID={}&seriesUID={}&objectUID={}"
    url = f"{study.url}/wado?{query.format(*dose.uids)}&frameNumber=3&contentType=image/png"
    get(url, "-o", "out", "-q", "50", "-w", "1,2", cwd=tmp_path)
    (path,) = files(tmp_path / "out")
    assert path == f"1.2.3/1.2.3.5/{dose.uids[2]}_0003.png"
    assert study.requests[-1].query["contentType"] == "image/png"
    assert (study.requests[-1].query["windowWidth"], study.requests[-1].query["imageQuality"]) == ("2", "50")
    get(f"{study.url}/wado?{query.format(*ct.uids)}", "-o", "ct.png", "--local", cwd=tmp_path)
    with fastdcm.open(ct.data) as image:
        assert pixels((tmp_path / "ct.png").read_bytes()) == pixels(image.encode(0, "png"))
    assert study.requests[-1].query["contentType"] == "application/dicom"
    study.renders = False
    get(f"{study.url}/wado?{query.format(*ct.uids)}", "-o", "ct2.png", cwd=tmp_path)
    assert (tmp_path / "ct2.png").read_bytes() == (tmp_path / "ct.png").read_bytes()


def test_regions_of_the_older_service_are_for_servers(study: Archive, tmp_path: Path) -> None:
    query = "requestType=WADO&studyUID={}&seriesUID={}&objectUID={}&region=0,0,0.5,0.5"
    url = f"{study.url}/wado?{query.format(*study.objects[0].uids)}"
    done = get(url, "--local", cwd=tmp_path, status=1)
    assert "region of WADO-URI is not done here" in done.stderr
    get(url, "-o", "region.jpg", cwd=tmp_path)
    assert study.requests[-1].query["region"] == "0,0,0.5,0.5"


def test_a_thumbnail(study: Archive, tmp_path: Path) -> None:
    """Servers without them are many; it is small all the same."""
    large = study.add("MR_small.dcm", times=4)
    get(f"{study.url}{large.path}/thumbnail", "-o", "small.png", cwd=tmp_path)
    assert study.paths("thumbnail") == [f"{large.path}/thumbnail"]
    with fastdcm.open(large.data) as image:
        assert image.shape == (256, 64)
        small = image.encode(0, "png", size=(128, 128))
        assert pixels((tmp_path / "small.png").read_bytes()) == pixels(small)


def test_failures_are_named_and_the_rest_comes(study: Archive, tmp_path: Path) -> None:
    dose = study.objects[1]
    study.hooks["frames/7/rendered"] = lambda handler: handler.send(403)
    done = get(f"{study.url}/studies/1.2.3", f"{study.url}/studies/7", "-o", "out", cwd=tmp_path, status=1)
    assert len(files(tmp_path / "out")) == 15
    assert f"failed: {study.url}{dose.path}" in done.stderr
    assert "frame 7: the server does not allow it (HTTP 403)" in done.stderr
    assert f"failed: {study.url}/studies/7" in done.stderr
    assert "2 failures" in done.stdout


def test_frames_that_fail_for_one_reason_are_named_each(study: Archive, tmp_path: Path) -> None:
    study.renders = False
    study.hooks[r"1\.2\.3\.5/instances/[^/]+$"] = lambda handler: handler.send(403)
    done = get(f"{study.url}/studies/1.2.3/series/1.2.3.5", "-o", "out", cwd=tmp_path, status=1)
    for frame in range(1, 16):
        assert f": frame {frame}: the server does not allow it (HTTP 403)" in done.stderr
    assert "15 failures" in done.stdout


def test_nothing_leaves_the_folder(study: Archive, tmp_path: Path) -> None:
    """UIDs of a search become names of files."""
    evil = {"00080018": {"vr": "UI", "Value": ["../../../evil"]}, "00280010": {"vr": "US", "Value": [1]}}
    study.hooks["series/1.2.3.4/instances"] = lambda handler: handler.send_json([evil])
    done = get(f"{study.url}/studies/1.2.3", "-o", "a/b/out", cwd=tmp_path, status=1)
    assert "cannot be asked for" in done.stderr
    assert not [name for name in files(tmp_path) if not name.startswith("a/b/out/1.2.3/")]


def test_many_at_once_and_no_more(study: Archive, tmp_path: Path) -> None:
    lock, now, most = threading.Lock(), 0, 0
    three = threading.Barrier(3, timeout=20)

    def hook(handler: Handler) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        three.wait()  # nobody goes on before three are here
        with lock:
            now -= 1
        handler.usual()

    study.hooks["frames/.*rendered"] = hook
    get(f"{study.url}/studies/1.2.3/series/1.2.3.5", "-j", "3", cwd=tmp_path)
    assert most == 3


def test_secrets_reach_their_server_and_nobody_else(study: Archive, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("geheim1\n")
    url = f"{study.url}{study.objects[0].path}"
    environment = {**os.environ, "TOKEN": "geheim2"}
    command = [
        sys.executable,
        "-m",
        "fastdcm",
        "get",
        url,
        "-v",
        "--header",
        f"apikey: file:{tmp_path / 'key'}",
    ]
    command += ["--bearer", "env:TOKEN", "-o", "out"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert {asked.headers["apikey"] for asked in study.requests} == {"geheim1"}
    assert {asked.headers["authorization"] for asked in study.requests} == {"Bearer geheim2"}
    assert "geheim" not in done.stdout + done.stderr
    with_user = url.replace("http://", "http://bob:geheim3@")
    study.hooks["/"] = lambda handler: handler.send(401)
    done = get(with_user, "-o", "out2", cwd=tmp_path, status=1)
    assert "does not accept the credentials" in done.stderr
    assert "geheim" not in done.stdout + done.stderr
    done = get(url, "https://elsewhere.example/studies/1", "--basic", "bob:geheim", cwd=tmp_path, status=2)
    assert "of several" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["http://h/dicom-web"], "names no study"),
        (["http://h/studies/1", "--header", "geheim"], "'NAME: VALUE'"),
        (["http://h/studies/1", "--basic", "bob"], "USER:SECRET"),
        (["http://h/studies/1", "--bearer", "env:NONE_SUCH"], "NONE_SUCH"),
        (["http://h/studies/1", "--viewport", "5"], "viewport"),
        (["http://h/studies/1", "--timeout", "0"], "timeout"),
        (["http://h/studies/1", "--quiet", "-v"], "exclude"),
        (["http://h/studies/1", "-F", "mp4"], "MP4"),
        (["http://h/studies/1?quality=1000"], "quality"),
        (["http://h/studies/1/thumbnail"], "thumbnails are fetched of instances"),
        (["http://h/studies/1/metadata"], "metadata are no images"),
    ],
)
def test_wrong_usage(archive: Archive, tmp_path: Path, arguments: list[str], says: str) -> None:
    done = get(*arguments, cwd=tmp_path, status=2)
    assert says in " ".join(done.stderr.split())
    assert "geheim" not in done.stderr
    assert files(tmp_path) == []


def test_a_server_that_is_not_there(archive: Archive, tmp_path: Path) -> None:
    url = archive.url
    archive.server_close()
    done = get(f"{url}/studies/1.2.3", "--tries", "1", cwd=tmp_path, status=1)
    assert "cannot be reached" in done.stderr


def test_without_the_extra(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["httpx"] = None
from fastdcm.cli import main
sys.argv = ["fastdcm", "get", "http://h/studies/1"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "pip install '.[web]'" in done.stderr


def test_help_loads_nothing_heavy() -> None:
    code = """
import sys
sys.argv = ["fastdcm", "get", "--help"]
from fastdcm.cli import cli
try:
    cli()
except SystemExit:
    assert not {"numpy", "httpx", "anyio", "asyncio"} & sys.modules.keys(), sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal of POSIX here")
def test_ctrl_c(study: Archive, tmp_path: Path) -> None:
    came, go_on = threading.Event(), threading.Event()

    def hook(handler: Handler) -> None:
        came.set()
        go_on.wait(20)
        handler.usual()

    study.hooks["frames/9/rendered"] = hook
    command = [sys.executable, "-m", "fastdcm", "get", f"{study.url}/studies/1.2.3", "-o", "out", "-j", "1"]
    running = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    assert came.wait(30)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=30)
    go_on.set()
    assert (running.returncode, stderr) == (130, "")
    assert stdout.startswith("interrupted: 9 images")
    assert len(files(tmp_path / "out")) == 9


def test_large_objects_are_not_kept_in_memory(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastdcm.dicomweb import Client
    from fastdcm.dicomweb.bodies import Temporary

    monkeypatch.setattr("fastdcm.dicomweb.bodies._IN_MEMORY", 10_000)
    archive.gives_single = False
    one = archive.add("rtdose.dcm", times=20)
    with Client(archive.url) as web, fastdcm.open(one.data) as whole:
        image = web.open(*one.uids)
        assert isinstance(image._source, Temporary)
        assert (image.pixels(14) == whole.pixels(14)).all()
        image.close()
        assert image._source._stream.closed
        assert web.rendered(*one.uids, local=True).data == whole.encode()


def test_what_is_learnt_of_a_server_holds_for_all(study: Archive, tmp_path: Path) -> None:
    """A server that never renders is not asked for each image."""
    study.renders = False
    done = get(f"{study.url}/studies/1.2.3", "-o", "out", "-j", "1", cwd=tmp_path)
    assert len(study.paths("rendered")) == 1
    assert "16 rendered here, from instances" in done.stdout
