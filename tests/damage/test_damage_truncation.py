"""A cut stream is an error or, where nothing but padding is missing, the right pixels; never other ones."""

from __future__ import annotations

import numpy as np
import pytest

import fastdcm
from tests.damage.outcomes import outcome
from tests.damage.subject import Subject
from tests.damage.subjects import subjects
from tests.damage.truncation import TABLES, ended_early

CODECS = list(subjects())
#: Cuts of one stream by `test_every_cut`.
CUTS = 120


@pytest.mark.parametrize("codec", CODECS)
def test_undamaged(codec: str) -> None:
    """What the other tests compare with is what was encoded."""
    for subject in subjects()[codec]:
        with fastdcm.open(subject.file([subject.stream])) as image:
            found = image.pixels(0)
            assert not image.notices, str(subject)
        if subject.exact:
            assert np.array_equal(found, subject.pixels), str(subject)
        else:
            top = 1 << int(subject.pixels.max()).bit_length()
            assert found.shape == subject.pixels.shape
            assert np.abs(found.astype(int) - subject.pixels.astype(int)).mean() < 0.06 * top, str(subject)


@pytest.mark.parametrize("title", TABLES)
@pytest.mark.parametrize("codec", CODECS)
def test_cut(codec: str, title: str) -> None:
    wrong = []
    for name, damage in TABLES[title].items():
        for subject in subjects()[codec]:
            parts = damage(subject)
            if parts is not None and is_wrong(subject, parts):
                wrong.append(f"{subject}: {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("codec", [codec for codec, found in subjects().items() if found[0].end])
def test_every_cut(codec: str) -> None:
    """An end marker behind data of any length, from almost none to almost all."""
    wrong = []
    for subject in subjects()[codec]:
        size = len(subject.stream)
        for lost in sorted({*range(1, 8), *range(8, size - 1, -(-size // CUTS))}):
            parts = ended_early(lost)(subject)
            if parts is not None and is_wrong(subject, parts):
                wrong.append(f"{subject}: {lost} of {size} bytes lost")
    assert not wrong, "\n".join(wrong)


def is_wrong(subject: Subject, parts: list[bytes]) -> bool:
    """Other pixels than those of the undamaged stream, and no error."""
    return outcome(subject, parts) == "WRONG"
