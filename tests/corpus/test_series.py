"""``--voi series`` over the series of the corpus, against the definition on what pydicom reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels import apply_modality_lut

import fastdcm
from tests.corpus.reading import bound_of, files, table

pytestmark = pytest.mark.filterwarnings("ignore")

Array = NDArray[Any]
#: Three CT slices: one has no window, two have windows that are not quite the same.
DIFFERING = "0981660826025615990338"


def window_of(dataset: pydicom.Dataset) -> Any:
    """The first window, or None."""
    center, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if center is None or width is None or dataset.get("VOILUTSequence"):
        return None
    first = [value if isinstance(value, (float, int)) else value[0] for value in (center, width)]
    return (*map(float, first), dataset.get("VOILUTFunction", "LINEAR")) if first[1] >= 1 else None


def series_of(corpus: Path) -> dict[str, dict[Path, pydicom.Dataset]]:
    """Single-frame gray images by series, of those that have several that pydicom decodes."""
    refused = {row["file"] for name in ("failures.tsv", "undecoded.tsv") for row in table(name)}
    found: dict[str, dict[Path, pydicom.Dataset]] = defaultdict(dict)
    for name, path in files(corpus).items():
        if name in refused:
            continue
        dataset = pydicom.dcmread(path, force=True)
        uid = str(dataset.get("SeriesInstanceUID", ""))
        if uid and "Rows" in dataset and "SharedFunctionalGroupsSequence" not in dataset:
            found[uid][path] = dataset
    return {uid: images for uid, images in found.items() if len(images) > 1 and is_plain(images.values())}


def is_plain(images: Any) -> bool:
    """Whether this module's few lines of the standard are all that the images need."""
    return all(
        dataset.get("PhotometricInterpretation", "").startswith("MONOCHROME")
        and dataset.get("NumberOfFrames") in (None, 1)
        and "PixelData" in dataset
        and not dataset.get("PresentationLUTSequence")
        and not dataset.get("VOILUTSequence")
        and not dataset.get("ModalityLUTSequence")  # of signed values pydicom cannot apply it
        for dataset in images
    )


def values_of(dataset: pydicom.Dataset) -> tuple[Array, Array]:
    """Modality values, and which of them are no padding."""
    stored = dataset.pixel_array
    kept = np.ones(stored.shape, bool)
    if "PixelPaddingValue" in dataset:
        bits = dataset.BitsStored
        low, high = sorted(
            value - (1 << bits) * bool(dataset.PixelRepresentation and value >= 1 << (bits - 1))
            for value in (
                dataset.PixelPaddingValue,
                dataset.get("PixelPaddingRangeLimit", dataset.PixelPaddingValue),
            )
        )
        kept = (stored < low) | (stored > high)
    return np.asarray(apply_modality_lut(stored, dataset), float), kept


def test_series_of_the_corpus(
    corpus: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    series = series_of(corpus)
    source, names = tmp_path / "in", dict[Path, str]()
    source.mkdir()
    for images in series.values():
        for path in images:
            names[path] = f"{len(names):03}"
            (source / f"{names[path]}.dcm").symlink_to(path)
    report = fastdcm.convert(source, tmp_path / "out", format="png", voi="series", jobs=2)
    assert report.failed == 0
    ways: dict[str, list[str]] = defaultdict(list)
    for uid, images in series.items():
        windows = {window_of(dataset) for dataset in images.values()}
        identity = all(
            dataset.BitsStored <= 8
            and (dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)) == (1, 0)
            for dataset in images.values()
        )
        values = {path: values_of(dataset) for path, dataset in images.items()}
        seen = np.concatenate([part[kept] for part, kept in values.values()])
        if len(windows) == 1 and (window := next(iter(windows))) is not None:
            way = "window"
            assert window[2] == "LINEAR"
            low, high = window[0] - 0.5 - (window[1] - 1) / 2, window[0] - 0.5 + (window[1] - 1) / 2
        elif len(windows) == 1 and identity:
            way, low, high = "identity", 0.0, float((1 << next(iter(images.values())).BitsStored) - 1)
        else:
            way, low, high = "range", float(seen.min()), float(seen.max())
        ways[way].append(uid)
        for path, dataset in images.items():
            span = high - low or 1e-9  # of one value: all is 0; a window of width 1 is a step
            y = np.clip((values[path][0] - low) / span, 0, 1) * 255
            y = 255 - y if dataset.PhotometricInterpretation == "MONOCHROME1" else y
            shown = imagecodecs.png_decode((tmp_path / "out" / f"{names[path]}.png").read_bytes())
            # Two decoders of a lossy stream may differ by so many stored values, and the range with them.
            slope = abs(float(dataset.get("RescaleSlope", 1)))
            bound = 2 * bound_of(dataset.file_meta.TransferSyntaxUID) * slope * 255 / span
            assert np.abs(shown - np.floor(y + 0.5)).max() <= np.ceil(bound), path.name
    (uid,) = (uid for uid in ways["range"] if uid.endswith(DIFFERING))
    assert len({window_of(dataset) for dataset in series[uid].values()}) == 3
    # By itself, each would be shown otherwise, but for the one without a window, which has both ends.
    alone = 0
    for path in series[uid]:
        shown = imagecodecs.png_decode((tmp_path / "out" / f"{names[path]}.png").read_bytes())
        by_itself = [fastdcm.render(path, voi=rule) for rule in ("window", "minmax")]
        alone += all((one != shown).any() for one in by_itself)
    assert alone == 2
    assert {way: len(uids) > 1 for way, uids in ways.items()} == dict.fromkeys(
        ("range", "window", "identity"), True
    )
    record_property("series", {way: len(uids) for way, uids in ways.items()})
