"""The walk over packets finds the same with kernels that are compiled and with those that are not."""

from __future__ import annotations

import random
import sys

import pytest

from fastdcm.codestream import jpeg2000
from fastdcm.errors import FastdcmError
from tests.payoffs import Fixed
from tests.unit.codestream.jpeg2000_streams import COLOUR, own, pillow_2000, repacked

PACKETS = sys.modules["fastdcm.codestream.jpeg2000.packets"]  # the package has a function of this name


def outcome(stream: bytes, monkeypatch: pytest.MonkeyPatch, *, compiled: bool) -> tuple[list[object], str]:
    """Where the packets and their code-blocks are, as far as they can be followed, and why no further."""
    monkeypatch.setattr(PACKETS, "_PAYOFF", Fixed(compiled))
    found: list[object] = []
    try:
        for packet in jpeg2000.packets(stream, jpeg2000.parse(stream)):
            found += [packet.tile, packet.header, packet.body, packet.contributions]
    except FastdcmError as error:
        return found, error.message
    return found, ""


def streams() -> dict[str, bytes]:
    packed = {f"packed {kind}": repacked(own()["pillow CPRL"], kind) for kind in ("PPM", "PPT")}
    large = pillow_2000(COLOUR, codeblock_size=(4, 4), quality_layers=[50, 20, 5], quality_mode="rates")
    return {**own(), **packed, "many code-blocks": large}


@pytest.mark.parametrize("name", streams())
def test_whole_and_damaged_streams(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, stream = random.Random(name), streams()[name]
    whole, reason = outcome(stream, monkeypatch, compiled=True)
    assert whole
    assert not reason
    assert (whole, "") == outcome(stream, monkeypatch, compiled=False)
    start, reasons = stream.index(b"\xff\x52"), set()
    for _ in range(40):
        damaged = bytearray(stream)
        for _ in range(chance.randint(1, 4)):
            at = start + int(chance.expovariate(1 / 60))
            damaged[min(at, len(damaged) - 3)] = chance.choice([0, 0x7F, 0xFF, chance.randrange(256)])
        found = outcome(bytes(damaged), monkeypatch, compiled=True)
        assert found == outcome(bytes(damaged), monkeypatch, compiled=False)
        reasons.add(found[1])
    assert len(reasons) > 1
