"""What the report says follows from the figures, and its page stands alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from benches.report import figures, goals, markdown, tables
from benches.report.figures import Results, Spread
from tests.benches.measured import case, contest, decoding, peer, results, stages


def verdict(given: Results, name: str, what: str) -> goals.Verdict:
    (found,) = (
        found
        for found in goals.verdicts(given)
        if found.goal.case.startswith(name) and found.goal.what == what
    )
    return found


# Figures


def test_ratios_are_taken_round_by_round_and_by_kind() -> None:
    speed = contest(
        "ct-native",
        peer("fastdcm_worker", [1.0, 2.0, 1.0]),
        peer("fastdcm_command", [3.0, 3.0, 3.0], kind="command"),
        peer("library", [4.0, 16.0, 3.0]),
        peer("server", [2.0, 2.0, 2.0], kind="server"),
        peer("program", [6.0, 12.0, 9.0], kind="command"),
        peer("broken", [], failed="cannot"),
    )
    given = Results(results(speed=[speed]))
    rows = {row.name: row for row in given.rows(speed)}
    assert rows["library"].ratio == Spread(4.0, 3.0, 8.0)
    assert rows["server"].ratio == Spread(2.0, 1.0, 2.0)
    assert rows["program"].ratio == Spread(3.0, 2.0, 4.0)
    assert rows["fastdcm_worker"].ratio is rows["fastdcm_command"].ratio is None
    assert "broken" not in rows
    assert rows["library"].rate == Spread(1 / 4, 1 / 16, 1 / 3)


def test_on_all_cores_everybody_is_compared_with_the_command() -> None:
    speed = contest(
        "ct-native",
        peer("fastdcm_command", [2.0], kind="command"),
        peer("library", [6.0]),
        together=True,
    )
    given = Results(results(speed=[speed]))
    assert given.contest("ct-native") is None
    assert [row.ratio for row in given.rows(speed)] == [None, Spread(3.0, 3.0, 3.0)]


def test_megapixels_are_those_of_a_frame() -> None:
    many = case("xa", pixels=250_000, frames=60)
    speed = contest("xa", peer("fastdcm_worker", [0.01]))
    (row,) = Results(results(cases=[many], speed=[speed])).rows(speed)
    assert row.megapixels == pytest.approx(25)


def test_overhead_is_what_no_codec_and_no_kernel_takes() -> None:
    given = Results(
        results(
            stages=[
                stages(
                    "ct-native",
                    **{"total": 5e-3, "bare decode": 2e-3, "kernel": 5e-4, "bare encode": 1e-3},
                    **{"bare read": 3e-4, "bare write": 2e-4},
                )
            ]
        )
    )
    assert given.overhead("ct-native") == pytest.approx(1.5e-3)
    assert given.handling("ct-native") == pytest.approx(1.0e-3)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "0.0123"), (1.005, "1"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12\u202f346")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert figures.number(value) == text


# Goals


@pytest.mark.parametrize(("ratio", "status"), [(1.39, goals.REACHED), (1.41, goals.MISSED)])
def test_a_goal_from_above(ratio: float, status: str) -> None:
    given = Results(results(stages=[stages("ct-native", ratio)]))
    assert verdict(given, "CT 512², native, one worker", "the bare encoder").status == status


@pytest.mark.parametrize(("theirs", "status"), [(9.01, goals.REACHED), (8.99, goals.MISSED)])
def test_a_goal_from_below(theirs: float, status: str) -> None:
    speed = contest("ct-native", peer("fastdcm_worker", [1.0]), peer("pydicom_pillow", [theirs]))
    given = Results(results(speed=[speed]))
    assert verdict(given, "CT 512², native, one core", "pydicom + Pillow").status == status


def test_what_was_not_measured_is_not_missed() -> None:
    found = verdict(Results(results()), "DX 5.2 MP, native, one worker", "the bare encoder")
    assert (found.status, found.measured) == (goals.NOT_MEASURED, "")


@pytest.mark.parametrize(("ours", "status"), [(0.6, goals.MISSED), (0.5, goals.REACHED)])
def test_goals_of_decoders(ours: float, status: str) -> None:
    found = Results(results(decoding=[decoding("JPEG 2000 lossless (5/3)", ours, "ct-jpeg-2000-lossless")]))
    what = "OpenJPEG, one thread, decoding alone"
    assert verdict(found, "CT, JPEG 2000 lossless", what).status == status
    assert verdict(found, "JPEG 2000 lossless (5/3), 1 real file of", what).status == status


def test_decoders_are_compared_over_all_files_of_a_kind() -> None:
    files = [decoding("JPEG lossless", 0.25), decoding("JPEG lossless", 0.5), decoding("JPEG-LS", 1.0)]
    given = Results(results(decoding=files))
    found = verdict(given, "JPEG lossless, 2 real files", "libjpeg-turbo, one thread, decoding alone")
    assert (found.measured, found.status) == ("2.67 × (2 – 4)", goals.REACHED)
    assert [row[0] for row in tables.decoding(given)[1:]] == ["JPEG lossless", "JPEG lossless", "JPEG-LS"]


@pytest.mark.parametrize(
    ("case", "name", "ratio", "status"),
    [
        ("cr-jpeg-2000-lossless", "JPEG 2000", 15, goals.REACHED),
        ("cr-jpeg-2000-lossless", "JPEG 2000", 14.9, goals.MISSED),
        ("cr-htj2k", "HTJ2K", 6.1, goals.REACHED),
        ("sc-jpeg-baseline", "JPEG 3 MP", 1.4, goals.MISSED),
        ("sc-jpeg-baseline", "HTJ2K", 9, goals.NOT_MEASURED),
    ],
)
def test_goals_of_small_images(case: str, name: str, ratio: float, status: str) -> None:
    small = [{"case": case, "ratio": {"median": ratio, "least": ratio - 1, "most": ratio + 1}}]
    found = verdict(Results(results(small=small)), name, "full decode, then resize")
    assert found.status == status
    assert found.measured.startswith(f"{figures.number(ratio)} ×") is (status != goals.NOT_MEASURED)


def test_a_quick_run_says_nothing_of_programs() -> None:
    speed = contest(
        "ct-native", peer("fastdcm_command", [1.0], kind="command"), peer("dcm2jpg", [9.0], kind="command")
    )
    for quick, status in ((False, goals.REACHED), (True, goals.NOT_MEASURED)):
        given = Results(results(speed=[speed], quick=quick))
        assert verdict(given, "CT 512², native, one core", "dcm2jpg, one JVM").status == status


def test_goals_of_runs() -> None:
    given = Results(results())
    found = {verdict.goal.case: verdict for verdict in goals.verdicts(given)}
    assert found["case ct-native <&>, 5000 files, -j 2"].status == goals.REACHED
    assert found["one file, process start to exit"].status == goals.NOT_MEASURED, (
        "dcm2jpg, the second of them"
    )
    numpy = verdict(given, "one file", "python -c 'import numpy'")
    assert (numpy.status, numpy.measured) == (goals.REACHED, "1.4 × (1.2 – 1.6)")
    assert found["memory after 10\u202f000 files"].measured == "1.02 ×"
    assert found["memory for an object of 10\u202f000 frames"].status == goals.MISSED
    assert found["bytes read for one of 500 frames, native"].status == goals.MISSED


def test_short_runs_are_shown_and_are_no_goal() -> None:
    found = results()
    found["scaling"][0]["files"] = 100
    given = Results(found)
    assert not any("-j 2" in verdict.goal.case for verdict in goals.verdicts(given))
    assert any(row[1:3] == ["100", "2"] for row in tables.scaling(given))


@pytest.mark.parametrize("last", ["stages", "decoding", "small", "startup", "scaling", "reading"])
def test_a_run_that_was_ended_early_has_a_report_of_what_it_measured(last: str) -> None:
    whole = results()
    parts = (
        "stages", "guard", "decoding", "small", "startup", "scaling", "reading", "speed", "memory", "benches",
    )  # fmt: skip
    missing = parts[parts.index(last) + 1 :]
    given = Results({name: part for name, part in whole.items() if name not in missing})
    assert verdict(given, "CT 512², native, one worker", goals.ENCODER).status != goals.NOT_MEASURED
    assert verdict(given, "CT 512², native, one core", "pydicom + Pillow").status == goals.NOT_MEASURED
    assert "## Goals" in markdown.page(given)
    assert "<h2>Goals</h2>" in page_of(given.data)


def test_size_of_png_is_compared_with_pillow() -> None:
    pair = (peer("fastdcm_worker", [1.0], bytes=1130), peer("pydicom_pillow", [9.0], bytes=1000))
    found = results(
        cases=[case("ct-native"), case("dx-native")], speed=[contest("dx-native", *pair, format="png")]
    )
    (size,) = (found for found in goals.verdicts(Results(found)) if "size" in found.goal.case)
    assert (size.measured, size.status) == ("1.13 ×", goals.MISSED)


# Pages


def test_markdown_has_every_table_whole() -> None:
    page = markdown.page(Results(results()))
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    assert "a \\| b" in page
    assert "absent: apt install b" in page
    assert "reached" in page


def test_deviations_and_failures_stand_beside_the_speed() -> None:
    speed = contest(
        "ct-native",
        peer("fastdcm_worker", [1.0], mean=0.0, most=0, share=0.0),
        peer("same", [2.0], mean=0.0, most=0, share=0.0),
        peer("near", [2.0], mean=0.5, most=9, share=0.1),
        peer("turned", [2.0], words="3 x 2 instead of 2 x 3"),
        peer("broken", [], failed="E: no such codec"),
    )
    rows = {row[0]: row for row in tables.contest(Results(results(speed=[speed])), speed)}
    assert rows["same"][4] == "same pixels"
    assert rows["near"][4] == "mean 0.50, most 9"
    assert rows["turned"][4] == "3 x 2 instead of 2 x 3"
    assert rows["broken"][1] == "cannot"
    assert rows["broken"][4] == "E: no such codec"


class Elements(HTMLParser):
    """The elements of a page, the attributes that fetch something, and whether all are closed."""

    VOID = frozenset(["meta", "path", "use", "br", "rect", "line"])

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: list[str] = []
        self.fetched: list[Any] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href") and tag != "use"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def page_of(given: dict[str, Any]) -> str:
    pytest.importorskip("matplotlib")
    from benches.report import page

    return page.page(Results(given))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_page_stands_alone_with_its_charts_in_it() -> None:
    text = page_of(results())
    elements = Elements()
    elements.feed(text)
    assert elements.open == []
    assert elements.fetched == []
    assert not {"script", "link", "img", "iframe"} & set(elements.names)
    assert elements.names.count("svg") == 5, "speed, stages, scaling, start-up, memory"
    assert "url(http" not in text
    assert "@import" not in text
    assert "&lt;&amp;&gt;" in text, "labels of the user's files are text"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_charts_take_the_colours_of_the_page_in_both_schemes() -> None:
    from_charts = page_of(results())
    from benches.report.charts import COLOURS
    from benches.report.page import STYLE

    assert not re.findall(r"#0[1-7]0[0-7]0\d\b", from_charts), "a stand-in that was not replaced"
    dark = STYLE.index("prefers-color-scheme: dark")
    for variable in COLOURS.values():
        assert f"{variable}:" in STYLE[:dark]
        assert f"{variable}:" in STYLE[dark:]
        if not re.fullmatch(r"--(muted|stage-\d)", variable):
            assert f"var({variable})" in from_charts


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_axes_are_labelled_with_units() -> None:
    text = page_of(results())
    for label in (
        "images a second (more is better)",
        "time of an image in multiples of the floor",
        "processes (-j)",
        "times as fast as with one",
        "milliseconds, start to exit",
        "peak memory, MiB",
    ):
        assert label in text


def test_bare_calls_alone_bound_a_goal() -> None:
    """What is left of a goal where nothing is done but reading, codecs, kernel and writing."""
    bare = {"bare read": 1e-4, "kernel": 5e-5, "bare encode": 7e-4, "bare write": 5e-5}
    speed = contest("ct-native", peer("fastdcm_worker", [1e-3]), peer("pydicom_pillow", [4e-3, 4.5e-3, 5e-3]))
    given = Results(results(stages=[stages("ct-native", **bare)], speed=[speed]))
    floor = verdict(given, "CT 512², native, one worker", "the bare encoder")
    assert floor.ideal == "1.29 ×"  # 0.9 ms of 0.7 ms
    assert verdict(given, "CT 512², native, one core", "pydicom + Pillow").ideal == "5 ×"
    speed["encoder"] = [5e-4, 9e-4, 1e-3]
    encoder = verdict(given, "CT 512², native, one core", "pydicom + Pillow").encoder_alone
    assert encoder == "5 ×"  # 8, 5 and 5: turn by turn
    assert verdict(given, "one file", "python -c 'import numpy'").ideal == ""
