"""The peers do the work that they are said to do; those that are absent say how to get them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import fastdcm
from benches import peers
from benches.measure.deviations import images_of
from benches.peers import dcm2jpg, dcmj2pnm, dicom2jpg, fastdcm_command, orthanc, simpleitk
from tests.builders import Element, image, words

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # of the peers'

#: Peers whose own rules differ by design: no comparison of grey levels is possible.
_OTHER_RULES = {"dicom2jpg": "stretches what it finds between the darkest and the brightest pixel"}


def ramp(**changes: object) -> bytes:
    """64 x 64 values of 12 bits from 0 to 4095, with a window in their middle."""
    values = words(np.arange(4096))
    given = {"rows": 64, "columns": 64, "bits": 16, "stored": 12, "center": 2000, "width": 3000, **changes}
    given["extra"] = [Element(0x0020000D, "UI", "1.2.4"), Element(0x00100020, "LO", "nobody")]
    given = {"series_instance": "1.2.5", "sop_class": "1.2.840.10008.5.1.4.1.1.2", "modality": "CT", **given}
    return image(values, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", peers.NAMES)
def test_each_has_the_three_names_and_a_label_of_its_own(name: str) -> None:
    peer = peers.load(name)
    assert isinstance(peer.label, str)
    assert isinstance(peer.available(), peers.Present | peers.Absent)
    assert sum(peers.load(other).label == peer.label for other in peers.NAMES) == 1


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize("name", peers.NAMES)
def test_grey_levels_are_those_of_the_window(name: str, photometric: str, tmp_path: Path) -> None:
    peer = peers.load(name)
    if isinstance(peer.available(), peers.Absent):
        pytest.skip(f"{peer.label} is absent")
    if name in _OTHER_RULES:
        pytest.skip(_OTHER_RULES[name])
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    file = source / "000001.dcm"
    # Orthanc keeps the first of two instances of one UID.
    file.write_bytes(
        ramp(photometric=photometric, sop_instance="1.2." + photometric[-1], slope=1, intercept=-24)
    )
    peer.convert(str(source), str(target), "png")
    (output,) = images_of(target)
    with Image.open(output) as opened:
        found = np.asarray(opened.convert("L")).astype(int)
    assert np.abs(found - fastdcm.render(file)).max() <= 2


def test_dcm2jpg_by_the_recorded_command_line() -> None:
    # As dcm2jpg 5.34.3 was run over a folder.
    both = ["--noshape", "--overlays", "0", "in", "out"]
    recorded = ["dcm2jpg", "-F", "JPEG", "-q", "0.9", *both]
    assert dcm2jpg.command("dcm2jpg", "in", "out", "jpeg") == recorded
    assert dcm2jpg.command("dcm2jpg", "in", "out", "png") == ["dcm2jpg", "-F", "PNG", *both]


def test_dcmj2pnm_by_the_recorded_command_line() -> None:
    options = ["--write-jpeg", "--compr-quality", "90", "--sample-411", "--no-overlays", "--all-frames"]
    recorded = ["dcmj2pnm", *options, "--use-window", "1", "a.dcm", "b"]
    assert dcmj2pnm.command("dcmj2pnm", "a.dcm", "b", "jpeg", windowed=True) == recorded
    assert "--use-window" not in dcmj2pnm.command("dcmj2pnm", "a.dcm", "b", "png", windowed=False)


def test_our_command_keeps_to_the_cores_it_was_given() -> None:
    assert fastdcm_command.command("in", "out", "jpeg", 3)[-3:] == ["-j", "3", "--quiet"]
    assert "-q" not in fastdcm_command.command("in", "out", "jpeg", 3), "a quality asked for forbids copying"


def stand_in(place: Path, body: str) -> Path:
    """A program that notes its arguments."""
    program = place / "dcm2jpg"
    program.write_text(f"#!{sys.executable}\nimport sys, pathlib\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


# What dcm2jpg 5.34.3 says, in its launcher's words and its own.
DCM2JPG = """
if "--version" in sys.argv:
    print("Native OpenCV library has been found in /opt/dcm4che/lib/linux-x86-64/libopencv_java.so")
    sys.exit(print("dcm2jpg: 5.34.3"))
out = pathlib.Path(sys.argv[-1])
print("in/1.dcm -> out/1.dcm.jpeg")
(out / "1.dcm.jpeg").write_bytes(b"x")
(out / "2.dcm.jpeg").write_bytes(b"x" * HOW_MANY)
if not HOW_MANY: print("Failed to convert in/2.dcm: No Reader for format: jpeg-cv registered")
"""


@pytest.fixture
def dcm2jpg_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a program in a folder like dcm4che's, and name it by the variable."""
    for variable in ("DCM4CHE_HOME", "JAVA_LIBRARY_PATH"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "dcm4che" / "bin").mkdir(parents=True)

    def make(body: str) -> Path:
        program = stand_in(tmp_path / "dcm4che" / "bin", body)
        monkeypatch.setenv("DCM2JPG", str(program))
        return program

    return make


@pytest.mark.skipif(sys.platform == "win32", reason="a script with #! is the stand-in")
def test_dcm2jpg_is_found_by_its_variable_and_believed_by_its_images(
    tmp_path: Path, dcm2jpg_stand_in: Callable[[str], Path]
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        folder.mkdir()
    for name in ("1.dcm", "2.dcm"):
        (source / name).write_bytes(b"")
    dcm2jpg_stand_in(DCM2JPG.replace("HOW_MANY", "1"))
    dcm2jpg.convert(str(source), str(target), "jpeg")
    dcm2jpg_stand_in(DCM2JPG.replace("HOW_MANY", "0"))
    expected = "^1 of 2 files gave an image: No Reader for format: jpeg-cv registered$"
    with pytest.raises(peers.UnsupportedJobError, match=expected):
        dcm2jpg.convert(str(source), str(target), "jpeg")


@pytest.mark.skipif(sys.platform == "win32", reason="a script with #! is the stand-in")
def test_dcm2jpg_tells_whether_its_codec_library_is_there(
    dcm2jpg_stand_in: Callable[[str], Path],
) -> None:
    program = dcm2jpg_stand_in(DCM2JPG)
    assert dcm2jpg.available() == peers.Present(f"5.34.3, {dcm2jpg.NO_CODECS}", "command")
    assert "JAVA_LIBRARY_PATH" not in dcm2jpg.environment(str(program))
    library = program.parents[1] / "lib" / "linux-x86-64" / "libopencv_java.so"
    library.parent.mkdir(parents=True)
    library.touch()
    assert dcm2jpg.available() == peers.Present("5.34.3", "command")
    assert dcm2jpg.environment(str(program))["JAVA_LIBRARY_PATH"] == str(library.parent)


@pytest.mark.skipif(sys.platform == "win32", reason="a script with #! is the stand-in")
def test_dcm2jpg_that_does_not_start_is_absent_in_its_words(dcm2jpg_stand_in: Callable[[str], Path]) -> None:
    program = dcm2jpg_stand_in("sys.exit('Cannot download the native library')")
    expected = peers.Absent(f"{program} does not start: Cannot download the native library")
    assert dcm2jpg.available() == expected


def test_dicom2jpg_which_only_prints_what_it_leaves_out_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(source: str, *, target_root: str, multiprocessing: bool) -> None:
        if source == "multi":
            sys.stdout.write("multi/1.dcm cannot be converted.\nMultiframe images are not supported\n")

    monkeypatch.setitem(sys.modules, "dicom2jpg", SimpleNamespace(dicom2jpg=convert))
    dicom2jpg.convert("single", "out", "jpeg")
    with pytest.raises(peers.UnsupportedJobError, match=r"^Multiframe images are not supported$"):
        dicom2jpg.convert("multi", "out", "jpeg")


@pytest.mark.parametrize("module", [dcm2jpg, dcmj2pnm, orthanc])
def test_absent_commands_say_how_to_get_them(module: peers.Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for variable in ("DCM2JPG", "DCMJ2PNM", "ORTHANC"):
        monkeypatch.delenv(variable, raising=False)
    found = module.available()
    assert isinstance(found, peers.Absent)
    assert found.how


def test_absent_libraries_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    assert simpleitk.available() == peers.Absent("pip install SimpleITK")


@pytest.mark.skipif(sys.platform == "win32", reason="a script with #! is the command")
def test_commands_of_our_own_environment_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = stand_in(tmp_path, "")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), "/nowhere"]))
    assert peers.find_command("dcm2jpg") == str(program)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert peers.find_command("dcm2jpg") is None


@pytest.mark.skipif(sys.platform == "win32", reason="a script with #! is the command")
def test_failure_of_a_command_is_told_in_its_words(tmp_path: Path) -> None:
    program = stand_in(tmp_path, "sys.exit('E: no such thing')")
    with pytest.raises(peers.UnsupportedJobError, match=r"^E: no such thing$"):
        peers.run([str(program)])


@pytest.mark.peer
def test_dcmj2pnm_converts_colour_which_has_no_window(peer, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    peer("dcmj2pnm")
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    for name in ("1.dcm", "2.dcm"):
        (source / name).write_bytes(image(bytes(range(192)), rows=8, columns=8, samples=3))
    dcmj2pnm.convert(str(source), str(target), "png")
    assert len(images_of(target)) == 2
