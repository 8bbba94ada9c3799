"""The most memory that decoding a JPEG 2000 image takes, our own decoder's beside OpenJPEG's (Linux).

``python -m benches.decoder_memory`` prints a table. Each is measured in a process of its own, which has
decoded a small image before; of the process' peak, what it held before the decoding is taken off.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import imagecodecs

from benches.bench_jpeg2000 import encoded
from fastdcm.codecs.jpeg2000.decode import decode
from fastdcm.codestream import jpeg2000

WAYS: dict[str, Callable[[bytes], object]] = {
    "own": lambda stream: decode(stream, jpeg2000.parse(stream)),
    "OpenJPEG": lambda stream: imagecodecs.jpeg2k_decode(stream, numthreads=1),
}
_PEAK_ANEW = "5"  # what makes the kernel count the peak from here on


def _held(name: str) -> int:
    """KiB of this process by the kernel's name for them."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))


def measured(way: str, small: Path, stream: Path) -> int:
    """KiB above what the process holds before, with the samples that come of it."""
    run, data = WAYS[way], stream.read_bytes()
    run(small.read_bytes())
    Path("/proc/self/clear_refs").write_text(_PEAK_ANEW, encoding="ascii")
    before = _held("VmRSS")
    kept = run(data)
    del kept
    return _held("VmHWM") - before


def main() -> None:
    """Print the table."""
    print("| image | own, MiB | OpenJPEG, MiB | own / OpenJPEG |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as place:
        small, file = Path(place, "small"), Path(place, "stream")
        small.write_bytes(encoded("CT", "JPEG 2000 lossless"))
        for kind in ("CR", "MG", "US"):
            for syntax in ("JPEG 2000 lossless", "JPEG 2000 lossy"):
                file.write_bytes(encoded(kind, syntax))
                found = []
                for way in WAYS:
                    command = [sys.executable, "-W", "ignore", "-m", "benches.decoder_memory"]
                    done = subprocess.run(
                        [*command, way, str(small), str(file)], stdout=subprocess.PIPE, text=True, check=True
                    )
                    found.append(int(done.stdout) / 1024)
                own, theirs = found
                print(f"| {kind}, {syntax} | {own:.1f} | {theirs:.1f} | {own / theirs:.2f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(measured(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
    else:
        main()
