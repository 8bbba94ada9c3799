"""Real files in smaller sizes: within a grey, on average, of what is made of all their pixels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import fastdcm
from fastdcm import opened as opened_module
from fastdcm.errors import FastdcmError
from fastdcm.model import Samples
from tests.corpus.reading import files

#: Of the longest side; whole numbers and others.
PARTS = (2, 2.9, 4, 5, 8, 11, 17, 40)


def test_within_a_grey(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Samples] = []
    decode = opened_module.decode_frame

    def spy(*arguments: object, **options: object) -> Samples:
        seen.append(decode(*arguments, **options))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr(opened_module, "decode_frame", spy)
    halved: Counter[str] = Counter()
    for name, path in files(corpus).items():
        try:
            with fastdcm.open(path, decoder="auto") as image:
                if not image.header.transfer_syntax_uid.startswith("1.2.840.10008.1.2.4."):
                    continue
                for part in PARTS:
                    size = max(1, int(max(image.shape) / part))
                    seen.clear()
                    found = image.render(size=size)
                    if not seen or seen[-1].halved is None:
                        continue
                    halved[seen[-1].halved.by] += 1
                    exact = image.render(size=size, exact=True)
                    assert found.shape == exact.shape, name
                    off = float(np.abs(found.astype(float) - exact).mean())
                    assert off < 1, f"{name} at 1/{part}: {seen[-1].halved}"
        except FastdcmError:
            continue  # told of by the tests of rendering
    if sum(halved.values()) < 10:
        pytest.fail(f"hardly anything was halved: {halved}")
