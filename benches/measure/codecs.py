"""``python -m benches.measure.codecs``: versions of the libraries, and who decodes what."""

from __future__ import annotations

import json

import imagecodecs

from fastdcm.codecs.table import LIBRARIES

if __name__ == "__main__":
    names = ("jpeg8", "openjpeg" if hasattr(imagecodecs, "openjpeg_version") else "jpeg2k", "htj2k", "jpegls")
    versions = {name: getattr(imagecodecs, f"{name}_version")() for name in names}
    print(json.dumps({"versions": versions, "libraries": LIBRARIES}))
