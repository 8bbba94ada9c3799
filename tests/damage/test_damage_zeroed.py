"""The committed table of what zeros in the middle of a stream do is what they do."""

from __future__ import annotations

import pytest

from tests.damage.zeroed import GOLDEN, lines, made_with


def test_table() -> None:
    first, *expected = GOLDEN.read_text(encoding="utf-8").splitlines()
    if first != made_with():
        pytest.skip(f"the table was made with {first}")
    assert "\n".join(lines()).splitlines()[1:] == expected
