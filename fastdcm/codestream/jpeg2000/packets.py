"""The walk over all packets of a codestream, and the proof that it is whole.

Packet headers say how many bytes of each code-block follow (ITU-T T.800 B.9, B.10). Where the packets
that SIZ, COD, COC and POC call for end just where their tile-parts end, nothing is missing. Nothing is
decoded: damage inside a code-block's bytes stays unseen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from fastdcm.codestream.jpeg2000.bits import BitReader, CutHeaderError
from fastdcm.codestream.jpeg2000.coding import Coding, Progression, Segment, read_coding
from fastdcm.codestream.jpeg2000.geometry import Resolution, resolutions, tile_area
from fastdcm.codestream.jpeg2000.headers import Jpeg2000Header, TilePart, tile_part_segments
from fastdcm.codestream.jpeg2000.precincts import (
    Contribution,
    Precinct,
    Segments,
    TooMuchWorkError,
    Work,
    contributions,
    within,
)
from fastdcm.codestream.jpeg2000.progression import Place, packet_order
from fastdcm.errors import CodestreamError
from fastdcm.kernels import Payoff
from fastdcm.kernels.packet_headers import BODY

#: Bytes of codestreams whose packets are walked before numba is imported: interpreted, they cost as much
#: time as the import does (benches/bench_packets.py).
BYTES_BEFORE_NUMBA = 80_000_000
_PAYOFF = Payoff(BYTES_BEFORE_NUMBA, ("packet_headers",))

_PPM, _PPT = 0xFF60, 0xFF61
_WORK_OF_RESOLUTION = 8
_SOP, _EPH = b"\xff\x91", b"\xff\x92"  # neither can start a packet header or a codeword segment


class Packet(NamedTuple):
    """A packet: its tile and place there, start and end of header and body, and what is in the body.

    The header is without SOP and EPH. It lies in the codestream, or, where packet headers are packed
    (PPM, PPT), in those of the tile; the body always lies in the codestream, where its ``segments`` follow
    each other. One that is not ``whole`` ends early, and ``segments`` are those that are there.
    """

    tile: int
    place: Place
    header: tuple[int, int]
    body: tuple[int, int]
    segments: list[Segments]
    whole: bool = True

    @property
    def contributions(self) -> list[Contribution]:
        """What is in the body, code-block by code-block."""
        return contributions(self.segments)


def check(data: bytes, header: Jpeg2000Header) -> None:
    """Prove that the packets of each tile are all there and fill its tile-parts.

    ``header`` is what `parse` gave for ``data``. Raises CodestreamError where packets are missing, run
    past their tile-part or leave bytes of it over. A stream of more packets and code-blocks than can be
    followed soon is left at what its headers prove; with a tile-part of unknown length (Psot 0), where
    they prove nothing, that is an UnsupportedError.
    """
    try:
        deque(packets(data, header), maxlen=0)
    except TooMuchWorkError:
        psot = header.tile_parts[-1].start + 6
        if data[psot : psot + 4] == bytes(4):
            raise


def packets(data: bytes, header: Jpeg2000Header, *, partial: bool = False) -> Iterator[Packet]:
    """All packets, tile after tile, each tile's in their order.

    With ``partial`` a tile may end early, or have none. Raises CodestreamError as `check` does,
    UnsupportedError where there are too many to follow.
    """
    work = Work()
    reader = BitReader(data, compiled=_PAYOFF.reached(header.end - header.offset))
    packed = _packed_in_main_header(data, header)
    for tile, parts in _parts(header).items():
        walk = _Tile(data, header, tile, parts, packed.get(tile), work, reader)
        try:
            yield from walk.packets(partial=partial)
        except CutHeaderError as error:
            raise CodestreamError(error.message) from error


def count(data: bytes, header: Jpeg2000Header) -> int:
    """How many packets there should be in all tiles of the image, as far as the headers that are there say.

    Raises UnsupportedError where there are too many to count.
    """
    work, reader, parts = Work(), BitReader(data, compiled=False), _parts(header)
    tiles = range(header.tiles.across * header.tiles.down)
    walks = (_Tile(data, header, tile, parts.get(tile, []), None, work, reader) for tile in tiles)
    return sum(walk.count_places() for walk in walks)


def _parts(header: Jpeg2000Header) -> dict[int, list[TilePart]]:
    """The tile-parts of each tile that has some."""
    parts: dict[int, list[TilePart]] = {}
    for part in header.tile_parts:
        parts.setdefault(part.tile, []).append(part)
    return parts


class _Tile:
    """The walk over one tile; ``packed`` are its packet headers where the main header has them."""

    def __init__(
        self,
        data: bytes,
        header: Jpeg2000Header,
        tile: int,
        parts: list[TilePart],
        packed: bytes | None,
        work: Work,
        reader: BitReader,
    ) -> None:
        headers = [tuple(tile_part_segments(data, part.start + 12)) for part in parts]
        coding = read_coding(data, chain.from_iterable(headers), len(header.components))
        in_tile = b"".join(_joined(data, segments, _PPT) for segments in headers)
        if in_tile and packed is not None:
            raise CodestreamError(f"tile {tile} has its packet headers in PPM and in PPT")
        self.data = data
        self.parts = parts
        self.tile = tile
        self.packed = in_tile or packed
        self.bodies = reader.data
        self.reader = BitReader(self.packed, compiled=reader.compiled) if self.packed else reader
        self.packed_position = 0
        self.count = 0  # of packets so far
        self.fill: int | None = None  # the bit that headers are filled up with
        self.work = work
        cod = coding.cod or header.cod
        self.eph = cod.eph
        everything = Progression(cod.progression, range(33), range(len(header.components)), cod.layers)
        self.places = packet_order(
            coding.progressions or header.coding.progressions or (everything,),
            _resolutions(header, self.tile, coding, work),
        )
        self.precincts: dict[tuple[int, int, int], Precinct] = {}

    def count_places(self) -> int:
        """How many packets there should be; instead of `packets`."""
        number = 0
        while (following := self._next()) is not None:
            following[1].layers += 1
            self.work.add(1)
            number += 1
        return number

    def packets(self, *, partial: bool) -> Iterator[Packet]:
        """Packets are not split: each tile-part has whole ones (B.9)."""
        position = 0
        for part in self.parts:
            position = part.packets
            while position < part.end:
                try:
                    packet = self._packet(position, part.end, partial=partial)
                except CutHeaderError:
                    if partial:
                        return
                    raise
                if packet is None:
                    over = part.end - position
                    raise CodestreamError(f"{over} bytes are left behind the last packet of tile {self.tile}")
                yield packet
                if not packet.whole:
                    return
                position = packet.body[1]
        while self.packed and self.packed_position < len(self.packed):  # of packets without bodies
            packet = self._packet(position, position, partial=False)
            if packet is None:
                raise CodestreamError(f"tile {self.tile} has more packed headers than packets")
            yield packet
        if not partial and self._next() is not None:
            raise CodestreamError(f"cut: tile {self.tile} has only {self.count} of its packets")

    def _next(self) -> tuple[Place, Precinct] | None:
        """The next packet's place; those are left out that an earlier progression had (A.6.6)."""
        for place in self.places:
            key = (place.resolution.component, place.resolution.level, place.precinct)
            precinct = self.precincts.get(key)
            if precinct is None:
                precinct = self.precincts[key] = Precinct(place.resolution, place.precinct, self.work)
            if place.layer == precinct.layers:
                return place, precinct
            self.work.add(1)
        return None

    def _packet(self, position: int, end: int, *, partial: bool) -> Packet | None:
        """Read the packet at ``position``, ``partial`` or whole; None where there should be no more."""
        following = self._next()
        if following is None:
            return None
        place, precinct = following
        if self.data[position : position + 2] == _SOP:
            position = self._behind_sop(position, end)
        source, start, limit = self.data, position, end
        if self.packed:
            source, start, limit = self.packed, self.packed_position, len(self.packed)
        reader = self.reader
        segments = precinct.read_header(reader, start, limit)
        stop = reader.position
        self._check_padding(*reader.padding())
        behind = self._behind_eph(source, stop, limit)
        if self.packed:
            self.packed_position = behind
        else:
            position = behind
        body_end = position + int(reader.state[BODY])
        if body_end > end and partial:
            place_of_it = self.tile, place, (start, stop), (position, end)
            return Packet(*place_of_it, within(segments, end - position), whole=False)
        if body_end > end:
            over = body_end - end
            raise CodestreamError(
                f"cut: packet {self.count} of tile {self.tile} runs {over} bytes past its tile-part"
            )
        if place.resolution.style.high_throughput:
            self._check_suffixes(position, segments)
        self.count += 1
        return Packet(self.tile, place, (start, stop), (position, body_end), segments)

    def _check_padding(self, count: int, padding: int) -> None:
        """Whether a header is filled up as those before it.

        T.800 B.10.1 does not say with what; encoders take zeros. Behind lost bytes, where a body is
        taken for a header, this tells it: packets without code-blocks are one bit and seven of these.
        """
        if count:
            fill = padding & 1
            if self.fill not in (None, fill) or padding != fill * ((1 << count) - 1):
                raise CodestreamError(
                    f"packet {self.count} of tile {self.tile} is damaged: its header does not end as others"
                )
            self.fill = fill

    def _check_suffixes(self, position: int, segments: list[Segments]) -> None:
        """Whether HT cleanup passes end as they can."""
        for _, values, number in segments:
            position = self.reader.kernels.check_suffixes(self.bodies, position, values, number)
            if position < 0:
                raise CodestreamError(
                    f"packet {self.count} of tile {self.tile} is damaged: a cleanup pass has no valid end"
                )

    def _behind_sop(self, position: int, end: int) -> int:
        """Check an SOP segment (A.8.1), whose Nsop counts the tile's packets."""
        if position + 6 > end:
            raise CutHeaderError("cut: the data ends in an SOP segment")
        length, number = self.data[position + 2 : position + 4], self.data[position + 4 : position + 6]
        if length != b"\0\4" or int.from_bytes(number, "big") != self.count & 0xFFFF:
            raise CodestreamError(f"packet {self.count} of tile {self.tile} starts with the SOP of another")
        return position + 6

    def _behind_eph(self, source: bytes, position: int, limit: int) -> int:
        """Skip an EPH marker (A.8.2); where COD says so, each header has one."""
        if self.eph and position + 2 > limit:
            raise CutHeaderError("cut: the data ends before an EPH marker")
        if source[position : position + 2] == _EPH:
            return position + 2
        if self.eph:
            raise CodestreamError(f"packet {self.count} of tile {self.tile} has no EPH marker")
        return position


def _resolutions(header: Jpeg2000Header, tile: int, coding: Coding, work: Work) -> Iterator[Resolution]:
    """The resolutions of all components; of COD and COC the nearest counts (T.800 A.6.2)."""
    area = tile_area(header.area, header.tiles, tile)
    default = (coding.cod or header.cod).blocks
    for index, component in enumerate(header.components):
        style = coding.components.get(index)
        if style is None and coding.cod is None:
            style = header.coding.components.get(index)
        style = style or default
        work.add(_WORK_OF_RESOLUTION * (style.levels + 1))
        yield from resolutions(area, index, component, style)


def _joined(data: bytes, segments: Iterable[Segment], marker: int) -> bytes:
    """The contents of the PPM or PPT segments of one header, by their index (A.7.4, A.7.5)."""
    found = sorted((data[start:end] for kind, start, end in segments if kind == marker), key=lambda c: c[:1])
    return b"".join(contents[1:] for contents in found)


def _packed_in_main_header(data: bytes, header: Jpeg2000Header) -> dict[int, bytes]:
    """The packet headers of each tile in PPM segments: Nppm and Ippm of each tile-part (A.7.4)."""
    joined, position = _joined(data, header.segments, _PPM), 0
    tiles: dict[int, bytes] = {}
    for part in header.tile_parts if joined else ():
        start = position + 4
        position = start + int.from_bytes(joined[position:start], "big")
        if max(start, position) > len(joined):
            raise CodestreamError("cut: the packet headers in the PPM segments are not all there")
        tiles[part.tile] = tiles.get(part.tile, b"") + joined[start:position]
    return tiles
