"""``python -m benches.measure.encoder FOLDER [CORE]``: the bare encoder on the rendered images of a case."""

from __future__ import annotations

import json
import os
import sys
import time

import imagecodecs

import fastdcm
from benches.peers import QUALITY, files_of

if __name__ == "__main__":
    if len(sys.argv) > 2 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(sys.argv[2])})
    images = [fastdcm.render(path) for path, _ in files_of(sys.argv[1])][:8]
    settings = [(image, None if image.ndim == 2 else "420") for image in images]
    for image, subsampling in settings:
        imagecodecs.jpeg8_encode(image, level=QUALITY, subsampling=subsampling)
    print(json.dumps({"images": len(images)}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for number in range(json.loads(line)["images"]):
            image, subsampling = settings[number % len(settings)]
            imagecodecs.jpeg8_encode(image, level=QUALITY, subsampling=subsampling)
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
