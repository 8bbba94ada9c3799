"""The plug-in for pydicom: its place among the others, cut and contradictory frames, and colour."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder, pixel_array
from pydicom.pixels.decoders import base
from pydicom.uid import RLELossless

import fastdcm
from fastdcm.integrations import pydicom as plugin

_PROGRESSIVE = "1.2.840.10008.1.2.4.55"


@pytest.fixture(autouse=True)
def removed() -> Iterator[None]:
    level = logging.getLogger("pydicom").level
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    plugin.uninstall()
    yield
    plugin.uninstall()
    logging.getLogger("pydicom").setLevel(level)


def state() -> list[Any]:
    """Everything of pydicom that `install` changes."""
    decoders = base._PIXEL_DATA_DECODERS
    return [
        {uid: list(entry[0]._available.items()) for uid, entry in decoders.items()},
        list(base.PROCESSORS),
    ]


def read(pydicom_files: Path, name: str) -> Dataset:
    return pydicom.dcmread(pydicom_files / name)


def test_install_is_first_once_and_undone() -> None:
    before = state()
    plugin.install()
    plugin.install()
    assert plugin.is_installed()
    assert next(iter(get_decoder(RLELossless)._available)) == plugin.NAME
    assert list(get_decoder(RLELossless)._available)[1:] == [name for name, _ in before[0][RLELossless]]
    plugin.uninstall()
    plugin.uninstall()
    assert not plugin.is_installed()
    assert state() == before


def test_native_decoders_are_left_alone() -> None:
    plugin.install()
    assert not get_decoder("1.2.840.10008.1.2.1")._available


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_gdcm.dcm"]
)
def test_ours_decodes(pydicom_files: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What the built-in ones give, without them being asked."""
    theirs = pixel_array(pydicom_files / name)
    plugin.install(decoder="library")  # our own may be one off where JPEG 2000 is irreversible
    ds = read(pydicom_files, name)
    decoder = get_decoder(ds.file_meta.TransferSyntaxUID)
    for other in decoder._available.keys() - {plugin.NAME}:
        monkeypatch.setitem(decoder._available, other, None)  # calling it would be an error
    assert np.array_equal(ds.pixel_array, theirs)
    assert ds.pixel_array.dtype == theirs.dtype
    assert ds.pixel_array.flags.writeable


def test_decompressed_data_sets_are_the_same(pydicom_files: Path) -> None:
    for name in ("SC_rgb_rle_2frame.dcm", "SC_rgb_jpeg_dcmtk.dcm", "GDCMJ2K_TextGBR.dcm"):
        theirs, ours = read(pydicom_files, name), read(pydicom_files, name)
        theirs.decompress(generate_instance_uid=False)
        plugin.install()
        ours.decompress(generate_instance_uid=False)
        plugin.uninstall()
        assert ours == theirs, name


def test_raw_colour_is_not_converted(pydicom_files: Path) -> None:
    path = pydicom_files / "SC_rgb_dcmtk_+eb+cy+np.dcm"
    theirs = pixel_array(path, raw=True), pixel_array(path)
    plugin.install()
    assert np.array_equal(pixel_array(path, raw=True), theirs[0])
    assert np.array_equal(pixel_array(path), theirs[1])
    assert not np.array_equal(*theirs)
    assert np.array_equal(pixel_array(path, as_rgb=False), theirs[0])


def test_options_of_the_conversion_stay_with_pydicom(pydicom_files: Path) -> None:
    path = pydicom_files / "SC_rgb_rle.dcm"
    expected = [pixel_array(path, **{option: True}) for option in ("force_rgb", "force_ybr")]
    plugin.install()
    found = [pixel_array(path, **{option: True}) for option in ("force_rgb", "force_ybr")]
    assert all(map(np.array_equal, expected, found))


def test_ybr_of_16_bits_becomes_rgb() -> None:
    """pydicom converts 8 bits only. Full scale of luma is white, half of chroma none (PS3.3 C.7.6.3.1.2)."""
    ybr = np.zeros((2, 2, 3), np.uint16)
    ybr[..., 0], ybr[..., 1:] = 4095, 2048
    ds = data_set(ybr, "RGB", 12)
    ds.PhotometricInterpretation = "YBR_FULL"  # which RLE forbids, and pydicom does not write
    with pytest.raises(ValueError, match="color space"):
        pixel_array(ds)
    plugin.install()
    assert (pixel_array(ds) == 4095).all()


def data_set(pixels: np.ndarray, photometric: str, bits: int) -> Dataset:
    """An RLE data set of one frame."""
    ds = Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    ds.PhotometricInterpretation = photometric
    ds.PlanarConfiguration = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8 * pixels.itemsize, bits, bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW"
    ds.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    return ds


def test_unused_bits_are_pydicoms(pydicom_files: Path) -> None:
    """RLE words come whole: their bits above Bits Stored are cut by pydicom, or left, as it is asked."""
    ds = data_set(np.array([[0x0FFF, 0xF001]], np.uint16), "MONOCHROME2", 12)
    plugin.install()
    assert pixel_array(ds).tolist() == [[0x0FFF, 0x0001]]
    assert pixel_array(ds, correct_unused_bits=False).tolist() == [[0x0FFF, 0xF001]]


def test_sign_is_the_codestreams_where_pydicom_is_told_so(pydicom_files: Path) -> None:
    path = pydicom_files / "J2K_pixelrep_mismatch.dcm"
    expected = pixel_array(path, apply_j2k_sign_correction=False, decoding_plugin="pylibjpeg")
    plugin.install()
    found = pixel_array(path, apply_j2k_sign_correction=False)
    assert np.array_equal(found, expected)
    assert not np.array_equal(found, pixel_array(path))


@pytest.mark.parametrize(
    ("name", "keep"),
    [
        ("SC_rgb_jpeg_dcmtk.dcm", 0.6),
        ("JPEG2000.dcm", 0.6),
        ("MR_small_RLE.dcm", 0.6),
        ("MR_small_jpeg_ls_lossless.dcm", 0.6),
    ],
)
def test_cut_frames_are_errors_whatever_others_give(pydicom_files: Path, name: str, keep: float) -> None:
    ds = read(pydicom_files, name)
    frame = next(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=1))
    ds.PixelData = encapsulate([frame[: int(len(frame) * keep)]])
    ds["PixelData"].is_undefined_length = True
    plugin.install()
    with pytest.raises(RuntimeError, match="fastdcm: ") as found:
        pixel_array(ds)
    reasons = str(found.value).splitlines()[1:]
    assert len({reason.partition(": ")[2] for reason in reasons}) == 1, "another plug-in was asked"
    if name == "SC_rgb_jpeg_dcmtk.dcm":  # libjpeg fills what is missing
        assert pixel_array(ds, decoding_plugin="pylibjpeg").shape == (100, 100, 3)


def test_contradiction_of_sizes_is_an_error(pydicom_files: Path) -> None:
    ds = read(pydicom_files, "JPEG2000.dcm")
    ds.Rows, ds.Columns = ds.Columns // 2, ds.Rows * 2
    plugin.install()
    with pytest.raises(RuntimeError, match="Rows x Columns say"):
        pixel_array(ds)


def test_deeper_codestream_than_words_is_an_error(pydicom_files: Path) -> None:
    """pydicom would cut its values to the words."""
    ds = read(pydicom_files, "JPEG2000.dcm")
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    plugin.install()
    with pytest.raises(RuntimeError, match="Bits Allocated is 8"):
        pixel_array(ds)


def test_what_is_not_ours_is_left_to_others(pydicom_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments in another order, which pydicom's own plug-in reads."""
    path = pydicom_files / "MR_small_RLE.dcm"
    expected = pixel_array(path, rle_segment_order="<", decoding_plugin="pydicom")
    plugin.install()
    available = get_decoder(RLELossless)._available
    ours_and_pydicoms = {name: available[name] for name in (plugin.NAME, "pydicom")}
    monkeypatch.setattr(get_decoder(RLELossless), "_available", ours_and_pydicoms)
    assert np.array_equal(pixel_array(path, rle_segment_order="<"), expected)
    assert not np.array_equal(pixel_array(path), expected)


def test_syntaxes_without_a_decoder_get_one() -> None:
    with pytest.raises(NotImplementedError):
        get_decoder(_PROGRESSIVE)
    plugin.install()
    assert get_decoder(_PROGRESSIVE).available_plugins == (plugin.NAME,)
    plugin.uninstall()
    with pytest.raises(NotImplementedError):
        get_decoder(_PROGRESSIVE)


def test_options_are_validated_and_used(pydicom_files: Path) -> None:
    with pytest.raises(fastdcm.OptionError, match="threads"):
        plugin.install(threads=0)
    assert not plugin.is_installed()
    path = pydicom_files / "MR_small_jp2klossless.dcm"
    theirs = pixel_array(path)
    for decoder in ("own", "library"):
        plugin.install(decoder=decoder, threads=2)  # type: ignore[arg-type]
        assert np.array_equal(pixel_array(path), theirs)


def test_frames_decode_while_it_is_installed_again(pydicom_files: Path) -> None:
    path = pydicom_files / "MR_small_RLE.dcm"
    expected = pixel_array(path)
    wrong: list[object] = []

    def decode() -> None:
        for _ in range(50):
            try:
                if not np.array_equal(pixel_array(path), expected):
                    wrong.append("other values")
            except Exception as error:
                wrong.append(error)

    threads = [Thread(target=decode) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        plugin.install()
        plugin.uninstall()
    assert not wrong


def test_values_are_those_of_read(pydicom_files: Path) -> None:
    plugin.install()
    for name in ("MR_small_RLE.dcm", "SC_rgb_rle_2frame.dcm", "JPEG2000.dcm"):
        assert np.array_equal(pixel_array(pydicom_files / name, index=0), fastdcm.read(pydicom_files / name))
