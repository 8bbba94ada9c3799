"""``python -m tests.serve.screenshots OUT [FOLDER]``: the page in headless Chromium, to be looked at.

In both themes: the studies, the series of the first study with a picture in every place, a series of slices,
the same with another window, and a cine while it plays. FOLDER is served, pydicom's own files by default;
the series with the most frames is the one that is shown.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import PYDICOM_FILES
from tests.serve.conftest import Served, running

_SIZE = {"width": 1200, "height": 800}


def longest_series(served: Served) -> tuple[str, str]:
    """(study, series) of the most frames."""
    frames: Counter[tuple[str, str]] = Counter()
    with served.client() as client:
        found = client.get("/instances?limit=1000&includefield=NumberOfFrames,Rows").json()
    for one in found:
        number = str(one.get("00280008", {}).get("Value", [1])[0])
        if "Value" not in one.get("00280010", {}) or not number.isdecimal():
            continue  # no image, or one whose Number of Frames is none
        frames[one["0020000D"]["Value"][0], one["0020000E"]["Value"][0]] += int(number)
    return frames.most_common(1)[0][0]


def shoot(page: Page, served: Served, out: Path, scheme: str) -> None:
    """All pictures in one theme. An error where the page does not show what it should, or the cine stands."""

    def save(name: str) -> None:
        page.screenshot(path=out / f"{scheme}-{name}.png")

    study, series = longest_series(served)
    note = page.locator(".note")
    page.goto(served.url)
    expect(page.locator("tbody tr").first).to_be_visible()
    save("1-studies")
    page.goto(f"{served.url}/#/{study}")
    expect(page.locator(".cards img").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    save("2-series")
    page.goto(f"{served.url}/#/{study}/{series}")
    expect(note).to_contain_text("1 of")
    save("3-slice")
    box = page.locator(".stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 60, box["y"] + box["height"] / 2 + 40, steps=5)
    page.mouse.up()
    page.wait_for_load_state("networkidle")
    save("4-window")
    page.keyboard.press("r")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(note).not_to_have_text(re.compile("^1 of"))
    save("5-cine")
    seen = {note.inner_text() for _ in range(10) if page.wait_for_timeout(60) is None}
    assert len(seen) > 2, f"the cine stands still: {seen}"


def main() -> int:
    """Write the pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("folder", nargs="?", type=Path, default=PYDICOM_FILES)
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("apt install chromium")
    asked.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        running(asked.folder, Path(place) / "index.sqlite", "--rescan", "0") as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport=_SIZE, color_scheme=scheme)  # type: ignore[arg-type]
            shoot(page, served, asked.out, scheme)
            page.close()
        browser.close()
    for path in sorted(asked.out.glob("*.png")):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
