"""Headers that ask for endless work, and mutations: a verdict or one of our errors, soon."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from fastdcm.codestream import jpeg2000
from fastdcm.codestream.jpeg2000 import precincts
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.unit.codestream.jpeg2000_streams import (
    EOC,
    own,
    prove,
    repacked,
    walk,
    with_length,
)


# Headers that ask for more than there is, at once or by and by; the data has ten bytes or many.
def _hostile(data: bytes, *, size: int = 512, tile: int = 512, components: int = 3, cod: bytes) -> bytes:
    sides = b"".join(v.to_bytes(4, "big") for v in (size, size, 0, 0, tile, tile, 0, 0))
    siz = sides + components.to_bytes(2, "big") + components * b"\7\1\1"
    siz = b"\xff\x51" + (len(siz) + 4).to_bytes(2, "big") + b"\0\0" + siz
    head = b"\xff\x4f" + siz + b"\xff\x52" + (len(cod) + 2).to_bytes(2, "big") + cod
    head += b"\xff\x5c\0\4\x40\x40"
    tiles, parts = (-(-size // tile)) ** 2, []
    for index in range(tiles):
        psot = 0 if index == tiles - 1 else 14 + len(data)
        sot = b"\xff\x90\0\x0a" + index.to_bytes(2, "big") + psot.to_bytes(4, "big") + b"\0\1"
        parts.append(sot + b"\xff\x93" + data)
    return head + b"".join(parts) + EOC


def _cod(order: int, layers: int, levels: int, block: bytes = b"\4\4", precincts: bytes = b"") -> bytes:
    style = bytes([order]) + layers.to_bytes(2, "big") + b"\0" + bytes([levels]) + block + b"\0\1"
    return bytes([bool(precincts)]) + style + precincts


def _packed(bits: str) -> bytes:
    """Bits as bytes, filled up with zeros; no byte may be FF, behind which one is stuffed."""
    data = int(bits, 2) << -len(bits) % 8
    packed = data.to_bytes(-(-len(bits) // 8), "big")
    assert b"\xff" not in packed
    return packed


def _never_included(side: int, layers: int) -> bytes:
    """Empty packets, then one that says of each of side x side code-blocks that no layer has it.

    The tag tree's inner nodes are 0 (B.10.2), so that a bit for each layer follows for each leaf.
    """
    bits, told = ["1"], set()
    for leaf in range(side * side):
        for level in range(side.bit_length() - 1, 0, -1):
            node = level, leaf // side >> level, leaf % side >> level
            bits += [] if node in told else ["1"]
            told.add(node)
        bits.append("0" * layers)
    return bytes(layers - 1) + _packed("".join(bits))


HOSTILE = {
    "layers": _hostile(bytes(10), cod=_cod(0, 65535, 32)),
    "layers of empty packets": _hostile(bytes(200_000), cod=_cod(0, 65535, 32)),
    "precincts": _hostile(bytes(10), size=1 << 31, tile=1 << 31, cod=_cod(2, 65535, 1, precincts=b"\0\x11")),
    "empty precincts": _hostile(
        bytes(200_000), size=1 << 31, tile=1 << 31, cod=_cod(3, 1, 1, precincts=b"\0\x11")
    ),
    "precincts with a bit": _hostile(
        b"\x80" * 200_000, size=1 << 30, tile=1 << 30, cod=_cod(4, 2, 1, precincts=b"\0\x11")
    ),
    "code-blocks": _hostile(b"\xe0" * 100, size=1 << 31, tile=1 << 31, cod=_cod(0, 9, 0, b"\0\0")),
    "included code-blocks": _hostile(
        b"\xf7" * 100_000, size=1 << 12, tile=1 << 12, cod=_cod(1, 65535, 0, b"\0\0")
    ),
    "tiles": _hostile(bytes(3), size=2550, tile=10, cod=_cod(1, 65535, 32)),
    "components": _hostile(bytes(9), size=1200, tile=10, components=16384, cod=_cod(0, 1, 32)),
    "a long length": _hostile(b"\xff\x5f" + b"\xff\x7f" * 50_000, cod=_cod(0, 1, 0)),
    "zero bit-planes": _hostile(b"\xf8" + bytes(100_000), cod=_cod(0, 1, 0)),
    "inclusion in no layer": _hostile(_never_included(32, 1000), size=128, tile=128, components=1,
                                      cod=_cod(0, 1000, 0, b"\0\0")),
}  # fmt: skip


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_headers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They end, soon and in little memory, here with a limit of a sixteenth (tracing is slow)."""
    header = jpeg2000.parse(HOSTILE[name])
    monkeypatch.setattr(precincts, "_LIMIT_WORK", precincts._LIMIT_WORK // 16)
    tracemalloc.start()
    try:
        with pytest.raises((CodestreamError, UnsupportedError)):
            jpeg2000.check(HOSTILE[name], header)
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


def test_as_many_bit_planes_of_zeros_as_there_can_be() -> None:
    """7 guard bits, an exponent of 31 and a region's shift of 255: Mb is 37 + 255 (T.800 E-2, H.1)."""
    for planes in (0, 36, 37 + 255):
        # In the packet; included; zero bit-planes; a pass; Lblock as it is; no bytes.
        header = _packed("1" + "1" + "0" * planes + "1" + "0" + "0" + "000")
        stream = _hostile(header, size=4, tile=4, components=1, cod=_cod(0, 1, 0))
        assert [each.contributions[0].zero_bit_planes for each in walk(stream)] == [planes]
    header = _packed("11" + "0" * 293 + "100" + "000")
    stream = _hostile(header, size=4, tile=4, components=1, cod=_cod(0, 1, 0))
    with pytest.raises(CodestreamError, match="more than 292 bit-planes of zeros"):
        prove(stream)


def test_more_than_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengths of tile-parts are proof enough then, but a Psot of 0 is none."""
    stream = own()["pillow LRCP"]
    monkeypatch.setattr(precincts, "_LIMIT_WORK", 100)
    prove(stream)
    with pytest.raises(UnsupportedError, match="so many packets or code-blocks"):
        prove(with_length(stream, jpeg2000.parse(stream).tile_parts[0], 0))


def test_mutations() -> None:
    """Whatever the bytes are: a verdict, or one of our errors."""
    chance = random.Random(814)
    streams = [*own().values(), repacked(own()["pillow CPRL"], "PPM"), repacked(own()["pillow CPRL"], "PPT")]
    refused = 0
    for stream in streams:
        header = jpeg2000.parse(stream)
        heads = [*range(4, header.tile_parts[0].packets)]
        heads += [at for packet in walk(stream) for at in range(*packet.header) if at < len(stream)]
        for _ in range(60):
            damaged = bytearray(stream)
            for _ in range(chance.choice([1, 1, 2, 5])):
                at = chance.choice(heads) % len(damaged)
                change = chance.randrange(4)
                if change == 0:
                    damaged[at] ^= 1 << chance.randrange(8)
                elif change == 1:
                    damaged[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
                elif change == 2:
                    damaged[at : at + chance.randrange(1, 9)] = b""
                else:
                    damaged[at:at] = chance.randbytes(chance.randrange(1, 9))
            try:
                prove(bytes(damaged))
            except (CodestreamError, UnsupportedError):
                refused += 1
    assert refused > 30 * len(streams)
