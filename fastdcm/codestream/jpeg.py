"""JPEG (ITU-T T.81) and JPEG-LS (ITU-T T.87) streams: headers, scans and the end; nothing is decoded.

What is proven: every segment and every scan lies inside the data, each component is coded, the
scans are long enough for their number of blocks, restart markers are all there, and EOI follows.
What is not: that a scan of plausible length codes every MCU; `fastdcm.codestream.jpeg_entropy` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice

from fastdcm.codestream import markers
from fastdcm.codestream.jpeg_scan import Component, Frame, Scan, grid, least_bits
from fastdcm.codestream.markers import Process, marker_at, segment_end
from fastdcm.errors import CodestreamError, UnsupportedError

_LIMIT_SCANS = 256  # encoders write about ten; more serve to keep decoders busy
_ALL_COEFFICIENTS = (1 << 64) - 1

#: From data, an offset, and whether restart markers are part of the scan there, to the offset of the marker
#: behind it, or the data's end.
ScanEnd = Callable[[bytes, int, bool], int]


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What a stream says about itself (T.81 B.2, T.87 C.2).

    ``predictor``, ``point_transform``, ``near`` and ``interleave`` are those of the first scan, and
    0 where the process has none. ``app14_transform`` is None without an Adobe marker;
    ``hp_transform`` is the colour transform of HP's ``mrfx`` marker, 0 for none. ``complete`` is
    false for a progressive stream that leaves out coefficients or bits of them (legal, but also
    what a stream cut between scans looks like). ``end`` is the offset after EOI.
    """

    process: Process
    sof: int
    precision: int
    rows: int
    columns: int
    components: tuple[Component, ...]
    restart_interval: int
    predictor: int
    point_transform: int
    near: int
    interleave: int
    app14_transform: int | None
    has_jfif: bool
    has_icc: bool
    hp_transform: int
    scans: tuple[Scan, ...]
    complete: bool
    end: int

    @property
    def subsampled(self) -> bool:
        """Whether the components differ in their sampling factors."""
        first = self.components[0]
        return any(c.horizontal != first.horizontal or c.vertical != first.vertical for c in self.components)


def parse(data: bytes, *, partial: bool = False, scan_end: ScanEnd | None = None) -> JpegHeader:
    """Read the headers and walk the scans of a JPEG or JPEG-LS stream up to its EOI.

    With ``partial`` the data may end within a scan or behind it. ``scan_end`` is given by who decodes
    lossless scans, and finds their ends faster; restart markers are then left to that one.

    Raises CodestreamError for what is damaged or cut, UnsupportedError for arithmetic coding, hierarchical
    streams, and dimensions that stand outside the frame header (DNL, LSE).
    """
    return _Walk(data, partial, scan_end).run()


class _Walk:
    """One pass over the markers; what they say is collected here."""

    def __init__(self, data: bytes, partial: bool, scan_end: ScanEnd | None) -> None:
        self.data, self.partial, self.scan_end = data, partial, scan_end
        self.frame: Frame | None = None
        self.scans: list[Scan] = []
        self.interval = 0
        self.huffman: dict[int, bytes] = {}  # Tc, Th -> the table's lengths and values
        self.coded: dict[int, int] = {}  # component -> mask of coefficients with all their bits
        self.app14: int | None = None
        self.jfif = self.icc = False
        self.hp_transform = 0

    def run(self) -> JpegHeader:
        data = self.data
        if data[:2] != b"\xff\xd8":
            raise CodestreamError("no SOI marker at the start")
        segments = 0
        code, position = marker_at(data, 2)
        while code != markers.EOI:
            if code in markers.PROCESSES:
                position = self._read_frame(code, position)
            elif code == markers.SOS:
                position = self._read_scan(position)
            elif code in markers.SEGMENTS:
                segments += 1
                if segments > markers.LIMIT_SEGMENTS:
                    raise CodestreamError(f"more than {markers.LIMIT_SEGMENTS} marker segments")
                end = segment_end(data, position, code)
                self._read_segment(code, position + 2, end)
                position = end
            elif code in markers.REFUSED:
                raise UnsupportedError(f"{markers.REFUSED[code]} is not supported")
            else:
                raise CodestreamError(f"marker 0xFF{code:02X} at byte {position - 2}, where none may be")
            if self.partial and self.scans and position + 2 > len(data):
                return self._header(len(data))
            code, position = marker_at(data, position)
        return self._header(position)

    def _read_frame(self, code: int, position: int) -> int:
        """T.81 B.2.2: Lf, P, Y, X, Nf, then Ci, Hi/Vi, Tqi for each component."""
        data = self.data
        end = segment_end(data, position, "SOF")
        if self.frame is not None:
            raise CodestreamError(f"second frame header at byte {position - 2}")
        if end < position + 8 or end != position + 8 + 3 * data[position + 7]:
            raise CodestreamError("the SOF segment's length does not fit its number of components")
        process = markers.PROCESSES[code]
        precision = data[position + 2]
        rows = data[position + 3] << 8 | data[position + 4]
        columns = data[position + 5] << 8 | data[position + 6]
        components = tuple(
            Component(data[at], data[at + 1] >> 4, data[at + 1] & 15) for at in range(position + 8, end, 3)
        )
        if rows == 0:
            missing = "LSE" if process == "jpeg-ls" else "DNL"
            raise UnsupportedError(
                f"zero lines in the frame header (left to a {missing} segment) is not supported"
            )
        if columns == 0:
            raise CodestreamError("the frame header says zero columns")
        if precision not in markers.PRECISIONS[process]:
            raise CodestreamError(f"a precision of {precision} bits is none of {process} JPEG")
        if not components or len({c.identifier for c in components}) != len(components):
            raise CodestreamError("the frame header has no components, or two of one identifier")
        if any(not (1 <= c.horizontal <= 4 and 1 <= c.vertical <= 4) for c in components):
            raise CodestreamError("a sampling factor of the frame header is not in 1..4")
        self.frame = Frame(process, code, precision, rows, columns, components)
        return end

    def _read_segment(self, code: int, start: int, end: int) -> None:
        data = self.data
        if code == markers.DRI:  # T.81 B.2.4.4; T.87 C.2.5 allows 3 and 4 bytes too
            if not 2 <= end - start <= 4:
                raise CodestreamError("the DRI segment has a wrong length")
            self.interval = int.from_bytes(data[start:end], "big")
        elif code == markers.DHT:
            self._read_huffman(start, end)
        elif code == markers.APP0:
            self.jfif |= data[start : start + 5] == b"JFIF\0"
        elif code == markers.APP2:
            self.icc |= data[start : start + 12] == b"ICC_PROFILE\0"
        elif code == markers.APP8 and data[start : start + 4] == b"mrfx" and end == start + 5:
            self.hp_transform = data[start + 4]
        elif code == markers.APP14 and data[start : start + 5] == b"Adobe" and end >= start + 12:
            self.app14 = data[start + 11]
        elif code == markers.DNL and int.from_bytes(data[start:end], "big") != (
            self.frame.rows if self.frame else 0
        ):
            raise UnsupportedError("a DNL segment that changes the number of lines is not supported")

    def _read_huffman(self, start: int, end: int) -> None:
        """T.81 B.2.4.2: Tc and Th, the number of codes of each length, the values in their order."""
        found = dict(self.huffman)  # scans that were read keep theirs
        while start < end:
            stop = start + 17 + sum(self.data[start + 1 : start + 17])
            if stop > end or stop > start + 17 + 256:
                raise CodestreamError("a Huffman table is longer than its DHT segment, or than 256 codes")
            found[self.data[start]] = self.data[start + 1 : stop]
            start = stop
        self.huffman = found

    def _read_scan(self, position: int) -> int:
        """T.81 B.2.3, T.87 C.2.3: Ls, Ns, then Csj, Tdj/Taj for each component, Ss, Se, Ah/Al."""
        data, frame = self.data, self.frame
        end = segment_end(data, position, "SOS")
        if frame is None:
            raise CodestreamError("a scan without a frame header (SOF) before it")
        if end < position + 6 or end != position + 6 + 2 * data[position + 2] or end == position + 6:
            raise CodestreamError("the SOS segment's length does not fit its number of components")
        known = {c.identifier: c for c in frame.components}
        identifiers = data[position + 3 : end - 3 : 2]
        if not known.keys() >= set(identifiers) or len(set(identifiers)) != len(identifiers):
            raise CodestreamError("a scan names a component twice, or one that the frame header lacks")
        start, stop, approximation = data[end - 3 : end]
        if frame.process == "jpeg-ls":
            if any(data[position + 4 : end - 3 : 2]):
                raise UnsupportedError("JPEG-LS mapping tables (palettes) are not supported")
            if stop > 2:
                raise CodestreamError(f"interleave mode {stop} is none of JPEG-LS")
        elif frame.process == "progressive" and not start <= stop <= 63:
            raise CodestreamError(f"a scan of coefficients {start}..{stop}")
        elif frame.process == "lossless" and not 1 <= start <= 7:
            raise CodestreamError(f"predictor {start} is none of lossless JPEG")  # T.81 table H.1
        scan = Scan(
            components=tuple(known[i] for i in identifiers),
            tables=tuple((byte >> 4, byte & 15) for byte in data[position + 4 : end - 3 : 2]),
            huffman=self.huffman,
            spectral_start=start,
            spectral_end=stop,
            high=approximation >> 4,
            low=approximation & 15,
            restart_interval=self.interval,
            start=end,
            end=self._scan_end(end),
        )
        self._check_length(frame, scan)
        whole = _ALL_COEFFICIENTS
        if frame.process == "progressive":
            band = (2 << stop) - (1 << start)
            whole = band if scan.low == 0 else 0
        elif not self.coded.keys().isdisjoint(identifiers):
            raise CodestreamError("a component is coded by two scans")
        for identifier in identifiers:
            self.coded[identifier] = self.coded.get(identifier, 0) | whole
        self.scans.append(scan)
        if len(self.scans) > _LIMIT_SCANS:
            raise CodestreamError(f"more than {_LIMIT_SCANS} scans")
        return scan.end

    def _scan_end(self, start: int) -> int:
        """Return the offset of the marker that ends the scan."""
        assert self.frame is not None
        if self.scan_end is not None and self.frame.process == "lossless":
            end = self.scan_end(self.data, start, self.interval > 0)
        else:
            pattern = markers.SCAN_ENDS[self.frame.process == "jpeg-ls", self.interval > 0]
            found = pattern.search(self.data, start)
            end = len(self.data) if found is None else found.start()
        if end == len(self.data) and not self.partial:
            raise CodestreamError("cut: ends without an EOI marker")
        return end

    def _check_length(self, frame: Frame, scan: Scan) -> None:
        """Compare the scan's bytes and restart markers with what its geometry needs at least."""
        length = scan.end - scan.start
        if length * 8 < least_bits(frame, scan) and not self.partial:
            raise CodestreamError(
                f"cut: {length} bytes of scan cannot code {frame.rows} x {frame.columns} samples"
            )
        if self.interval and frame.process != "jpeg-ls" and self.scan_end is None:
            across, down = grid(frame, scan)
            expected = (across * down - 1) // self.interval
            found = markers.RESTARTS.findall(self.data, scan.start, scan.end)
            if len(found) < expected and not self.partial:
                raise CodestreamError(f"cut: {len(found)} of {expected} restart markers are there")
            there = found[:expected]
            order = islice(cycle(range(0xD0, 0xD8)), len(there))
            if b"".join(there) != bytes(order):
                raise CodestreamError("restart markers are out of order: part of the scan is missing")

    def _header(self, end: int) -> JpegHeader:
        frame = self.frame
        if frame is None:
            raise CodestreamError("no frame header (SOF) before EOI")
        if not self.scans:
            raise CodestreamError("no scan (SOS) before EOI")
        absent = [c.identifier for c in frame.components if c.identifier not in self.coded]
        if absent:
            raise CodestreamError(f"cut: no scan codes component {absent[0]}")
        first = self.scans[0]
        lossless, jpeg_ls = frame.process == "lossless", frame.process == "jpeg-ls"
        return JpegHeader(
            *frame,
            restart_interval=first.restart_interval,
            predictor=first.spectral_start if lossless else 0,
            point_transform=first.low if lossless or jpeg_ls else 0,
            near=first.spectral_start if jpeg_ls else 0,
            interleave=first.spectral_end if jpeg_ls else 0,
            app14_transform=self.app14,
            has_jfif=self.jfif,
            has_icc=self.icc,
            hp_transform=self.hp_transform,
            scans=tuple(self.scans),
            complete=all(mask == _ALL_COEFFICIENTS for mask in self.coded.values()),
            end=end,
        )


def colour(header: JpegHeader, photometric_interpretation: str) -> str:
    """Return what the stream codes: RGB, YBR_FULL, MONOCHROME1, MONOCHROME2 or PALETTE COLOR.

    What writers declare and what they code often differ, so the stream's own signs come first:
    Adobe's APP14 transform (0 RGB, 1 YCbCr), JFIF (YCbCr by definition), component identifiers
    'R', 'G', 'B', chroma of lower resolution, and only then the Photometric Interpretation.

    In lossless JPEG and JPEG-LS, JFIF is no sign: neither process transforms colour, RGB is coded
    as it is, and many encoders write the APP0 segment in front of any stream. Lower resolution is
    none there either.

    Raises UnsupportedError for streams of neither one nor three components.
    """
    count = len(header.components)
    if count == 1:
        single = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
        return photometric_interpretation if photometric_interpretation in single else "MONOCHROME2"
    if count != 3:
        raise UnsupportedError(f"JPEG streams of {count} components are not supported")
    transforms = header.process not in ("lossless", "jpeg-ls")
    if header.app14_transform is not None:
        return "RGB" if header.app14_transform == 0 else "YBR_FULL"
    if header.has_jfif and transforms:
        return "YBR_FULL"
    if bytes(c.identifier for c in header.components) == b"RGB":
        return "RGB"
    if header.subsampled and transforms:
        return "YBR_FULL"
    if photometric_interpretation.startswith("YBR"):
        return "YBR_FULL"
    if photometric_interpretation == "RGB" or not transforms:
        return "RGB"
    return "YBR_FULL"
