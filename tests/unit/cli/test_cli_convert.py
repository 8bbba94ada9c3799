"""Arguments to options, reports to exit status and words; the run itself is not run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import fastdcm.cli.convert as module
from fastdcm.batch.report import Failure, Outcome, Report
from fastdcm.batch.stages import STAGES
from fastdcm.cli import cli
from fastdcm.cli.asked.output import parse_quality
from fastdcm.cli.profile import profile
from fastdcm.cli.summary import summary
from fastdcm.errors import DecodeError, OptionError, WorkerError
from fastdcm.model import Notice, Region, Window
from fastdcm.options import (
    ConvertOptions,
    EncodeOptions,
    GeometryOptions,
    Limits,
    ReadOptions,
    SidecarOptions,
)

CHANNELS = (Window(-600, 1500), Window(40, 400, "SIGMOID"), "bone")
Invoke = Callable[..., Result]


class Called:
    """Stands in for `fastdcm.batch.run`."""

    def __init__(self) -> None:
        self.outcomes = [Outcome("a.dcm", images=1)]
        self.interrupted = False
        self.raises: Exception | None = None
        self.sources: list[str] = []
        self.output: str | None = None
        self.options = ConvertOptions()
        self.settings: dict[str, Any] = {}

    def __call__(self, sources: Any, output: Any, options: ConvertOptions, **settings: Any) -> Report:
        self.sources, self.output, self.options, self.settings = sources, output, options, settings
        if self.raises is not None:
            raise self.raises
        report = Report(outputs=("out",), seconds=2.0, found=7, interrupted=self.interrupted)
        for outcome in self.outcomes:
            report.add(outcome)
            settings["watcher"].done(outcome)
        return report


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Called:
    monkeypatch.chdir(tmp_path)
    stand_in = Called()
    monkeypatch.setattr(module, "run", stand_in)
    return stand_in


def _convert(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["convert", *arguments], prog_name="fastdcm")


@pytest.mark.parametrize(
    ("arguments", "check"),
    [
        ("a.dcm", lambda o: o == ConvertOptions()),
        ("a.dcm --fsync", lambda o: o.fsync),
        ("a.dcm -F png", lambda o: o.encode.format == "png"),
        ("a.dcm -F JPEG", lambda o: o.encode.format == "jpeg"),
        ("a.dcm -F PNG", lambda o: o.encode.format == "png"),
        ("a.dcm -q 75", lambda o: o.encode.quality == 75),
        ("a.dcm -q 0.75", lambda o: o.encode.quality == 75),
        ("a.dcm --subsampling 444", lambda o: o.encode.subsampling == "444"),
        ("a.dcm --reencode", lambda o: o == ConvertOptions(encode=EncodeOptions(reencode=True))),
        ("a.dcm -q 90", lambda o: o == ConvertOptions(encode=EncodeOptions(reencode=True, lossless=False))),
        ("a.dcm --subsampling 420", lambda o: o == ConvertOptions(encode=EncodeOptions(reencode=True))),
        ("a.dcm --bits 16 -F png", lambda o: o.render.bits == 16),
        ("a.dcm --size 512", lambda o: o.render.geometry == GeometryOptions(size=512)),
        ("a.dcm --size 640x480", lambda o: o.render.geometry == GeometryOptions(size=(480, 640))),
        ("a.dcm --size 9 --enlarge", lambda o: o.render.geometry == GeometryOptions(size=9, enlarge=True)),
        ("a.dcm --scale 0.5", lambda o: o.render.geometry == GeometryOptions(scale=0.5)),
        ("a.dcm --resample lanczos", lambda o: o.render.geometry == GeometryOptions(resample="lanczos")),
        ("a.dcm --aspect", lambda o: o.render.geometry == GeometryOptions(aspect=True)),
        ("a.dcm --size 9 --exact", lambda o: o.render.geometry == GeometryOptions(size=9, exact=True)),
        ("a.dcm --precision display", lambda o: o.render.precision == "display"),
        ("a.dcm", lambda o: o.render.precision == "full"),
        ("a.dcm --crop content", lambda o: o.render.geometry == GeometryOptions(crop="content")),
        (
            "a.dcm --size 640x480 --fit pad --spacing 0.5,0.25",
            lambda o: o.render.geometry == GeometryOptions(size=(480, 640), fit="pad", spacing=(0.5, 0.25)),
        ),
        ("a.dcm --spacing 0.5", lambda o: o.render.geometry == GeometryOptions(spacing=(0.5, 0.5))),
        ("a.dcm --crop 1,2,3,4", lambda o: o.render.geometry == GeometryOptions(crop=Region(1, 2, 3, 4))),
        ("a.dcm --rotate 270", lambda o: o.render.geometry == GeometryOptions(rotate=270)),
        ("a.dcm --flip v", lambda o: o.render.geometry == GeometryOptions(flip="v")),
        ("a.dcm --mask 1,2,3,4", lambda o: o.render.deidentify.masks == (Region(1, 2, 3, 4),)),
        ("a.dcm --mask -1,2,3,4 --mask 5,6,7,8", lambda o: len(o.render.deidentify.masks) == 2),
        ("a.dcm --keep-us-regions", lambda o: o.render.deidentify.keep_us_regions),
        ("a.dcm --refuse-burned-in", lambda o: o == ConvertOptions(read=ReadOptions(refuse_burned_in=True))),
        ("a.dcm --bits 16 -F TIFF", lambda o: (o.render.bits, o.encode.format) == (16, "tiff")),
        ("a.dcm -F htj2k", lambda o: o.encode.format == "jph" and o.encode.is_lossless),
        ("a.dcm -F jp2 -q 80", lambda o: (o.encode.quality, o.encode.is_lossless) == (80, False)),
        ("a.dcm -F webp --lossless", lambda o: o.encode.is_lossless),
        ("a.dcm x.GIF", lambda o: o.encode.format == "gif"),
        ("a.dcm", lambda o: o.render.colour.icc == "embed"),
        ("a.dcm --icc srgb", lambda o: o.render.colour.icc == "srgb"),
        ("a.dcm --png-level 9", lambda o: o.encode.png_level == 9),
        ("a.dcm --frames 2-5,7", lambda o: o.frames.ranges == ((2, 5), (7, 7))),
        ("a.dcm -w -600,1500", lambda o: o.render.window == Window(-600, 1500)),
        ("a.dcm -w=-600,1500", None),
        ("-w -600,1500,sigmoid a.dcm", lambda o: o.render.window == Window(-600, 1500, "SIGMOID")),
        ("a.dcm --window -600,1500", lambda o: o.render.window == Window(-600, 1500)),
        ("a.dcm --window=-600,1500", lambda o: o.render.window == Window(-600, 1500)),
        ("a.dcm --window-number 2", lambda o: o.render.window_number == 2),
        ("a.dcm --voi percentile:1,99", lambda o: o.render.percentile == (1, 99)),
        ("a.dcm --preset Lung", lambda o: o.render.preset == "lung"),
        ("a.dcm --voi roi:-1,2,3,4", lambda o: o.render.roi == Region(-1, 2, 3, 4)),
        ("a.dcm --channels -600/1500,40/400/sigmoid,bone", lambda o: o.render.channels == CHANNELS),
        ("a.dcm --flat", lambda o: o.flat),
        ("a.dcm --voi series", lambda o: (o.render.voi, o.render.series_range) == ("series", None)),
        ("a.dcm --voi none", lambda o: o.render.voi == "none"),
        (
            "a.dcm --voi lut --voi-lut-number 2",
            lambda o: (o.render.voi, o.render.voi_lut_number) == ("lut", 2),
        ),
        ("a.dcm --presentation-shape follow", lambda o: o.render.presentation_shape == "follow"),
        ("a.dcm --name {stem}", lambda o: (o.name, o.allow_phi_names) == ("{stem}", False)),
        ("a.dcm --allow-phi-names", lambda o: o.allow_phi_names),
        ("a.dcm --metadata json", lambda o: o.sidecar == SidecarOptions("json")),
        ("a.dcm --metadata csv --tags Rows,(0008,0060)", lambda o: o.sidecar.tags == ("Rows", "(0008,0060)")),
        (
            "a.dcm --metadata parquet --tags Rows --tags Columns",
            lambda o: o.sidecar.tags == ("Rows", "Columns"),
        ),
        ("a.dcm --overwrite", lambda o: o.existing == "overwrite"),
        ("a.dcm --skip-existing", lambda o: o.existing == "skip"),
        (
            "a.dcm --fail-fast --strict --timeout 5",
            lambda o: (o.fail_fast, o.read.strict, o.timeout) == (True, True, 5),
        ),
        ("a.dcm --allow-partial", lambda o: o.read.allow_partial),
        ("a.dcm --decoder own", lambda o: o.read == ReadOptions(decoder="own")),
        ("a.dcm --decoder library", lambda o: o.read == ReadOptions(decoder="library")),
        ("a.dcm --decoder auto", lambda o: o == ConvertOptions()),
        ("a.dcm --decoder openjpeg", None),
        (
            "a.dcm --max-pixels 9 --max-decoded 8 --max-inflated 7 --max-nesting 6",
            lambda o: o.read.limits == Limits(9, 8, 7, 6),
        ),
        ("a.dcm out.png", lambda o: o.encode.format == "png"),
        ("a.dcm out.jpeg", lambda o: o.encode.format == "jpeg"),
        ("-F PNG a.dcm out.jpg", lambda o: o.encode.format == "png"),
    ],
)
def test_options(called: Called, arguments: str, check: Callable[[ConvertOptions], bool] | None) -> None:
    result = _convert(*arguments.split())
    if check is None:
        assert result.exit_code == 2
    else:
        assert result.exit_code == 0, result.output
        assert check(called.options)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("", "SRC"),
        ("a.dcm -q 0", "1 to 100"),
        ("a.dcm -q 101", "1 to 100"),
        ("a.dcm -q 75.0", "no fraction"),
        ("a.dcm -q many", "no number"),
        ("a.dcm -F jls", "jpg, jpeg, png"),
        ("a.dcm --bits 16", "-F png --bits 16"),
        ("a.dcm --bits 16 -F webp", "WebP holds 8 bits"),
        ("a.dcm --lossless", "JPEG is not lossless"),
        ("a.dcm -F jxl --lossless -q 80", "exclude"),
        ("a.dcm --icc lab", "--icc"),
        ("a.dcm -o x.heic", ".heic is not written"),
        ("a.dcm -w 40", "CENTER,WIDTH"),
        ("a.dcm -w 40,0", "at least 1"),
        ("a.dcm -w 40,400 --voi lut", "excludes"),
        ("a.dcm --frames 0", "count from 1"),
        ("a.dcm --preset lungs", "temporal-bone"),
        ("a.dcm --preset lung -w 40,400", "excludes"),
        ("a.dcm --voi roi", "roi:X,Y,WIDTH,HEIGHT"),
        ("a.dcm --voi roi:1,2,3", "X,Y,WIDTH,HEIGHT"),
        ("a.dcm --voi roi:1,2,3,4 -w 40,400", "excludes"),
        ("a.dcm --channels lung,bone", "three windows for red, green and blue, not 2"),
        ("a.dcm --channels lung,bone,brain --preset lung", "exclude"),
        ("a.dcm --voi loud", "percentile:LOW,HIGH"),
        ("a.dcm --overwrite --skip-existing", "exclude"),
        ("a.dcm --quiet -v", "exclude"),
        ("a.dcm --timeout 0", "above 0"),
        ("a.dcm --metadata xml", "--metadata"),
        ("a.dcm --tags Modality", "ask for metadata json"),
        ("a.dcm --metadata csv --tags ,", "none is named"),
        ("a.dcm -j 0", "-j"),
        ("a.dcm outdir", "fastdcm convert a.dcm -o outdir"),
        ("a.dcm --nonsense", "--nonsense"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_to_do(called: Called, arguments: str, says: str) -> None:
    result = _convert(*arguments.split())
    assert result.exit_code == 2
    assert says in result.stderr
    assert not called.sources


def test_an_error_of_the_request_that_the_run_finds_is_wrong_usage(called: Called) -> None:
    called.raises = OptionError("equal roots")
    result = _convert("a.dcm")
    assert (result.exit_code, "equal roots" in result.stderr) == (2, True)


def test_workers_that_cannot_start_are_an_error(called: Called) -> None:
    called.raises = WorkerError("a worker cannot start\nImportError: x")
    result = _convert("a.dcm")
    assert result.exit_code == 1
    assert "ImportError: x" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "first_only", "jobs"), [("a.dcm", True, None), ("a.dcm --frames all -j 3", False, 3)]
)
def test_what_else_the_run_is_told(
    called: Called, arguments: str, first_only: bool, jobs: int | None
) -> None:
    _convert(*arguments.split())
    assert (called.settings["first_only"], called.settings["jobs"]) == (first_only, jobs)


@pytest.mark.parametrize(
    ("text", "quality", "noticed"),
    [("1", 1, False), ("100", 100, False), ("0.0", 1, True), ("1.0", 100, True), (".5", 50, True)],
)
def test_quality(text: str, quality: int, noticed: bool) -> None:
    number, notice = parse_quality(text)
    assert (number, notice is not None) == (quality, noticed)


def test_notices_about_the_arguments(called: Called) -> None:
    stderr = _convert("-F", "PNG", "-q", "0.5", "a.dcm", "out.jpg").stderr
    assert "notice: out.jpg will hold PNG, because -F says so\n" in stderr
    assert "notice: quality 0.5 is taken as dcm2jpg's fraction: 50 of 100\n" in stderr
    assert not _convert("-F", "PNG", "a.dcm", "out.png").stderr
    assert not _convert("-q", "0.5", "a.dcm", "--quiet").stderr


def _failed(path: str) -> Outcome:
    return Outcome(path, failures=[Failure(path, 3, DecodeError("bad", path=path, frame=3))])


@pytest.mark.parametrize(
    ("outcomes", "arguments", "status"),
    [
        ([Outcome("a", images=1)], "", 0),
        ([Outcome("a", images=1), Outcome("b", skipped="no DICOM")], "", 0),
        ([Outcome("a", images=1), _failed("b")], "", 1),
        ([], "", 1),
        ([Outcome("b", skipped="no DICOM")], "", 1),
        ([Outcome("a", images=1, existing=1)], "", 1),
        ([Outcome("a", existing=1)], "--skip-existing", 0),
        ([Outcome("a", images=1, existing=1)], "--skip-existing", 0),
    ],
)
def test_exit_status(called: Called, outcomes: list[Outcome], arguments: str, status: int) -> None:
    called.outcomes = outcomes
    assert _convert("a.dcm", *arguments.split()).exit_code == status


def test_interrupted_is_130_and_says_how_far_it_came(called: Called) -> None:
    called.interrupted = True
    result = _convert("a.dcm")
    assert result.exit_code == 130
    assert "interrupted after 1 of 7 files found: 1 image" in result.stdout


def test_failures_are_one_line_each_on_stderr(called: Called) -> None:
    called.outcomes = [_failed("a\nb\x1b[31m.dcm")]
    assert _convert("x").stderr == "failed: a\\nb\\x1b[31m.dcm: frame 3: bad\n"


@pytest.mark.parametrize("arguments", [(), ("-v",)])
def test_notices_are_grouped_beyond_twenty_of_a_code(called: Called, arguments: tuple[str, ...]) -> None:
    odd = [Notice("odd", "odd thing", f"{number}.dcm") for number in range(50)]
    called.outcomes = [Outcome("a", images=1, notices=(*odd, Notice("rare", "rare thing", "r.dcm")))]
    stderr = _convert("x", *arguments).stderr
    assert stderr.count("odd thing") == 20
    assert "30 more of odd" in stderr
    assert "notice: r.dcm: rare thing\n" in stderr


def test_quiet_tells_of_failures_only(called: Called) -> None:
    called.outcomes = [Outcome("a", images=1, notices=(Notice("odd", "odd"),)), _failed("b")]
    result = _convert("x", "--quiet")
    assert (result.stdout, result.stderr) == ("", "failed: b: frame 3: bad\n")


def test_verbose_tells_of_every_file(called: Called) -> None:
    error = WorkerError("crashed", path="c")
    error.add_note("line one\nline two")
    called.outcomes = [
        Outcome("a", images=2),
        Outcome("b", skipped="no DICOM"),
        Outcome("c", failures=[Failure("c", None, error)]),
        Outcome("d", existing=1),
    ]
    stderr = _convert("x", "-v").stderr
    for line in (
        "converted: a: 2 images",
        "skipped: b: no DICOM",
        "failed: c: crashed",
        "    line two",
        "left alone: d",
    ):
        assert line in stderr


def test_summary_words() -> None:
    report = Report(seconds=2.0, outputs=("out",))
    for outcome in (
        Outcome("a", images=100, existing=2),
        _failed("b"),
        Outcome("c", skipped="no DICOM"),
        Outcome("d", skipped="no pixel data"),
        Outcome("e", skipped="no pixel data"),
    ):
        report.add(outcome)
    assert summary(report, "keep") == [
        "100 images from 1 of 2 files in 2.0 s (50 images/s), in out",
        "1 file failed",
        "3 files skipped: 2 no pixel data, 1 no DICOM",
        "2 outputs existed and were left alone: --overwrite replaces them, --skip-existing accepts them",
    ]
    assert "overwrite" not in summary(report, "skip")[-1]
    assert summary(Report(), "keep")[-1] == "nothing to convert"
    report.add(Outcome("f", images=1, passed_through=1))
    assert summary(report, "keep")[0].startswith("101 images (1 of them copied without re-encoding) from 2")
    all_of_them = Report(images=2, passed_through=2, converted=1)
    assert summary(all_of_them, "keep")[0].startswith("2 images (copied without re-encoding) from 1 file in")


def test_a_quality_of_a_format_that_has_none_is_a_notice(called: Called) -> None:
    assert (
        "notice: PNG has no quality: -q changes nothing" in _convert("a.dcm", "-F", "png", "-q", "80").stderr
    )
    assert "notice" not in _convert("a.dcm", "-F", "avif", "-q", "80").stderr


def test_help_is_grouped_and_fits() -> None:
    text = _convert("--help").stdout
    headings = ("Output", "Image", "Colour", "Overlays", "Presentation states", "Geometry", "Sidecars")
    for heading in (*headings, "De-identification", "Run", "Examples"):
        assert f"\n{heading}:" in text or f"\n  {heading}:" in text
    assert "{stem}" in text
    assert len(text.splitlines()) < 145


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, fastdcm.cli as c\ntry: c.main()\nfinally: print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--help"], capture_output=True, text=True, check=True
    )
    assert "convert" in done.stdout
    loaded = set(re.findall(r"'([^']+)'", done.stderr))
    assert not loaded & {
        "numpy",
        "numba",
        "pydicom",
        "imagecodecs",
        "rich",
        "fastdcm.batch",
        "fastdcm.pipeline",
    }


def test_every_listed_command_is_there() -> None:
    for name in ("convert", "info", "warmup", "doctor"):
        assert CliRunner().invoke(cli, [name, "--help"]).exit_code == 0


def test_unknown_commands_are_wrong_usage() -> None:
    assert CliRunner().invoke(cli, ["nonsense"]).exit_code == 2


def test_version() -> None:
    from fastdcm import __version__

    assert CliRunner().invoke(cli, ["--version"]).stdout == f"fastdcm {__version__}\n"


def test_a_profile_tells_where_the_time_went(pydicom_files: Path, tmp_path: Path) -> None:
    result = _convert(str(pydicom_files / "CT_small.dcm"), "-o", str(tmp_path), "--profile", "--quiet")
    assert result.exit_code == 0
    heading, *rows, total, rates = result.stdout.splitlines()
    assert heading.split() == ["stage", "ms/image", "share"]
    assert [row.split()[0] for row in rows] == [*STAGES, "waiting"]
    assert sum(float(row.split()[1]) for row in rows) == pytest.approx(float(total.split()[1]), abs=0.01)
    assert sum(float(row.split()[2].rstrip("%")) for row in rows) == pytest.approx(100, abs=0.5)
    assert total.endswith(" s of 1 process")
    assert re.fullmatch(r"[\d.]+ images/s, [\d.e+]+ [KMG]?B/s read, [\d.e+]+ [KMG]?B/s written", rates)


def test_a_profile_of_nothing() -> None:
    """A run in which no image came about has no time an image."""
    assert profile(Report())[1].split()[:3] == ["read", "-", "-"]


def test_a_profile_is_a_mean_over_images_and_workers() -> None:
    report = Report(images=10, seconds=2.0, workers=2, bytes_read=4_000_000, bytes_written=500)
    report.add(Outcome("", files=0, stages=(0.5, 0.0, 0.0, 1.0, 1.5, 0.0, 0.0)))
    lines = profile(report)
    assert lines[1].split()[:3] == ["read", "50.000", "12.5%"]
    assert lines[8].split()[:3] == ["waiting", "100.000", "25.0%"]
    assert lines[9] == "all        400.000  100.0%  2.00 s of 2 processes"
    assert lines[10] == "5 images/s, 2 MB/s read, 250 B/s written"


def test_a_profile_is_of_the_conversion_alone() -> None:
    """What was done before it is told apart."""
    stages = (0.5, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0)
    report = Report(images=100, workers=2, seconds=5.0, preparing=3.0, stages=stages)
    lines = profile(report)
    assert lines[-3].endswith("2.00 s of 2 processes")
    assert lines[-2] == "3.00 s before that, for the ranges of series"
    assert lines[-1].startswith("50")
    assert not any("before that" in line for line in profile(Report(images=1, seconds=1.0)))


def test_no_profile_unasked(called: Called) -> None:
    assert _convert("a.dcm").exit_code == 0
    assert called.settings["profile"] is False
