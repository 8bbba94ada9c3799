"""Whether the scans of a JPEG stream code every MCU (ITU-T T.81 annexes F, G and H).

A stream that was cut and closed with EOI parses like a whole one, and decoders fill what is
missing. So each scan is walked, code by code, without computing samples: by `jpeg_quick` where that pays,
and here where it cannot tell, to say what is wrong and how much is there.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_huffman import Kind, check_category, check_definition, definition_of
from fastdcm.codestream.jpeg_scan import Component, Frame, Scan, grid, unit, units_of
from fastdcm.errors import CodestreamError
from fastdcm.kernels import Payoff, huffman

#: Bytes of scans, walked interpreted at a million a second, that take as long as it takes to compile kernels,
#: and to load those that are compiled already (benches/bench_entropy.py).
_BYTES_BEFORE_NUMBA, _BYTES_BEFORE_KERNELS = 7_000_000, 75_000
_PAYOFF = Payoff(
    _BYTES_BEFORE_NUMBA,
    ("huffman", "huffman_bands", "huffman_lanes"),
    loading=_BYTES_BEFORE_KERNELS / _BYTES_BEFORE_NUMBA,
)

#: Less than a byte is left over in whole scans; some encoders add a byte or two.
_SPARE_BITS = 64

_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
_STUFFED = re.compile(rb"\xff+\x00")

Problem = Literal["", "cut", "damaged"]
#: What a kernel's status says of a scan; restart markers that are missing take their intervals with them.
_PROBLEMS: dict[int, Problem] = {huffman.WHOLE: "", huffman.CUT: "cut", huffman.DAMAGED: "damaged"}
_FRAME = attrgetter(*Frame._fields)


class Extent(NamedTuple):
    """How much of a scan is there: ``whole`` of ``mcus`` MCUs; ``spare`` bits are left over."""

    problem: Problem
    whole: int
    mcus: int
    spare: int


class Coverage(NamedTuple):
    """The rows that the scans code, from the top, whether in all detail, and whether without spare bytes."""

    rows: int
    detailed: bool = True
    exactly: bool = True


def coverage(data: bytes, header: JpegHeader, *, partial: bool = False) -> Coverage:
    """What the scans code: all rows in all detail, or less with ``partial``.

    Raises `CodestreamError` where a scan cannot be read or, without ``partial``, lacks MCUs. What no
    walk can tell: bytes that were changed into other valid codes of the same number of MCUs.
    """
    exactly = True
    for number, extent in enumerate(extents(data, header), 1):
        check(extent, number, header, partial=partial)
        if extent.problem:
            return _rows_before(extent, number, header)
        exactly &= extent.spare < 8
    return Coverage(header.rows, exactly=exactly)


def check(extent: Extent, number: int, header: JpegHeader, *, partial: bool) -> None:
    """Raise `CodestreamError` where scan ``number`` is damaged or, without ``partial``, cut."""
    if extent.problem == "damaged" or (extent.problem and not partial):
        scan = "the scan" if len(header.scans) == 1 else f"scan {number}"
        verb = "ends" if extent.problem == "cut" else "is damaged"
        raise CodestreamError(f"{extent.problem}: {scan} {verb} after {extent.whole} of {extent.mcus} MCUs")
    if extent.spare >= _SPARE_BITS and not extent.problem:
        raise CodestreamError(
            f"damaged: {extent.spare // 8} bytes are left over behind the last of {extent.mcus} MCUs"
        )


def _rows_before(extent: Extent, number: int, header: JpegHeader) -> Coverage:
    """The rows above the MCU at which scan ``number`` ends."""
    if header.process == "progressive" and number > 1:
        return Coverage(header.rows, detailed=False)
    frame, scan = _frame(header), header.scans[number - 1]
    across, _ = grid(frame, scan)
    height = unit(frame) * max(c.vertical for c in frame.components)
    if len(scan.components) == 1:
        height //= scan.components[0].vertical
    rows = extent.whole // across * height
    # Chroma of lower resolution is interpolated with that of the row below.
    return Coverage(max(0, min(rows, header.rows) - header.subsampled))


@cache
def _quick() -> Any:
    """`jpeg_quick`, which loads machine code; a call is less to a small image than an import."""
    from fastdcm.codestream import jpeg_quick

    return jpeg_quick


def _frame(header: JpegHeader) -> Frame:
    return Frame._make(_FRAME(header))


def extents(data: bytes, header: JpegHeader) -> list[Extent]:
    """Walk each scan, in order, up to the first one that has a problem."""
    frame = _frame(header)
    walkers = [_Walker(data, frame, scan) for scan in header.scans]
    compiled = _PAYOFF.reached(sum([walker.cost for walker in walkers]))
    try:
        return _extents(walkers, compiled, quick=compiled)
    except _UnsureError:
        return _extents(walkers, compiled, quick=False)


def _extents(walkers: list[_Walker], compiled: bool, *, quick: bool) -> list[Extent]:
    histories: dict[int, Any] = {}
    found = []
    for number, walker in enumerate(walkers):
        extent = walker.extent if quick else None
        if quick and extent is None and walker.refines:
            extent = walker.walk_with(walkers[number + 1 :], histories)
        if extent is None:
            extent = walker.walk(histories, compiled, quick)
        found.append(extent)
        if extent.problem:
            break
    return found


class _UnsureError(Exception):
    """The quick walk cannot tell, and has spoilt what is known of the scans before."""


class _Walker:
    """One scan, made ready for the kernels."""

    compiled = quick = False
    #: What was found together with a scan before.
    extent: Extent | None = None

    def __init__(self, data: bytes, frame: Frame, scan: Scan) -> None:
        self.data, self.frame, self.scan = data, frame, scan
        across, down = grid(frame, scan)
        self.mcus = across * down
        self.interval = scan.restart_interval or self.mcus

    @property
    def cost(self) -> int:
        """Bytes, and MCUs: one of thousands may take less than a bit in progressive scans."""
        return self.scan.end - self.scan.start + self.mcus

    def _unstuff(self) -> None:
        """Take the scan apart into restart intervals, without stuffed bytes."""
        scan = self.scan
        coded = self.data[scan.start : scan.end].rstrip(b"\xff")  # fill before the marker behind the scan
        parts = _RESTART.split(coded) if scan.restart_interval else [coded]
        # FF is always followed by 00, unless fill bytes stand between (T.81 B.1.1.5, B.1.1.2).
        parts = [
            _STUFFED.sub(b"\xff", part) if b"\xff\xff" in part else part.replace(b"\xff\x00", b"\xff")
            for part in parts[: -(-self.mcus // self.interval)]
        ]
        self.starts, self.ends, position = [], [], 0
        for part in parts:
            self.starts.append(position)
            position += 8 * len(part)
            self.ends.append(position)
        self.coded = b"".join([*parts, bytes(huffman.PADDING)])

    def walk(self, histories: dict[int, Any], compiled: bool, quick: bool) -> Extent:
        """How much is there. ``histories`` hold, for each component, what AC scans have coded so far."""
        self.compiled, self.quick = compiled, quick
        progressive = self.frame.process == "progressive"
        if not progressive or self.scan.spectral_start == 0:
            if progressive and self.scan.high:
                return self._refine_dc()
            return self._blocks(sequential=self.frame.process in ("baseline", "extended"))
        return self._band(histories)

    @property
    def _is_band(self) -> bool:
        return self.frame.process == "progressive" and self.scan.spectral_start > 0

    @property
    def refines(self) -> bool:
        """Whether this is a scan that refines AC coefficients, of one restart interval."""
        return self._is_band and self.scan.high > 0 and self.interval >= self.mcus

    def walk_with(self, behind: list[_Walker], histories: dict[int, Any]) -> Extent | None:
        """Walk two scans that refine at once: this one, and one of those behind, which then knows its extent.

        None where there is none: the longest one that is the next one of AC coefficients of its component.
        """
        following: dict[Component, _Walker] = {}
        for other in behind:
            if other._is_band:
                following.setdefault(other.scan.components[0], other)
        fitting = [
            each
            for each in following.values()
            if each.refines and each.extent is None and each.mcus == self.mcus
        ]
        if not fitting:
            return None
        other = max(fitting, key=attrgetter("cost"))
        self.compiled = other.compiled = True
        each = self._history(histories), other._history(histories)
        spare = _quick().spare_of_bands(self.data, self.scan, other.scan, *each)
        if spare is None:
            raise _UnsureError
        other.extent = other._extent(huffman.WHOLE, other.mcus, spare[1])
        return self._extent(huffman.WHOLE, self.mcus, spare[0])

    def _history(self, histories: dict[int, Any]) -> Any:
        """What scans before have coded of this scan's component."""
        identifier = self._component().identifier
        if identifier not in histories:
            histories[identifier] = self._zeros()
        return histories[identifier]

    def _component(self) -> Component:
        if len(self.scan.components) != 1:
            raise CodestreamError("an AC scan of a progressive frame has several components")
        return self.scan.components[0]

    def _extent(self, status: int, whole: int, spare: int) -> Extent:
        problem = _PROBLEMS[status]
        if not problem and whole != self.mcus:
            problem = "cut"
        return Extent(problem, int(whole), self.mcus, int(spare))

    def _refine_dc(self) -> Extent:
        """One bit a block (T.81 G.1.2.1)."""
        coded = self.data[self.scan.start : self.scan.end]
        if self.scan.restart_interval or b"\xff\xff" in coded or coded.endswith(b"\xff"):
            self._unstuff()
        else:
            self.starts, self.ends = [0], [8 * (len(coded) - coded.count(b"\xff\x00"))]
        whole = spare = 0
        units = sum(units_of(self.scan))
        for start, end in zip(self.starts, self.ends, strict=True):
            wanted = min(self.interval, self.mcus - whole)
            there = (end - start) // units
            if there < wanted:
                return self._extent(huffman.CUT, whole + there, spare)
            whole += wanted
            spare = max(spare, end - start - wanted * units)
        return self._extent(huffman.WHOLE, whole, spare)

    def _blocks(self, *, sequential: bool) -> Extent:
        """Blocks, or the differences of lossless and progressive DC scans."""
        kind: Kind = "category" if self.frame.process == "lossless" else "difference"
        if self.quick:
            scan = self.data, self.scan, self.interval, self.mcus
            spare = _quick().spare_of_blocks(*scan, kind, sequential=sequential)
            if spare >= 0:
                return self._extent(huffman.WHOLE, self.mcus, spare)
        if kind == "category" and len({td for td, _ in self.scan.tables}) == 1:
            table = self._table(0, self.scan.tables[0][0], kind)
            units = sum(units_of(self.scan))
            status, whole, spare = self._run("walk_differences", table, units=units)
            return self._extent(status, whole // units, spare)
        tables: list[Any] = []
        dc: list[int] = []
        ac: list[int] = []
        for (td, ta), units in zip(self.scan.tables, units_of(self.scan), strict=True):
            dc += [len(tables) * huffman.TABLE_SIZE] * units
            tables.append(self._table(0, td, kind))
            ac += [len(tables) * huffman.TABLE_SIZE if sequential else -1] * units
            if sequential:
                tables.append(self._table(1, ta, "coefficients"))
        walked = self._integers(dc), self._integers(ac), _joined(tables, self.compiled)
        return self._extent(*self._run("walk_blocks", *walked))

    def _band(self, histories: dict[int, Any]) -> Extent:
        """Coefficients Ss to Se of one component, in a progressive frame."""
        scan, history = self.scan, self._history(histories)
        if self.quick:
            spare = _quick().spare_of_band(self.data, scan, self.interval, history)
            if spare < 0:
                raise _UnsureError
            return self._extent(huffman.WHOLE, self.mcus, spare)
        table = self._table(1, scan.tables[0][1], "band")
        band = scan.spectral_start, scan.spectral_end, scan.high > 0
        return self._extent(*self._run("walk_band", *band, history, table))

    def _zeros(self) -> Any:
        if not self.compiled:
            return [0] * self.mcus
        import numpy as np

        return np.zeros(self.mcus + 2, np.int64)  # kernels look at two blocks behind

    def _run(self, name: str, *arguments: Any, units: int = 1) -> tuple[int, int, int]:
        """Call a kernel, compiled or not, for MCUs or, with ``units`` in each, for data units."""
        self._unstuff()
        coded: Any = self.coded
        kernels: Any = huffman
        if self.compiled:
            import numpy as np

            from fastdcm.kernels import huffman_compiled

            kernels, coded = huffman_compiled, np.frombuffer(coded, np.uint8)
        starts, ends = self._integers(self.starts), self._integers(self.ends)
        found: tuple[int, int, int] = getattr(kernels, name)(
            coded, starts, ends, self.interval * units, self.mcus * units, *arguments
        )
        return found

    def _integers(self, values: list[int]) -> Any:
        if not self.compiled:
            return values
        import numpy as np

        return np.array(values, np.int64)

    def _table(self, table_class: int, destination: int, kind: Kind) -> Any:
        return _table(definition_of(self.scan, table_class, destination), kind, self.compiled)


def _joined(tables: list[Any], compiled: bool) -> Any:
    if not compiled:
        return [entry for table in tables for entry in table]
    import numpy as np

    return np.concatenate(tables)


@lru_cache(maxsize=64)
def _table(definition: bytes, kind: Kind, compiled: bool) -> Any:
    """The table of `fastdcm.kernels.huffman` for 16 counts and the values (T.81 C.2)."""
    check_definition(definition)
    counts, values = definition[:16], definition[16:]
    single, limits, offsets, steps = [0] * (1 << huffman.LOOKUP_BITS), [0], [0], [0] * 256
    code = index = 0
    for length, count in enumerate(counts, 1):
        offsets.append(index - code)
        for value in values[index : index + count]:
            steps[index] = _step(value, kind)
            if length <= huffman.LOOKUP_BITS:
                spare = huffman.LOOKUP_BITS - length
                entry = steps[index] + length | length << 16
                single[code << spare : (code + 1) << spare] = [entry] * (1 << spare)
            code, index = code + 1, index + 1
        limits.append(code)
        code <<= 1
    table = [*single, *single, *limits, *offsets, *steps]
    if not compiled:
        return table
    import numpy as np

    from fastdcm.kernels import huffman_compiled

    array = np.array(table, np.int32)
    if kind in ("coefficients", "category"):
        huffman_compiled.combine(array)
    array.flags.writeable = False
    return array


def _step(value: int, kind: Kind) -> int:
    """The bits that follow a code | the coefficients it stands for << 8, or its value << 8."""
    if kind in ("difference", "category"):  # H.1.2.2: category 16 has no bits
        check_category(value, kind)
        return (value & 15) | 1 << 8
    if kind == "band":
        return value << 8
    zeros, size = value >> 4, value & 15
    if size:
        return size | (zeros + 1) << 8
    return 16 << 8 if zeros == 15 else huffman.END_OF_BLOCK << 8
