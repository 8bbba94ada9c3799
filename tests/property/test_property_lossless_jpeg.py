"""A short run of the campaign of `tests/fuzz/lossless_jpeg.py`; the long one is run by hand."""

from __future__ import annotations

from tests.fuzz.lossless_jpeg import run


def test_no_findings() -> None:
    found, wrong = run(0, range(400), 400)
    assert not wrong
    assert found["as libjpeg-turbo has it"] == 400
    for kind in ("cut", "cut, EOI", "cut in the middle", "changed"):
        assert found[f"{kind}: error"] > 0
