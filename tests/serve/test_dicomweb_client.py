"""`dicomweb-client` asks for everything; what comes back, read by pydicom, is what the files hold."""

from __future__ import annotations

from collections.abc import Generator
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import generate_frames

import fastdcm
from tests.serve.conftest import COLOUR, CT, FRAMES, MULTI, PDF, PDF_BYTES, SLICES, STUDY, Served

api = pytest.importorskip("dicomweb_client.api")
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ResourceWarning"
)

_JPEG_2000 = "1.2.840.10008.1.2.4.91"


@pytest.fixture(scope="module")
def web(served: Served) -> Generator[object, None, None]:
    client = api.DICOMwebClient(served.url)
    yield client
    client._session.close()


@pytest.fixture(scope="module")
def files(served: Served) -> dict[str, Path]:
    """SOP Instance UID -> file."""
    paths = served.folder.rglob("*.dcm")
    return {str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID): path for path in paths}


def test_search(web: api.DICOMwebClient, files: dict[str, Path]) -> None:
    studies = web.search_for_studies(search_filters={"PatientID": "P-1"})
    assert [pydicom.Dataset.from_json(study).StudyInstanceUID for study in studies] == [STUDY]
    series = web.search_for_series(STUDY, search_filters={"Modality": "CT"}, fields=["BodyPartExamined"])
    assert [pydicom.Dataset.from_json(one).SeriesInstanceUID for one in series] == [CT]
    instances = web.search_for_instances(STUDY, CT)
    assert [pydicom.Dataset.from_json(one).SOPInstanceUID for one in instances] == list(SLICES)
    all_of_them = web.search_for_instances(get_remaining=True, limit=3)
    assert {pydicom.Dataset.from_json(one).SOPInstanceUID for one in all_of_them} == files.keys()
    assert len(all_of_them) == len(files)
    assert web.search_for_studies(search_filters={"PatientID": "nobody"}) == []


def test_objects_are_the_files(web: api.DICOMwebClient, files: dict[str, Path]) -> None:
    for instance in web.search_for_instances():
        found = pydicom.Dataset.from_json(instance)
        uids = found.StudyInstanceUID, found.SeriesInstanceUID, found.SOPInstanceUID
        got = web.retrieve_instance(*uids)  # transfer-syntax=*
        want = pydicom.dcmread(files[str(found.SOPInstanceUID)])
        assert got == want
        assert got.file_meta.TransferSyntaxUID == want.file_meta.TransferSyntaxUID


def test_series_and_studies(web: api.DICOMwebClient) -> None:
    series = web.retrieve_series(STUDY, CT)
    assert [one.SOPInstanceUID for one in series] == list(SLICES)
    study = list(web.iter_study(STUDY))
    assert len(study) == 7
    assert {one.SeriesInstanceUID for one in study} == {f"{STUDY}.{number}" for number in range(1, 6)}


def test_what_is_compressed_is_decoded_unless_asked(
    served: Served, web: api.DICOMwebClient, files: dict[str, Path]
) -> None:
    path = served.folder / "MR_small_RLE.dcm"
    file = pydicom.dcmread(path)
    uids = file.StudyInstanceUID, file.SeriesInstanceUID, file.SOPInstanceUID
    explicit = web.retrieve_instance(*uids, media_types=(("application/dicom", "1.2.840.10008.1.2.1"),))
    default = web.retrieve_instance(*uids, media_types=("application/dicom",))
    for got in (explicit, default):
        assert got.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        np.testing.assert_array_equal(got.pixel_array, file.pixel_array)
        assert got.PatientName == file.PatientName
    as_named = web.retrieve_instance(*uids, media_types=(("application/dicom", "1.2.840.10008.1.2.5"),))
    assert as_named == file


def test_metadata(web: api.DICOMwebClient, files: dict[str, Path]) -> None:
    for instance in web.search_for_instances():
        found = pydicom.Dataset.from_json(instance)
        uids = found.StudyInstanceUID, found.SeriesInstanceUID, found.SOPInstanceUID
        model = web.retrieve_instance_metadata(*uids)
        for tag in ("7FE00010", "42420011"):
            if "BulkDataURI" in model.get(tag, {}):
                assert model[tag]["BulkDataURI"].endswith(f"{found.SOPInstanceUID}/bulkdata/{tag}")
        got = pydicom.Dataset.from_json(model, bulk_data_uri_handler=lambda uri: b"")
        want = pydicom.dcmread(files[str(found.SOPInstanceUID)], stop_before_pixels=True)
        for element in want:
            if (
                element.tag.element
                and element.keyword != "SpecificCharacterSet"
                and element.VR not in ("OB", "OW")
            ):
                assert got[element.tag].value == element.value, element
    series = web.retrieve_series_metadata(STUDY, CT)
    assert [one["00080018"]["Value"][0] for one in series] == list(SLICES)
    assert len(web.retrieve_study_metadata(STUDY)) == 7


def test_frames(served: Served, web: api.DICOMwebClient) -> None:
    numbers = [1, 3, FRAMES]
    octets = ("application/octet-stream",)
    frames = web.retrieve_instance_frames(STUDY, MULTI, f"{MULTI}.1", numbers, media_types=octets)
    pixels = pydicom.dcmread(served.folder / "multi.dcm").pixel_array
    assert [np.frombuffer(frame, np.uint8).reshape(6, 10).tolist() for frame in frames] == [
        pixels[number - 1].tolist() for number in numbers
    ]
    (default,) = web.retrieve_instance_frames(STUDY, MULTI, f"{MULTI}.1", [2])
    assert default == pixels[1].tobytes()


def test_frames_as_stored_and_decoded(served: Served, web: api.DICOMwebClient) -> None:
    path = served.folder / "JPEG2000.dcm"
    file = pydicom.dcmread(path)
    assert file.file_meta.TransferSyntaxUID == _JPEG_2000
    uids = file.StudyInstanceUID, file.SeriesInstanceUID, file.SOPInstanceUID
    stream = next(generate_frames(file.PixelData, number_of_frames=1))
    for media_types in (("image/jp2",), (("image/jp2", _JPEG_2000),), (("image/jp2", "*"),)):
        (stored,) = web.retrieve_instance_frames(*uids, [1], media_types=media_types)
        assert stored == stream
    (decoded,) = web.retrieve_instance_frames(*uids, [1], media_types=("application/octet-stream",))
    values = fastdcm.read(path)
    got = np.frombuffer(decoded, values.dtype).reshape(values.shape)
    np.testing.assert_allclose(got, values, atol=1)  # decoders of lossy streams round in their own ways


def test_rendered(web: api.DICOMwebClient, served: Served) -> None:
    path = served.folder / "ct" / "deep" / "1.dcm"
    for media_type, name in (("image/jpeg", "jpeg"), ("image/png", "png"), ("image/jp2", "jp2")):
        got = web.retrieve_instance_rendered(STUDY, CT, SLICES[0], media_types=(media_type,))
        with fastdcm.open(path) as image:
            assert got == image.encode(0, name)
    parameters = {"quality": 30, "viewport": "16,16", "window": "300,200,linear"}
    small = web.retrieve_instance_rendered(
        STUDY, CT, SLICES[0], media_types=("image/jpeg",), params=parameters
    )
    assert Image.open(BytesIO(small)).size == (16, 12)
    frame = web.retrieve_instance_frames_rendered(STUDY, MULTI, f"{MULTI}.1", [2], media_types=("image/png",))
    np.testing.assert_array_equal(
        np.asarray(Image.open(BytesIO(frame))), fastdcm.render(served.folder / "multi.dcm", 1)
    )
    pdf = web.retrieve_instance_rendered(STUDY, PDF, f"{PDF}.1", media_types=("application/pdf",))
    assert pdf == PDF_BYTES
    series = web.retrieve_series_rendered(STUDY, CT, media_types=("image/jpeg",))
    assert series.count(b"Content-Type: image/jpeg") == 3


def test_bulk_data(web: api.DICOMwebClient, served: Served) -> None:
    model = web.retrieve_instance_metadata(STUDY, COLOUR, f"{COLOUR}.1")
    (pixels,) = web.retrieve_bulkdata(model["7FE00010"]["BulkDataURI"])
    assert pixels == pydicom.dcmread(served.folder / "colour.dcm").PixelData
    octets = ("application/octet-stream",)
    (same,) = web.retrieve_bulkdata(model["7FE00010"]["BulkDataURI"], media_types=octets)
    assert same == pixels
    uri = f"{served.url}/studies/{STUDY}/series/{PDF}/instances/{PDF}.1/bulkdata/00420011"
    (document,) = web.retrieve_bulkdata(uri)
    assert document.startswith(PDF_BYTES)


def test_highdicom_reads_what_comes_back(web: api.DICOMwebClient, served: Served) -> None:
    highdicom = pytest.importorskip("highdicom")
    file = pydicom.dcmread(served.folder / "CT_small.dcm")
    got = web.retrieve_instance(file.StudyInstanceUID, file.SeriesInstanceUID, file.SOPInstanceUID)
    image = highdicom.Image.from_dataset(got)
    hounsfield = image.get_frame(1, apply_real_world_transform=False, apply_modality_transform=True)
    np.testing.assert_array_equal(hounsfield, fastdcm.read(served.folder / "CT_small.dcm", values="modality"))
