"""Stored values through GDCM (``gdcmconv --raw``), an implementation in C++ apart from DCMTK and pydicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.pixels import pixel_array

import fastdcm
from tests.corpus.reading import bound_of
from tests.corpus.second import run
from tests.peers.comparing import Tally, ends, images, read_data_set

pytestmark = pytest.mark.filterwarnings("ignore")

DEVIATES: dict[str, str] = {}
REFUSED: dict[str, str] = {}


def compare(corpus: Path, folder: Path) -> Tally:
    """First and last frames of the corpus. GDCM decodes, pydicom reads the native result."""
    tally = Tally("GDCM, stored values")
    native = folder / "native.dcm"
    for name, path in images(corpus).items():
        with fastdcm.open(path) as image:
            native.unlink(missing_ok=True)
            try:
                run("gdcmconv", "--raw", path, native)
                data_set = read_data_set(native)
                theirs = {index: pixel_array(data_set, index=index, raw=True) for index in ends(image)}
            except Exception as error:  # whatever is wrong with the copy, GDCM has not read the file
                tally.refuse(name, 1, error)
                continue
            for index, values in theirs.items():
                ours = image.pixels(index, raw=True)
                tally.add(name, index + 1, ours, values, bound_of(image.header.transfer_syntax_uid))
    return tally


def test_stored_values(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    peer("gdcmconv")
    tally = compare(corpus, tmp_path)
    record_property("GDCM", str(tally))
    tally.check(DEVIATES, REFUSED)
