"""The matrix with what DCMTK, GDCM, OpenJPEG's and libjxl's commands write, where they are installed."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array

import fastdcm
from tests.builders import encapsulated, image
from tests.encodings.cases import ROOT_UID, Array, Case
from tests.encodings.makers import dicom_file, turbo

Peer = Callable[[str], str]
RGB, YBR, PALETTE = "RGB", "YBR_FULL", "PALETTE COLOR"


def run(command: str, *arguments: str | Path) -> None:
    subprocess.run([command, *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Transcoding(NamedTuple):
    """A program that rewrites a native object in ``syntax``; values may be off by ``near``."""

    tool: str
    arguments: str
    syntax: str
    case: Case
    near: int = 0

    @property
    def name(self) -> str:
        return f"{self.tool} {self.arguments} {self.case.name}"


def native(*depth: int, **changes: object) -> Case:
    return Case(".1", "layout", *depth, **changes)  # type: ignore[arg-type]


GRAY = [
    native(8, frames=2),
    native(16, 12, frames=2),
    native(16, 12, signed=True),
    native(16),
    native(16, signed=True),
    native(8, photometric="MONOCHROME1"),
]
ELSEWHERE = [native(16, 12, high_bit=15), native(16, 12, high_bit=13, signed=True)]
COLOUR = [native(8, photometric=RGB, frames=2), native(8, photometric=RGB, planar=1)]
LOSSLESS = [
    *(
        Transcoding("dcmcrle", "", ".5", case)
        for case in [*GRAY, *ELSEWHERE, *COLOUR, native(8, photometric=YBR)]
    ),
    *(Transcoding("dcmcjpls", "", ".4.80", case) for case in [*GRAY, *ELSEWHERE, native(8, photometric=YBR)]),
    *(
        Transcoding("dcmcjpls", f"{mode} {near}".strip(), syntax, case, off)
        for mode in ("+il", "+is", "+in")
        for near, syntax, off in (("", ".4.80", 0), ("+en +md 3", ".4.81", 3))
        for case in COLOUR
    ),
    *(Transcoding("dcmcjpls", "+en +md 2", ".4.81", case, 2) for case in (native(8), native(16, 12))),
    *(Transcoding("dcmcjpeg", "+e1", ".4.70", case) for case in [*GRAY, *ELSEWHERE, *COLOUR]),
    *(
        Transcoding("dcmcjpeg", f"+el +sv {predictor}", ".4.57", case)
        for predictor in range(1, 8)
        for case in (native(8), native(16, 12, frames=2), native(16, signed=True), native(8, photometric=RGB))
    ),
    *(
        # The lowest bits of the sample are not coded (T.81 H.1.2.1).
        Transcoding("dcmcjpeg", f"+el +sv {predictor} +pt {shift}", ".4.57", native(16, 12), (1 << shift) - 1)
        for predictor in (1, 4, 7)
        for shift in (1, 2, 4)
    ),
    *(
        Transcoding("gdcmconv", arguments, syntax, case)
        for arguments, syntax in (
            ("-J", ".4.70"),
            ("-K", ".4.90"),
            ("-K -t 8,8", ".4.90"),
            ("-K -Y", ".4.91"),
            ("-L", ".4.80"),
            ("-R", ".5"),
        )
        for case in [*GRAY, native(8, photometric=RGB, frames=2)]
        if arguments != "-R" or case.photometric != "MONOCHROME1"  # which gdcmconv refuses
    ),
    *(
        Transcoding("dcmconv", option, syntax, case)
        for option, syntax in (("+te", ".1"), ("+ti", ""), ("+tb", ".2"), ("+td", ".1.99"))
        for case in [*GRAY, *ELSEWHERE, *COLOUR, native(1, frames=3), native(8, photometric=YBR)]
    ),
]


def transcoded(peer: Peer, folder: Path, row: Transcoding) -> bytes:
    source, target = folder / "native.dcm", folder / "coded.dcm"
    identity = {
        "sop_class": "1.2.840.10008.5.1.4.1.1.7",
        "sop_instance": "1.2.3.4",
        "series_instance": "1.2.3",
    }
    source.write_bytes(dicom_file(row.case, **identity))
    run(peer(row.tool), *row.arguments.split(), source, target)
    return target.read_bytes()


def parameters(found: list[Transcoding]) -> list[object]:
    return [
        pytest.param(row, id=row.name, marks=pytest.mark.encodes(row.syntax, *row.case.cell[1:]))
        for row in found
    ]


@pytest.mark.parametrize("row", parameters(LOSSLESS))
def test_values_that_went_in_come_out(peer: Peer, tmp_path: Path, row: Transcoding) -> None:
    with fastdcm.open(transcoded(peer, tmp_path, row)) as found:
        assert found.header.transfer_syntax_uid == ROOT_UID + row.syntax
        off = np.abs(
            found.pixels(None, raw=True).astype(int).reshape(row.case.pixels.shape) - row.case.pixels
        )
        assert off.max() <= row.near
        assert not row.near or off.any()
        # Both give lossless streams all Bits Allocated, and so, in the second, do the signed ones of GDCM.
        assert {notice.code for notice in found.notices} <= {"precision", "sign"}


LOSSY = [
    Transcoding("dcmcjpeg", option, syntax, case._replace(smooth=True), 2)
    for option, syntax in (("+eb", ".4.50"), ("+ee", ".4.51"), ("+es", ".4.53"), ("+ep", ".4.55"))
    for case in [native(8, frames=2), native(16, 12, frames=2), native(8, photometric=RGB)]
    if option != "+eb" or case.bits == 8
] + [
    Transcoding(
        "dcmcjpeg",
        f"{option} {sampling}",
        syntax,
        native(8, photometric=RGB, smooth=True, columns=columns),
        2,
    )
    for option, syntax in (("+eb", ".4.50"), ("+ep", ".4.55"))
    for sampling in ("+s4", "+n2", "+n1", "+np", "+s2")
    for columns in (22, 23)
]


@pytest.mark.filterwarnings("ignore")  # pydicom on what DCMTK writes
@pytest.mark.parametrize("row", parameters(LOSSY))
def test_as_dcmtk_decodes_it(peer: Peer, tmp_path: Path, row: Transcoding) -> None:
    """By IJG's library, colours as coded; 4:1:1 is what it calls 2 x 2."""
    data = transcoded(peer, tmp_path, row)
    run(peer("dcmdjpeg"), "+cn", tmp_path / "coded.dcm", tmp_path / "decoded.dcm")
    theirs = pixel_array(pydicom.dcmread(tmp_path / "decoded.dcm"), raw=True)
    with fastdcm.open(data) as found:
        assert found.header.transfer_syntax_uid == ROOT_UID + row.syntax
        ours = found.pixels(None, raw=True)
        assert np.abs(ours.astype(int).reshape(theirs.shape) - theirs).max() <= row.near
        assert not found.notices
        if row.case.samples == 3:
            off = np.abs(found.pixels().astype(int) - row.case.pixels[0])
            assert off.mean() < 8


# Programs that know no DICOM: a stream, and a data set around it


def pnm(pixels: Array, bits: int) -> bytes:
    """A PGM or PPM of so many bits."""
    rows, columns = pixels.shape[:2]
    kind = "P6" if pixels.ndim == 3 else "P5"
    data = pixels.astype(">u2" if bits > 8 else "u1").tobytes()
    return f"{kind}\n{columns} {rows}\n{(1 << bits) - 1}\n".encode() + data


def coded_by(tool: str, folder: Path, case: Case, suffix: str, *arguments: str) -> bytes:
    source = folder / ("image.ppm" if case.samples == 3 else "image.pgm")
    source.write_bytes(pnm(case.pixels[0], case.bits))
    target = folder / f"image.{suffix}"
    if suffix == "j2k":
        run(tool, "-i", source, "-o", target, *arguments)
    else:
        run(tool, source, target, *arguments)
    return target.read_bytes()


def around(stream: bytes, case: Case) -> bytes:
    return image(
        encapsulated([stream]),
        case.uid,
        rows=case.rows,
        columns=case.columns,
        bits=case.allocated,
        stored=case.bits,
        samples=case.samples,
        photometric=case.photometric,
    )


SIZE = {"rows": 70, "columns": 83}
STREAMS = [
    Case(".4.90", "", 8, **SIZE),  # type: ignore[arg-type]
    Case(".4.90", "", 16, 12, **SIZE),  # type: ignore[arg-type]
    Case(".4.90", "", 16, **SIZE),  # type: ignore[arg-type]
    Case(".4.90", "", 8, photometric="YBR_RCT", **SIZE),  # type: ignore[arg-type]
]


def stream_rows(cases: list[Case], options: list[str]) -> list[object]:
    return [
        pytest.param(case, option, id=f"{case.name} {option}", marks=pytest.mark.encodes(*case.cell))
        for case in cases
        for option in options
    ]


@pytest.mark.parametrize(
    ("case", "options"),
    stream_rows(
        STREAMS,
        [
            "",
            "-n 1",
            "-t 40,24 -n 3",
            "-p RLCP",
            "-p RPCL",
            "-p PCRL",
            "-p CPRL",
            "-b 16,16 -c [64,64],[32,32]",
            "-r 20,5,1",
            "-SOP -EPH",
            "-PLT -TLM -t 40,40 -n 3 -TP R",
            "-M 1",
            "-M 63",
            "-d 3,5 -T 1,2",
        ],
    ),
)
def test_what_opj_compress_writes(peer: Peer, tmp_path: Path, case: Case, options: str) -> None:
    stream = coded_by(peer("opj_compress"), tmp_path, case, "j2k", *options.split())
    with fastdcm.open(around(stream, case)) as found:
        np.testing.assert_array_equal(found.pixels(raw=True), case.pixels[0])
        assert not found.notices


@pytest.mark.parametrize(
    ("case", "options"),
    stream_rows(
        [
            Case(".4.110", "", 8),
            Case(".4.110", "", 16),  # not 12: cjxl 0.7 takes the maximum of a PGM for 65535
            Case(".4.110", "", 8, photometric=RGB),
            Case(".4.110", "", 16, photometric=RGB),
        ],
        ["-e 1", "-e 7", "-e 7 --container=1", "-e 3 -p"],
    ),
)
def test_what_cjxl_writes(peer: Peer, tmp_path: Path, case: Case, options: str) -> None:
    stream = coded_by(peer("cjxl"), tmp_path, case, "jxl", "-d", "0", *options.split())
    with fastdcm.open(around(stream, case)) as found:
        np.testing.assert_array_equal(found.pixels(raw=True), case.pixels[0])
        assert not found.notices


@pytest.mark.parametrize(
    ("case", "options"),
    stream_rows(
        [
            Case(".4.112", "", 8, smooth=True),
            Case(".4.112", "", 8, photometric=RGB, smooth=True),
            Case(".4.112", "", 16, smooth=True),
        ],
        ["-d 1", "-d 2 -e 3"],
    ),
)
def test_lossy_jpeg_xl_as_djxl_decodes_it(peer: Peer, tmp_path: Path, case: Case, options: str) -> None:
    """Another version of libjxl; 16 bits are compared at 8, which lossy coding aims at."""
    stream = coded_by(peer("cjxl"), tmp_path, case, "jxl", *options.split())
    decoded = tmp_path / ("out.ppm" if case.samples == 3 else "out.pgm")
    run(peer("djxl"), tmp_path / "image.jxl", decoded)
    theirs = read_pnm(decoded.read_bytes())
    with fastdcm.open(around(stream, case)) as found:
        ours = found.pixels(raw=True).astype(int)
        assert np.abs(ours - theirs).max() <= 1 << (case.bits - 8)


def read_pnm(data: bytes) -> Array:
    """A PGM or PPM, as djxl writes it."""
    kind, columns, rows, top, pixels = data.split(maxsplit=4)
    words = np.frombuffer(data[len(data) - len(pixels) :], "u1" if int(top) < 256 else ">u2")
    return words.astype(int).reshape(int(rows), int(columns), *[3] * (kind == b"P6"))


@pytest.mark.encodes(".4.111", 8, "YBR_FULL_422")
@pytest.mark.parametrize("subsampling", ["444", "420"])
def test_jpeg_that_cjxl_recompressed(peer: Peer, tmp_path: Path, subsampling: str) -> None:
    """As the JPEG itself, in which DCMTK's and our decoders agree."""
    case = Case(".4.111", "", photometric="YBR_FULL_422", setting=subsampling, smooth=True)
    source, target = tmp_path / "image.jpg", tmp_path / "image.jxl"
    source.write_bytes(turbo(case.pixels[0], case))
    run(peer("cjxl"), source, target)
    expected = fastdcm.read(around(source.read_bytes(), case._replace(syntax=".4.50")))
    with fastdcm.open(io.BytesIO(around(target.read_bytes(), case))) as found:
        off = np.abs(found.pixels().astype(int) - expected)
        assert off.max() <= (2 if subsampling == "444" else 8)
        assert off.mean() < 1
