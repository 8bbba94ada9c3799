"""Rendered and thumbnail resources: status and media type by parameter, good, bad and absent (PS3.18)."""

from __future__ import annotations

from io import BytesIO

import httpx
import pytest
from PIL import Image

from tests.serve.conftest import FRAMES, STUDY, URL, Served
from tests.serve.rendered_rows import ROWS, Row

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/jp2": "JPEG2000",
}


def _name(row: Row) -> str:
    path = row.path.replace(STUDY, "S")
    return f"{path[-40:]}?{row.query[:40]} [{row.accept}] {row.status}"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_row(client: httpx.Client, row: Row) -> None:
    # httpx sends one of its own where there is none.
    headers = {} if row.accept is None else {"Accept": row.accept}
    request = client.build_request(
        "GET", f"{row.path}?{row.query}" if row.query else row.path, headers=headers
    )
    if row.accept is None:
        del request.headers["Accept"]
    response = client.send(request)
    assert response.status_code == row.status, response.text[:300]
    kind = response.headers["content-type"].partition(";")[0]
    if row.status != 200:
        assert kind == "text/plain"
        assert row.words in response.text
        assert len(response.text) < 400
        return
    assert kind == row.media_type
    warning = response.headers.get("warning", "")
    assert (row.warning in warning and warning.startswith("299 ")) if row.warning else not warning
    if kind in _FORMATS:
        picture = Image.open(BytesIO(response.content))
        assert picture.format == _FORMATS[kind]
        assert row.size in (None, picture.size)


def test_an_animation_has_all_frames(client: httpx.Client) -> None:
    response = client.get(f"{URL.multi}/rendered", headers={"Accept": "image/gif"})
    assert getattr(Image.open(BytesIO(response.content)), "n_frames") == FRAMES  # noqa: B009


def test_a_document_is_as_it_was(client: httpx.Client) -> None:
    from tests.serve.conftest import PDF_BYTES

    response = client.get(f"{URL.pdf}/rendered", headers={"Accept": "application/pdf"})
    assert response.content == PDF_BYTES
    # A document may be a page with scripts.
    assert response.headers["content-security-policy"] == "sandbox"


def test_a_report_is_text(served: Served, client: httpx.Client) -> None:
    import pydicom

    report = pydicom.dcmread(served.folder / "test-SR.dcm")
    path = f"/studies/{report.StudyInstanceUID}/series/{report.SeriesInstanceUID}/instances"
    response = client.get(f"{path}/{report.SOPInstanceUID}/rendered", headers={"Accept": "text/plain"})
    assert response.status_code == 200
    texts = [element.value for element in report.iterall() if element.keyword == "TextValue"]
    assert len(texts) > 3
    told = " ".join(response.text.split())
    assert all(" ".join(text.split()) in told for text in texts)
    refused = client.get(f"{path}/{report.SOPInstanceUID}/rendered", headers={"Accept": "image/jpeg"})
    assert refused.status_code == 406
    assert "no pixels" in refused.text
    assert "text/plain" in refused.text
