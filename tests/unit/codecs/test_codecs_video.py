"""Video frame by frame: the right frame, values and colour, and an error where that is not certain."""

from __future__ import annotations

import importlib.util
import io
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.codecs.table import SYNTAXES
from fastdcm.errors import (
    CodestreamError,
    FastdcmError,
    TruncatedError,
    UnsupportedError,
)
from tests.builders import encapsulated, image

if importlib.util.find_spec("av") is None:
    pytest.skip("PyAV is not installed", allow_module_level=True)

from tests.unit.codecs.videos import (
    FRAMES,
    KINDS,
    UID,
    Counted,
    Kind,
    codes,
    dicom_file,
    drawn,
    encoded,
    opened,
    readable,
    reference,
    triples,
)

# Frames


@pytest.mark.encodes(cell=lambda kind: (f".4.{kind.syntax}", kind.bits, "YBR_PARTIAL_420"))
@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_frame_is_the_one_shown(kind: Kind, fragments: int) -> None:
    """In the order shown, exactly as another way through the decoder gives it, near to what was drawn."""
    with opened(kind, fragments=fragments) as img:
        given, errors = readable(img)
        assert not errors
        assert codes(img) == []
    shown = [triples(planes) for planes in reference(kind)]
    luma = np.array([drawn(number, kind)[0] for number in range(FRAMES)], np.int64)
    for index, array in given.items():
        assert array.dtype == (np.uint8 if kind.bits == 8 else np.uint16)
        assert np.array_equal(array, shown[index])
        assert np.abs(luma - array[..., 0]).mean((1, 2)).argmin() == index


@pytest.mark.encodes(cell=lambda kind: (f".4.{kind.syntax}", kind.bits, "YBR_PARTIAL_420"))
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_ffmpeg_gives_the_same(kind: Kind, peer: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.write_bytes(encoded(kind))
    form = "yuv420p" if kind.bits == 8 else "yuv420p10le"
    command = [peer("ffmpeg"), "-v", "error", "-i", path, "-map", "0:v", "-fps_mode", "passthrough"]
    raw = subprocess.run(
        [*command, "-f", "rawvideo", "-pix_fmt", form, "-"], capture_output=True, check=True, timeout=120
    ).stdout
    pixels = kind.rows * kind.columns
    frames = np.frombuffer(raw, "u1" if kind.bits == 8 else "<u2").reshape(-1, pixels * 3 // 2)
    assert len(frames) == FRAMES
    with opened(kind) as img:
        for index, frame in enumerate(frames):
            luma, *chroma = np.split(frame, [pixels, pixels * 5 // 4])
            small = [plane.reshape(kind.rows // 2, -1) for plane in chroma]
            expected = triples([luma.reshape(kind.rows, -1), *small])
            assert np.array_equal(img.pixels(index, raw=True), expected)


@pytest.mark.encodes(
    cell=lambda syntax: (
        syntax.removeprefix(UID[:-3]),
        10 if syntax.endswith("108") else 8,
        "YBR_PARTIAL_420",
    )
)
@pytest.mark.parametrize("syntax", [uid for uid, row in SYNTAXES.items() if row.family == "video"])
def test_every_syntax(syntax: str) -> None:
    """Also where its codec is another one: that is told."""
    name = syntax.removeprefix(UID)
    hevc, mpeg2 = name.startswith(("107", "108")), name.startswith(("100", "101"))
    right = KINDS["hevc 10" if name == "108" else "hevc" if hevc else "mpeg2" if mpeg2 else "h264 ts"]
    other = KINDS["h264 ts" if hevc or mpeg2 else "mpeg2"]
    stereo = ["stereo"] if name.startswith("106") else []
    for kind, expected in ((right, stereo), (other, ["other-syntax", *stereo])):
        img = opened(kind, syntax=name, bits=kind.bits)
        assert np.array_equal(img.pixels(1, raw=True), triples(reference(kind)[1]))
        assert codes(img) == expected


@pytest.mark.parametrize("kind", [KINDS["mpeg2"], KINDS["h264 mp4"], KINDS["hevc ts"]], ids=str)
def test_any_order_gives_the_same(kind: Kind) -> None:
    order = [20, 3, 3, 29, 0, *random.Random(1).sample(range(FRAMES), 12), 28, 1]
    img = opened(kind)
    for index in order:
        assert np.array_equal(img.pixels(index, raw=True), triples(reference(kind)[index]))


def test_all_frames_at_once() -> None:
    kind = KINDS["h264 ts"]
    found = opened(kind).pixels(None, raw=True)
    assert np.array_equal(found, np.array([triples(planes) for planes in reference(kind)]))


def test_from_several_threads() -> None:
    kind = KINDS["h264 ts"]
    img = opened(kind)
    order = [*range(FRAMES), *random.Random(2).sample(range(FRAMES), 10)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda index: img.pixels(index, raw=True), order))
    for index, array in zip(order, found, strict=True):
        assert np.array_equal(array, triples(reference(kind)[index]))


def test_frames_in_order_are_decoded_once_from_pieces_of_the_stream() -> None:
    """Forward goes on, what was just read is kept, and back starts again."""
    kind = KINDS["h264 ts"]._replace(frames=120)
    video = encoded(kind)
    source = Counted(dicom_file(video, kind, fragments=2), video[:64])
    img = fastdcm.open(source)
    img.pixels(0)
    before, first = source.starts, source.bytes_read
    for index in [*range(40), 38, 39, *range(60, 120)]:
        img.pixels(index)
    assert source.starts == before
    # Once by the decoder, once for the continuity of packets.
    assert source.bytes_read < first + 2.1 * len(video)
    assert source.longest < len(video) / 2 - 100
    img.pixels(0)
    assert source.starts > before


def test_sound_is_left_out() -> None:
    kind = KINDS["h264 ts"]._replace(audio=True)
    given, errors = readable(opened(kind))
    assert not errors
    assert all(
        np.array_equal(array, triples(planes))
        for array, planes in zip(given.values(), reference(KINDS["h264 ts"]), strict=True)
    )


@pytest.mark.parametrize(
    "name", ["x264 open", "x265 open", "no B-frames", "slices", "one frame", "two frames"]
)
def test_other_structures(name: str) -> None:
    x264, x265 = KINDS["h264 ts"], KINDS["hevc mp4"]
    kind = {
        "x264 open": x264._replace(
            options=(("x264-params", "bframes=3:b-pyramid=normal:keyint=10:scenecut=0:open-gop=1"),)
        ),
        "x265 open": x265._replace(
            options=(("x265-params", "bframes=4:keyint=10:open-gop=1:log-level=none"),)
        ),
        "no B-frames": x264._replace(options=(("x264-params", "bframes=0:keyint=60"),)),
        "slices": x264._replace(options=(("x264-params", "slices=4:cabac=0:bframes=2"),)),
        "one frame": x264._replace(frames=1),
        "two frames": KINDS["mpeg2"]._replace(frames=2),
    }[name]
    img = opened(kind)
    given, errors = readable(img)
    assert not errors
    assert codes(img) == []
    assert all(np.array_equal(array, triples(reference(kind)[index])) for index, array in given.items())


@pytest.mark.parametrize("stuffing", [1, 2, 9])
def test_zeros_between_pictures_are_no_damage(stuffing: int) -> None:
    """MPEG-2 of constant bit rate has them (ISO/IEC 13818-2 5.2.3); an odd fragment has one at its end."""
    kind = KINDS["mpeg2"]
    start = b"\0\0\1\0"  # of a picture
    data = (bytes(stuffing) + start).join(encoded(kind).split(start)) + bytes(stuffing)
    given, errors = readable(fastdcm.open(dicom_file(data, kind)))
    assert not errors
    assert all(np.array_equal(array, triples(reference(kind)[index])) for index, array in given.items())


# Contradictions


def test_fewer_frames_declared() -> None:
    img = opened(KINDS["h264 ts"], frames=20)
    given, errors = readable(img)
    assert not errors
    assert codes(img) == ["video-frames"]
    assert img.notices[0].frame == 20
    assert all(
        np.array_equal(array, triples(reference(KINDS["h264 ts"])[index])) for index, array in given.items()
    )


@pytest.mark.parametrize("name", ["mpeg2", "h264 ts", "h264 mp4", "hevc 10"])
def test_more_frames_declared(name: str) -> None:
    """Those that are missing are errors, and those that may have been counted wrong behind them."""
    kind = KINDS[name]
    given, errors = readable(opened(kind, frames=FRAMES + 3))
    # The table of MP4 tells that nothing is missing; else frames may belong between the last ones.
    assert len(given) == FRAMES if kind.container == "mp4" else FRAMES - 5 <= len(given) < FRAMES
    assert list(given) == list(range(len(given)))
    assert all(np.array_equal(array, triples(reference(kind)[index])) for index, array in given.items())
    for index, error in errors.items():
        assert isinstance(error, TruncatedError)
        assert error.frame == index + 1
        assert f"{FRAMES} frames" in error.message
        assert f"{FRAMES + 3}" in error.message


@pytest.mark.parametrize("changes", [{"rows": 98}, {"columns": 64}, {"rows": 128, "columns": 96}])
def test_another_size(changes: dict[str, int]) -> None:
    for name in ("mpeg2", "h264 mp4"):
        with pytest.raises(CodestreamError, match=r"96 x 128.*Rows x Columns say"):
            opened(KINDS[name], **changes).pixels(0)


PEAK = """
import fastdcm, sys
try:
    fastdcm.open(sys.stdin.buffer.read()).pixels(0)
except fastdcm.CodestreamError as error:
    print(error, file=sys.stderr)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no peak of a process to read")
def test_a_size_bomb_costs_nothing() -> None:
    """The pictures would take 50 MB each, and a decoder holds several."""
    peaks = []
    for rows, columns in ((64, 64), (4096, 8192)):
        options = (("preset", "ultrafast"), ("x264-params", "threads=1"))
        kind = KINDS["h264"]._replace(rows=rows, columns=columns, frames=1, options=options)
        data = dicom_file(encoded(kind), kind, rows=64, columns=64)
        command = [sys.executable, "-c", PEAK]
        done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=120)
        assert (b"4096 x 8192" in done.stderr) is (rows == 4096)
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] < 40


def test_deeper_than_declared() -> None:
    kind = KINDS["hevc 10"]
    img = opened(kind, bits=8, allocated=8, stored=8)
    assert np.array_equal(img.pixels(0, raw=True), triples(reference(kind)[0]))
    assert codes(img) == ["precision"]


def test_interlaced_frames_are_given_as_coded() -> None:
    kind = KINDS["h264 ts"]._replace(options=(("x264-params", "tff=1:keyint=12"),))
    img = opened(kind)
    given, errors = readable(img)
    assert not errors
    assert all(np.array_equal(array, triples(reference(kind)[index])) for index, array in given.items())
    assert codes(img) == ["interlaced"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"photometric": "RGB"}, "photometric"), ({"representation": 1}, "sign")],
)
def test_what_the_data_set_says_otherwise(changes: dict[str, Any], expected: str) -> None:
    """The stream counts (PS3.5 8.2.6 ff.)."""
    kind = KINDS["h264 ts"]
    img = opened(kind, **changes)
    assert np.array_equal(img.pixels(0), opened(kind).pixels(0))
    assert codes(img) == [expected]


def test_another_codec_under_a_syntax_of_video() -> None:
    import imagecodecs

    array = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    streams = [imagecodecs.jpegls_encode(frame) for frame in (array, array.T.copy())]
    img = fastdcm.open(image(encapsulated(streams), UID + "102", rows=8, columns=8, frames=2))
    assert np.array_equal(img.pixels(1), array.T)
    assert codes(img) == ["other-syntax"]


def test_codecs_that_are_not_of_dicom() -> None:
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    kind = Kind("", "mp4", "102", rows=64, columns=64, frames=1)
    with pytest.raises(UnsupportedError, match="mpeg4"):
        fastdcm.open(dicom_file(out.getvalue(), kind)).pixels(0)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", TruncatedError),
        (bytes(3000), CodestreamError),
        (bytes(range(256)) * 9, CodestreamError),
        (b"\0\0\0\1\x67" + bytes(range(256)) * 9, CodestreamError),
        (b"\0\0\1\xb3" + bytes(range(256)) * 9, CodestreamError),
        ((b"\x47" + bytes(187)) * 50, CodestreamError),
        (b"\0\0\0\x20ftypisom" + bytes(500), CodestreamError),
    ],
)
def test_no_video_at_all(data: bytes, error: type[FastdcmError]) -> None:
    img = fastdcm.open(dicom_file(data, KINDS["h264"]))
    for index in (0, 7):
        with pytest.raises(error) as raised:
            img.pixels(index)
        assert raised.value.frame == index + 1


# Life


def test_a_closed_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.reader import source

    monkeypatch.setattr(source, "WHOLE_FILE_SIZE", 0)
    path = tmp_path / "video.dcm"
    path.write_bytes(dicom_file(encoded(KINDS["h264 ts"]), KINDS["h264 ts"]))
    with fastdcm.open(path) as img:
        img.pixels(2)
    with pytest.raises(FastdcmError, match=r"video\.dcm"):
        img.pixels(2)


def test_without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fastdcm.codecs.decoders.video_frames", raising=False)
    monkeypatch.setitem(sys.modules, "av", None)
    img = opened(KINDS["h264 ts"])
    with pytest.raises(UnsupportedError, match=r"103\.1\) needs PyAV.*pip install '\.\[video\]'") as raised:
        img.pixels(3)
    assert raised.value.frame == 4


def test_converted_to_files(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    kind = KINDS["h264 mp4"]
    (tmp_path / "video.dcm").write_bytes(dicom_file(encoded(kind), kind))
    report = fastdcm.convert(tmp_path / "video.dcm", tmp_path / "out", format="png")
    assert report.images == FRAMES
    written = sorted((tmp_path / "out").iterdir())
    img = opened(kind)
    for index in (0, 1, 17, FRAMES - 1):
        assert np.array_equal(np.asarray(Pillow.open(written[index])), img.pixels(index))


def test_doctor_tells_about_pyav() -> None:
    from click.testing import CliRunner

    from fastdcm.cli import cli

    shown = CliRunner().invoke(cli, ["doctor"]).stdout
    import av

    assert f"  av {av.__version__}\n" in shown
    assert "FFmpeg through PyAV (extra `video`)" in shown
