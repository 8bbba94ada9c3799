"""``python -m benches.gallery FOLDER [--data DIR]``: the contact sheet of a folder's images.

Without ``--data`` of the corpus, or where there is none of the files that pydicom ships.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benches.gallery.pictures import Entry, Gallery, files_of, fresh
from benches.gallery.sheet import SECTIONS, page, section_of
from tests.conftest import CORPUS, PYDICOM_FILES


def usual_data() -> Path:
    """The corpus, or pydicom's files."""
    return CORPUS / "files" if (CORPUS / "files").is_dir() else PYDICOM_FILES


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a contact sheet: ours, DCMTK's, pydicom's.")
    parser.add_argument("folder", type=Path, help="gets index.html and images/")
    parser.add_argument("--data", type=Path, help="your own DICOM files instead of the usual ones")
    asked = parser.parse_args()
    data = (asked.data or usual_data()).absolute()
    fresh(asked.folder)
    entries: list[Entry] = []
    no_images: dict[str, str] = {}
    told = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        gallery = Gallery(asked.folder, Path(work))
        for path, name in files_of(data):
            found = gallery.entry(path, name)
            if isinstance(found, str):
                no_images[name] = found
            else:
                entries.append(found)
            if time.monotonic() - told > 5:
                told = time.monotonic()
                print(f"{len(entries)} images, {len(no_images)} other files", file=sys.stderr, flush=True)
        gallery.close()
    if not entries:
        sys.exit(f"no DICOM image was found in {data}")
    (asked.folder / "index.html").write_text(page(entries, no_images, data.name), encoding="utf-8")
    sections = [section_of(entry) for entry in entries]
    for anchor, heading in SECTIONS.items():
        print(f"{sections.count(anchor):5}  {heading}")
    print(asked.folder / "index.html")


if __name__ == "__main__":
    main()
