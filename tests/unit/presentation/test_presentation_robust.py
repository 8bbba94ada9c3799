"""States with bytes changed, lost and added: shown or refused, never another error, and soon."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pytest

from fastdcm.errors import FastdcmError
from fastdcm.pipeline import open_image
from fastdcm.presentation import presenter
from fastdcm.presentation.reading import parse_state
from tests.builders import EXPLICIT, IMPLICIT, Element
from tests.unit.presentation.states import (
    UID,
    annotation,
    area,
    drawn,
    graphic,
    referenced,
    sequence,
    state,
    text,
)
from tests.unit.reader.test_reader_overlays import overlay

TRIES = 1500


def _seed(syntax: str) -> bytes:
    shadow = [
        Element(0x00700244, "CS", "OUTLINED"),
        Element(0x00700245, "FL", 1.0),
        Element(0x00700246, "FL", 1.0),
        Element(0x00700258, "FL", 0.5),
    ]
    dashes = [Element(0x00700253, "FL", 2.0), Element(0x00700254, "CS", "DASHED")]
    line = sequence(0x00700232, [*shadow[:3], *dashes, Element(0x00700255, "UL", 0x0F0F), shadow[3]])
    tile = sequence(
        0x00700233, [Element(0x00700256, "OB", bytes(range(128))), Element(0x00700257, "CS", "STIPPELED")]
    )
    bold = [Element(tag, "CS", "Y") for tag in (0x00700248, 0x00700249, 0x00700250)]
    label = sequence(0x00700231, [*shadow[:3], *bold, shadow[3]])
    graphics = [
        graphic("CIRCLE", [10, 10, 14, 10], line),
        graphic("ELLIPSE", [16, 6, 26, 11, 19, 10, 22, 6]),
        graphic("POLYLINE", [2, 2, 6, 2, 6, 6, 2, 6, 2, 2], tile, filled="Y"),
        graphic("INTERPOLATED", [2, 20, 6, 15, 10, 23, 14, 18]),
    ]
    return state(
        *drawn(
            annotation(
                graphics,
                [text("box", [1, 2, 15, 29], None, label), text("anchor", None, [3, 8], visible="Y")],
            )
        ),
        Element(0x00181600, "CS", "RECTANGULAR\\CIRCULAR\\POLYGONAL"),
        *(Element(0x00181602 + 2 * n, "IS", edge) for n, edge in enumerate((5, 38, 2, 28))),
        Element(0x00181610, "IS", (15, 20)),
        Element(0x00181612, "IS", 16),
        Element(0x00181620, "IS", (1, 6, 1, 30, 20, 25, 20, 6)),
        Element(0x00700042, "US", 90),
        Element(0x00700041, "CS", "Y"),
        sequence(0x0070005A, area([1, 1], [40, 30], "MAGNIFY", Element(0x00700103, "FL", 2.0))),
        *overlay(np.eye(30, 40, dtype=bool)),
        Element(0x60001001, "CS", "L"),
        syntax=syntax,
    )


def _changed(data: bytes, source: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        place = source.randrange(132, len(changed))
        way = source.random()
        if way < 0.6:
            changed[place] = source.choice([0, 255, 127, 128, source.randrange(256)])
        elif way < 0.8:
            del changed[place : place + source.randint(1, 8)]
        else:
            changed[place:place] = source.randbytes(source.randint(1, 8))
    return bytes(changed)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_changed_states(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(syntax)
    seed, found = _seed(syntax), open_image(referenced(bytes(1200), rows=30, columns=40))
    shown = 0

    def read(path: str) -> Any:
        images = parsed.images._replace(frames={UID: frozenset()})
        return parsed._replace(images=images)

    monkeypatch.setattr(presenter, "read_state", read)
    for _ in range(TRIES):
        data = _changed(seed, source)
        start = time.perf_counter()
        try:
            parsed = parse_state(data, "a.pre")
            found.render(presentation_state="a.pre")
            shown += 1
        except FastdcmError:
            pass
        assert time.perf_counter() - start < 10
    assert shown > TRIES // 20
