"""Short runs of `tests.fuzz.jpeg2000`, on our own decoder; the long ones are run by hand."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.jpeg2000 import run

Peer = Callable[[str], str]


def test_random_streams_are_equal(peer: Peer) -> None:
    found = list(run("equal", 11, range(200), peer("opj_compress")))
    assert [each for each in found if each["wrong"]] == []
    outcomes = [each["outcome"] for each in found]
    assert sum("reversible, equal" in outcome for outcome in outcomes) > 50
    assert sum("within" in outcome for outcome in outcomes) > 20


def test_damaged_streams_are_errors(peer: Peer) -> None:
    """Without checks of bounds."""
    found = list(run("damaged", 12, range(200), peer("opj_compress")))
    assert [each for each in found if each["wrong"]] == []
    assert sum("cut" in each["outcome"] for each in found) > 20
