"""JPEG 2000 of another encoder than OpenJPEG, over the options that it has, by three decoders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import imagecodecs
import numpy as np

from tests.fuzz.jpeg2000 import equal, grok
from tests.fuzz.streams import made

_STREAMS = 200


def test_grok_and_openjpeg_and_our_own_decoder_agree(peer: Callable[[str], str], tmp_path: Path) -> None:
    """``python -m tests.fuzz.jpeg2000 equal --encoder grk_compress`` has as many as one has patience for.

    Grok 10.0.5 decodes other samples than it encoded where there are tiles, and where raw coding (D.6) meets
    some components: there OpenJPEG gives the original ones.
    """
    tool = peer("grk_compress")
    peer("grk_decompress")
    reversible, by_grok = 0, 0
    for number in range(_STREAMS):
        each = made(7, number, tool, tmp_path)
        if not each.stream:
            continue
        outcome, wrong = equal(each.stream, Random(number))
        assert not wrong, each.words
        if outcome != "reversible, equal":
            continue
        reversible += 1
        if " -t " not in each.words and " -M 1 " not in each.words:
            found = imagecodecs.jpeg2k_decode(each.stream)
            assert np.array_equal(grok(each.stream, found), found), each.words
            by_grok += 1
    assert reversible > by_grok > _STREAMS // 5
