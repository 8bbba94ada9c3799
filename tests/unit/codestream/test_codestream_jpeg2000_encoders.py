"""Streams of other encoders and real files: their packets add up, and no cut of theirs does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames

from fastdcm.codestream import jpeg2000, sniff
from fastdcm.errors import CodestreamError
from tests.unit.codestream.jpeg2000_streams import (
    COLOUR,
    DEEP,
    GREY,
    PROGRESSIONS,
    assert_cuts_are_seen,
    assert_lengths_are_those_of_plt,
    ffmpeg,
    ojph_compress,
    opj_compress,
    opj_compress_420,
    prove,
    smooth,
    walk,
    with_length,
)

Peer = Callable[[str], str]


@pytest.mark.parametrize("order", PROGRESSIONS)
@pytest.mark.parametrize(
    "options",
    [
        "-n 4 -c [32,32],[16,16] -b 16,16 -r 20,5,1 -t 40,33 -d 7,5 -T 3,2 -SOP -EPH",
        "-n 3 -c [64,32],[32,64] -b 32,8 -q 25,30,40 -I",
        "-n 3 -r 20,1 -TP R -t 50,50 -EPH",
        "-n 3 -r 20,1 -TP L -SOP",
        "-n 3 -r 20,1 -TP C -mct 0 -c [16,16]",
        "subsampled -n 4 -c [32,32] -b 8,8 -r 20,5,1 -d 3,3",
        "subsampled -n 3 -t 21,17 -r 5,1",
    ],
)
def test_openjpeg_adds_up(order: str, options: str, peer: Peer, tmp_path: Path) -> None:
    tool, options = peer("opj_compress"), f"{options} -p {order}"
    if options.startswith("subsampled"):
        stream = opj_compress_420(tool, tmp_path, options.removeprefix("subsampled"))
    else:
        stream = opj_compress(tool, tmp_path, COLOUR, options)
    prove(stream)
    assert_cuts_are_seen(stream, 8)


@pytest.mark.parametrize("style", [1, 2, 4, 5, 8, 16, 32, 63])
def test_openjpeg_code_block_styles(style: int, peer: Peer, tmp_path: Path) -> None:
    """Bypass and termination of passes make several codeword segments (T.800 table D.9)."""
    stream = opj_compress(peer("opj_compress"), tmp_path, DEEP, f"-M {style} -n 3 -r 30,10,1", bits=12)
    assert jpeg2000.parse(stream).cod.blocks.style == style
    assert_cuts_are_seen(stream, 8)
    passes = [
        passes for packet in walk(stream) for each in packet.contributions for _, passes in each.segments
    ]
    if style & 4:
        assert max(passes) == 1
    else:
        assert max(passes) <= 10 if style & 1 else max(passes) > 10


@pytest.mark.parametrize(
    "options",
    [
        "-POC T1=0,0,1,3,3,CPRL/T1=3,0,1,6,3,RLCP",  # in the header of a tile-part
        "-t 50,50 -POC T1=0,0,1,3,3,PCRL/T1=3,0,1,6,3,RLCP",
        "-PLT -TLM -TP R",
        "-n 1 -b 4,4",
        "-ROI c=1,U=5",
        "-r 400,200",
    ],
)
def test_openjpeg_other_options(options: str, peer: Peer, tmp_path: Path) -> None:
    stream = opj_compress(peer("opj_compress"), tmp_path, COLOUR, options)
    prove(stream)
    assert_cuts_are_seen(stream, 8)


@pytest.mark.parametrize(("bits", "kind"), [(8, "i1"), (12, "i2"), (16, "u2"), (16, "i2")])
def test_openjpeg_depths(bits: int, kind: str, peer: Peer, tmp_path: Path) -> None:
    values = smooth(61, 83, bits=bits).astype(np.int64) - (1 << bits - 1) * (kind[0] == "i")
    prove(opj_compress(peer("opj_compress"), tmp_path, values.astype(kind), "-r 8,1", bits=bits))


@pytest.mark.parametrize("order", PROGRESSIONS)
@pytest.mark.parametrize(
    ("options", "bits"),
    [
        ("-reversible true -precincts {32,32},{16,64} -block_size {16,32} -num_decomps 4", 8),
        ("-qstep 0.01 -tile_size {33,40} -image_offset {5,7} -tile_offset {2,3} -num_decomps 2", 12),
        ("-reversible true -num_decomps 0 -block_size {4,1024}", 16),
    ],
)
def test_openjph_adds_up(order: str, options: str, bits: int, peer: Peer, tmp_path: Path) -> None:
    array = smooth(61, 83, samples=3, bits=bits)
    options = f"-prog_order {order} {options}"
    stream = ojph_compress(peer("ojph_compress"), tmp_path, array, options, bits=bits)
    prove(stream)
    assert_cuts_are_seen(stream, 8)


@pytest.mark.parametrize("order", PROGRESSIONS)
@pytest.mark.parametrize("options", ["-tile_width 50 -tile_height 40 -sop 1 -eph 1", "-layer_rates 30,10,1"])
def test_ffmpeg_adds_up(order: str, options: str, peer: Peer, tmp_path: Path) -> None:
    stream = ffmpeg(peer("ffmpeg"), tmp_path, COLOUR, f"{options} -pred 1 -prog {order.lower()}")
    prove(stream)
    assert_cuts_are_seen(stream, 8)


@pytest.mark.parametrize("options", ["-SOP -EPH -TP R -r 20,1", "-EPH -t 40,40 -p CPRL -c [32,32] -r 10,1"])
def test_packet_lengths_of_openjpeg(options: str, peer: Peer, tmp_path: Path) -> None:
    stream = opj_compress(peer("opj_compress"), tmp_path, COLOUR, f"-PLT {options}")
    assert_lengths_are_those_of_plt(stream)


def test_sop_and_eph(peer: Peer, tmp_path: Path) -> None:
    stream = opj_compress(peer("opj_compress"), tmp_path, GREY, "-SOP -EPH -r 10,1")
    packets = walk(stream)
    third = packets[2]
    assert stream[third.header[0] - 6 : third.header[0]] == b"\xff\x91\0\4\0\2"
    assert stream[third.header[1] : third.body[0]] == b"\xff\x92"
    without = stream[: packets[1].body[1]] + stream[third.body[1] :]  # a packet is lost
    with pytest.raises(CodestreamError, match="packet 2 of tile 0 starts with the SOP of another"):
        prove(with_length(without, jpeg2000.parse(stream).tile_parts[0], 0))
    at = third.header[1]
    with pytest.raises(CodestreamError, match="packet 2 of tile 0 has no EPH marker"):
        prove(stream[:at] + b"\0\0" + stream[at + 2 :])


def frames(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        dataset = pydicom.dcmread(path, force=True)
        syntax = getattr(dataset.get("file_meta"), "TransferSyntaxUID", "")
        if syntax.startswith(SYNTAXES) and "PixelData" in dataset:
            count = int(dataset.get("NumberOfFrames") or 1)
            for number, frame in enumerate(generate_frames(dataset.PixelData, number_of_frames=count), 1):
                assert sniff(frame) in ("jpeg2000", "htj2k")
                yield f"{path.name}, frame {number}", frame


SYNTAXES = ("1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")  # JPEG 2000, HTJ2K
# A sequence delimiter was written over fields of SIZ on purpose, to test offset tables.
DAMAGED = {"JPEG2000-embedded-sequence-delimiter.dcm", "pydicom__JPEG2000-embedded-sequence-delimiter.dcm"}


def assert_frames_add_up(folder: Path, least: int) -> None:
    wrong, right = [], 0
    for name, frame in frames(folder):
        try:
            prove(frame)
            right += 1
        except CodestreamError as error:
            wrong.append(f"{name}: {error}")
    assert [line for line in wrong if line.split(",")[0] not in DAMAGED] == []
    assert right >= least


@pytest.mark.filterwarnings("ignore")
def test_pydicom_files_add_up(pydicom_files: Path) -> None:
    assert_frames_add_up(pydicom_files, 7)


@pytest.mark.filterwarnings("ignore")
def test_corpus_adds_up(corpus: Path) -> None:
    assert_frames_add_up(corpus / "files", 20)
