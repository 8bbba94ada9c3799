"""The page at ``/`` in headless Chromium: found, looked at, scrolled, windowed, played, in both themes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REQUIRE_PEERS
from tests.serve.conftest import CT, MULTI, PDF, STUDY, Served, running

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if not REQUIRE_PEERS:
    pytest.importorskip("playwright", reason="playwright is not installed")
    if _CHROMIUM is None:
        pytest.skip("Chromium is not installed", allow_module_level=True)

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

_TOKEN = "a-token-of-its-own"


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Generator[Page, None, None]:
    """A page whose errors, and requests to anybody but the server, are errors of the test."""
    yield from _watched(browser, served)


def _watched(browser: Browser, served: Served, **context: Any) -> Generator[Page, None, None]:
    page = browser.new_page(viewport={"width": 1000, "height": 700}, **context)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((served.url, "blob:", "data:")) else problems.append(request.url)
        ),
    )
    yield page
    page.close()
    assert not problems


def note(page: Page) -> Any:
    return page.locator(".note")


def brightness(page: Page) -> float:
    """The mean of the canvas, 0 to 255."""
    found: float = page.evaluate(
        """() => {
            const canvas = document.querySelector("canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let sum = 0;
            for (let at = 0; at < data.length; at += 4) sum += data[at];
            return sum / (data.length / 4);
        }"""
    )
    return found


def is_dark(page: Page) -> bool:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) < 200


def open_series(page: Page, served: Served, series: str) -> None:
    page.goto(f"{served.url}/#/{STUDY}/{series}")
    expect(note(page)).to_contain_text("1 of")


def test_from_the_studies_to_a_slice(page: Page, served: Served) -> None:
    page.goto(served.url)
    row = page.get_by_role("row", name="Müller, Jörg")
    expect(row).to_contain_text("2024-01-31")
    expect(row).to_contain_text("P-1")
    row.get_by_role("link").click()
    cards = page.locator(".cards li")
    expect(cards).to_have_count(5)
    expect(page.locator(".cards img")).to_have_count(3)  # a document and a report have none
    expect(cards.filter(has_text="series DOC")).to_contain_text("no image")

    cards.filter(has_text="series CT").get_by_role("link").click()

    expect(note(page)).to_have_text("1 of 3\nwindow 300, 400")
    assert brightness(page) > 0
    page.keyboard.press("Escape")
    expect(cards).to_have_count(5)


def test_studies_are_searched_by_name(page: Page, served: Served) -> None:
    page.goto(served.url)
    page.get_by_role("searchbox").fill("Müll")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("searchbox").fill("nobody")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No such patient.")).to_be_visible()


def test_slices_by_keys_wheel_and_slider(page: Page, served: Served) -> None:
    open_series(page, served, CT)
    for key, place in (
        ("ArrowDown", "2 of 3"), ("End", "3 of 3"), ("ArrowDown", "3 of 3"), ("ArrowUp", "2 of 3"),
        ("Home", "1 of 3"),
    ):  # fmt: skip
        page.keyboard.press(key)
        expect(note(page)).to_contain_text(place)
    page.locator(".stage").hover()
    page.mouse.wheel(0, 100)
    expect(note(page)).to_contain_text("2 of 3")
    page.get_by_role("slider", name="slice").fill("3")
    expect(note(page)).to_contain_text("3 of 3")


def test_windows_by_drag_and_by_keys(page: Page, served: Served) -> None:
    open_series(page, served, CT)
    before = brightness(page)
    box = page.locator(".stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    with page.expect_response(lambda response: "window=" in response.url) as response:
        page.mouse.move(x, y + 60)
    page.mouse.up()
    assert response.value.status == 200
    expect(note(page)).not_to_contain_text("window 300, 400")
    expect(note(page)).to_contain_text(re.compile(r"window [34]\d\d, 400"))
    assert brightness(page) < before  # a higher center is darker

    page.keyboard.press("r")
    expect(note(page)).to_contain_text("window 300, 400")
    page.keyboard.press("Shift+ArrowRight")
    expect(note(page)).to_contain_text("window 300, 420")
    page.get_by_role("button", name="Lung").click()
    expect(note(page)).to_contain_text("window -600, 1500")


def test_a_cine_plays_every_frame_and_stops(page: Page, served: Served) -> None:
    open_series(page, served, MULTI)
    seen = set()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    for _ in range(200):
        seen.add(note(page).inner_text().split("\n")[0])
        if len(seen) == 4:
            break
        page.wait_for_timeout(15)
    assert seen == {f"{number} of 4" for number in range(1, 5)}
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.wait_for_timeout(200)
    place = note(page).inner_text()
    page.wait_for_timeout(300)
    assert note(page).inner_text() == place


def test_what_has_no_image_says_so(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/#/{STUDY}/{PDF}")
    expect(page.locator("#status")).to_contain_text("no pixels")
    page.goto(f"{served.url}/#/1.2.3.4")
    expect(page.locator("main")).to_contain_text("no such study")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes(browser: Browser, served: Served, scheme: str) -> None:
    for page in _watched(browser, served, color_scheme=scheme):
        page.goto(served.url)
        expect(page.locator("tbody tr").first).to_be_visible()

        assert is_dark(page) == (scheme == "dark")
        page.get_by_role("button", name="Theme").click()
        assert is_dark(page) == (scheme != "dark")
        page.reload()
        expect(page.locator("tbody tr").first).to_be_visible()
        assert is_dark(page) == (scheme != "dark")  # it is remembered


def test_a_server_that_wants_its_token(browser: Browser, served: Served, tmp_path: Path) -> None:
    with running(served.folder, tmp_path / "index.sqlite", "--token", _TOKEN) as other:
        credentials = {"username": "anybody", "password": _TOKEN}
        for page in _watched(browser, other, http_credentials=credentials):
            page.goto(f"{other.url}/#/{STUDY}")
            expect(page.locator(".cards img")).to_have_count(3)
