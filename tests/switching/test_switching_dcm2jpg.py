"""Each row of the table for dcm2jpg: the effect of the middle, and what dcm2jpg shows by the left.

dcm2jpg is found through DCM2JPG or PATH. Without it pictures are compared with the formulas of PS3.3 C.11.
"""

from __future__ import annotations

import io
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageCms

from tests.conftest import REQUIRE_PEERS, find_tool
from tests.peers import by_hand
from tests.peers.by_hand import Full, Lut, Voi, Window
from tests.profiles import as_srgb, wide
from tests.switching.running import Array, apart, converted, fastdcm, picture, run
from tests.switching.sources import made
from tests.switching.table import ABSENT, DEFAULT, PAGE, Row, rows_by_key

pytestmark = pytest.mark.filterwarnings("ignore")
ROWS = rows_by_key("dcm2jpg")


def shown(voi: Voi, *, inverted: bool = False) -> Callable[[pydicom.Dataset], Array]:
    """Display values of the first frame by the formulas."""

    def make(data_set: pydicom.Dataset) -> Array:
        pixels = data_set.pixel_array
        data_set.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
        data_set.pop("PresentationLUTShape", None)
        return by_hand.display_values(pixels[0] if pixels.ndim == 3 else pixels, voi, data_set)

    return make


def second_frame(data_set: pydicom.Dataset) -> Array:
    return by_hand.display_values(data_set.pixel_array[1], Window(450, 790), data_set)


def burned(*color: int) -> Callable[[pydicom.Dataset], Array]:
    """The first window, the overlay in a gray or a color."""

    def make(data_set: pydicom.Dataset) -> Array:
        gray = shown(Window(450, 790))(data_set)
        mask = data_set.overlay_array(0x6000).astype(bool)
        assert mask.any()
        if len(color) == 1:
            return np.where(mask, np.uint8(color[0]), gray)
        return np.where(mask[..., None], np.array(color, np.uint8), gray[..., None])

    return make


def colors(data_set: pydicom.Dataset) -> Array:
    pixels: Array = data_set.pixel_array
    return pixels


def srgb(data_set: pydicom.Dataset) -> Array:
    return as_srgb(data_set.pixel_array, wide())


class Effect(NamedTuple):
    """On a source, this picture; dcm2jpg is off by ``theirs`` grays at most, None where it shows another."""

    source: str
    expected: Callable[[pydicom.Dataset], Array]
    theirs: float | None = 1
    bound: float = 0


FIRST = shown(Window(450, 790))
EFFECTS = {
    "-F PNG": Effect("gray", FIRST),
    # JPEG of two encoders with the same tables.
    "-q 0.8": Effect("gray", FIRST, theirs=10, bound=24),
    "--frame 2": Effect("frames", second_frame),
    "-c 300 -w 400": Effect("gray", shown(Window(300, 400))),
    "--window 2": Effect("gray", shown(Window(200, 443))),
    "--voilut 2": Effect("luts", shown(Lut(2)), theirs=None),  # it prefers the window without --uselut
    "--uselut": Effect("luts", shown(Lut(1))),
    "--noauto": Effect("ct", shown(Full())),
    f"{DEFAULT} --presentation-shape follow": Effect("inverse", shown(Window(450, 790), inverted=True)),
    "--noshape": Effect("inverse", FIRST),
    "--ps STATE.dcm": Effect("gray", shown(Window(300, 400), inverted=True), theirs=None),
    "--overlays FFFF": Effect("gray", burned(255)),
    "--overlays 1": Effect("gray", burned(255)),
    "--overlays 0": Effect("gray", FIRST),
    "--ovlygray 8000": Effect("gray", burned(128)),
    "--ovlyrgb #ff8000": Effect("gray", burned(255, 128, 0), theirs=None),
    f"{DEFAULT} --icc srgb": Effect("profile", srgb, theirs=2, bound=1),
    "--iccprofile no": Effect("profile", colors),
    "--iccprofile yes": Effect("profile", colors),
    "--iccprofile srgb": Effect("profile", srgb, theirs=2, bound=1),
    "--usedis": Effect("gray", FIRST),
}


def tool() -> str | None:
    return os.environ.get("DCM2JPG") or find_tool("dcm2jpg")


def theirs(path: Path, row: Row, folder: Path) -> Array | None:
    """dcm2jpg's picture, where it is there; without overlays where the row is not about them."""
    found = tool()
    if found is None:
        return None
    words = [] if row.theirs[0] == DEFAULT else shlex.split(row.theirs[0], comments=False)
    about = {"--overlays", "--ovlygray", "--ovlyrgb"} & {*words}
    overlays = [] if about else ["--overlays", "0"]
    # The default of Presentation LUT Shape is a row of its own.
    shape = ["--noshape"] if row.key == "--noshape" else []
    output = folder / "theirs.png"
    format = [] if {"-F", "-q"} & {*words} else ["-F", "PNG"]
    run(found, *format, *overlays, *(word for word in words if word not in shape), *shape, path, output)
    return picture(output) if output.exists() else None


@pytest.mark.parametrize("key", EFFECTS)
def test_picture(key: str, tmp_path: Path) -> None:
    effect, row = EFFECTS[key], ROWS[key]
    path = made(effect.source, tmp_path)
    names = {"STATE.dcm": str(made("state", tmp_path / "state"))} if "STATE" in key else {}
    arguments = [names.get(word, word) for word in row.arguments]
    output = converted(path, [*arguments, *(["-F", "jpg"] if "-q" in arguments else [])], tmp_path / "ours")
    ours = picture(output)
    assert apart(ours, effect.expected(pydicom.dcmread(path))) <= effect.bound
    if row.ours != DEFAULT and effect.source != "profile" and "-F" not in row.arguments:
        first = ["--frames", "1"] if effect.source == "frames" else []
        plain = picture(converted(path, first, tmp_path / "plain"))
        assert ours.shape != plain.shape or apart(ours, plain) > effect.bound / 2, (
            "the option shows an effect"
        )
    if effect.theirs is None:
        return
    other = theirs(path, row, tmp_path)
    if other is not None:
        assert apart(ours, other) <= effect.theirs


def test_quality_is_that_of_libjpeg(tmp_path: Path) -> None:
    """Not only the number: the tables that a quality stands for."""
    output = converted(made("gray", tmp_path), ["-F", "jpg", *ROWS["-q 0.8"].arguments], tmp_path / "ours")
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG", quality=80)
    with Image.open(output) as ours, Image.open(buffer) as expected:
        assert ours.quantization == expected.quantization


@pytest.mark.parametrize(
    ("key", "profile"), [("--iccprofile no", None), ("--iccprofile yes", wide()), ("--iccprofile srgb", None)]
)
def test_embedded_profiles(key: str, profile: bytes | None, tmp_path: Path) -> None:
    output = converted(made("profile", tmp_path), ROWS[key].arguments, tmp_path / "ours")
    with Image.open(output) as image:
        found = image.info.get("icc_profile")
    assert (found is None) == (profile is None)
    if found is not None and profile is not None:
        names = [ImageCms.ImageCmsProfile(io.BytesIO(data)).profile.red_primary for data in (found, profile)]
        assert names[0] == names[1]


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_one_named_file(tmp_path: Path) -> None:
    path, row = made("frames", tmp_path), ROWS["FILE OUT.jpg"]
    done = fastdcm(*(str({"FILE": path, "OUT.jpg": tmp_path / "x.jpg"}.get(w, w)) for w in row.arguments))
    assert "1 of 3 frames" in done.stderr + done.stdout
    with Image.open(tmp_path / "x.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (484, 300))


@pytest.mark.parametrize("key", ["FILE... OUTDIR", "INDIR OUTDIR"])
def test_names(key: str, tmp_path: Path) -> None:
    """And what is no image is skipped; dcm2jpg's names as the table has them."""
    source, output = tmp_path / "in", tmp_path / "out"
    (source / "below").mkdir(parents=True)
    for number, name in enumerate(("x.dcm", "below/y", "below/z.txt")):
        data = made("gray", tmp_path).read_bytes() if number < 2 else b"no image"
        (source / name).write_bytes(data)
    given = [source] if key == "INDIR OUTDIR" else [source / "x.dcm", source / "below" / "y"]
    words = []
    for word in ROWS[key].arguments:
        words += {"FILE...": given, "INDIR": given, "OUTDIR": [output]}.get(word, [Path(word)])
    fastdcm(*words)
    below = "below/" if key == "INDIR OUTDIR" else ""
    assert files(output) == sorted([f"{below}y.jpg", "x.jpg"])
    fastdcm(*words, "--overwrite", "--name", "{name}")
    assert "x.dcm.jpg" in files(output)
    if (found := tool()) is not None:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        run(found, *given, theirs)
        assert "x.dcm.jpeg" in {Path(name).name for name in files(theirs)}


def test_suffix(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in ("x.dcm", "y"):
        (source / name).write_bytes(made("gray", tmp_path).read_bytes())
    row = ROWS["--suffix jpg"]
    fastdcm("convert", source, "-o", tmp_path / "ours", *row.arguments)
    assert files(tmp_path / "ours") == ["x.dcm.jpg", "y.jpg"]
    if (found := tool()) is not None:
        (tmp_path / "theirs").mkdir()
        run(found, *row.theirs[0].split(), source, tmp_path / "theirs")
        assert {Path(name).name for name in files(tmp_path / "theirs")} == {"x.dcm.jpg", "y.jpg"}


@pytest.mark.parametrize(
    ("key", "said"),
    [("--lsF", "JPEG 2000"), ("-h", "--window-number"), ("-V", "fastdcm ")],
)
def test_what_it_says_of_itself(key: str, said: str) -> None:
    assert said in fastdcm(*ROWS[key].arguments).stdout


_OTHERS = {"FILE OUT.jpg", "--suffix jpg", "FILE... OUTDIR", "INDIR OUTDIR", "--lsF", "-h", "-V"}


def test_every_row_is_tested() -> None:
    absent = {key for key, row in ROWS.items() if row.ours == ABSENT}
    assert absent | EFFECTS.keys() | _OTHERS == ROWS.keys()
    assert not absent & (EFFECTS.keys() | _OTHERS)
    assert all(ROWS[key].differs for key in absent), "what is absent has a reason"


#: As `dcm2jpg --help` of 5.34.3 lists them.
OPTIONS = {
    *("-C", "-c", "-E", "-F", "--frame", "-h", "--help", "--iccprofile", "--lsE", "--lsF", "--noauto"),
    *("--noshape", "--overlays", "--ovlygray", "--ovlyrgb", "--ps", "-q", "--suffix", "--usedis"),
    *("--useiis", "--uselut", "-V", "--version", "--voilut", "-w", "--window"),
}


def test_every_option_is_named() -> None:
    named = {word for row in ROWS.values() for code in row.theirs for word in code.split()}
    assert not OPTIONS - named
    if (found := tool()) is not None:
        listed = re.findall(r"^ {1,4}(-\w)?(?:,| {2,})?(--\w+)?", run(found, "--help"), re.MULTILINE)
        words = {word for pair in listed for word in pair if word}
        assert words - {"--windowCenter", "--windowWidth"} <= OPTIONS
        assert len(words) > 20
    elif REQUIRE_PEERS and os.environ.get("DCM2JPG"):
        pytest.fail("DCM2JPG names nothing")


@pytest.mark.parametrize("table", ["dcm2jpg", "dcmj2pnm"])
def test_options_of_ours_are_there(table: str) -> None:
    """Also those that the words of the third column and the text name."""
    text = PAGE.read_text(encoding="utf-8")
    shown = fastdcm("convert", "--help").stdout
    known = {*re.findall(r"--[a-z][\w-]+", shown)}
    used = {w for row in rows_by_key(table).values() for w in row.arguments if w.startswith("--")}
    assert used - {"--version"} <= known
    third = {w for row in rows_by_key(table).values() for w in re.findall(r"--[a-z][\w-]+", row.differs)}
    assert third - {"--uselut"} <= known | {"--version"}
    assert "fastdcm convert" in text
