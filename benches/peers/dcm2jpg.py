"""dcm2jpg of dcm4che, in its directory mode: one Java machine for all files, and the first frame of each.

Its JPEG writer is the JDK's: quality 0.9 has the quantisation tables of libjpeg's 90, chroma is 4:2:0.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from benches.peers import QUALITY, Absent, Present, UnsupportedJobError, find_command, run

label = "dcm2jpg (dcm4che)"

#: What its version says where the OpenCV library is missing, by which dcm4che reads JPEG, JPEG-LS, JPEG 2000.
NO_CODECS = "without its codec library: native and RLE only"


def available() -> Present | Absent:
    found = find_command("dcm2jpg", "DCM2JPG")
    if found is None:
        return Absent(
            "Java 17 and dcm4che-*-bin.zip (SourceForge, dcm4che3), unpacked; DCM2JPG=.../bin/dcm2jpg or PATH"
        )
    done = subprocess.run([found, "--version"], capture_output=True, text=True, errors="replace", check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    # The launcher tells first where it has found the codec library, or that it could not download it.
    version = next((line.partition(": ")[2] for line in lines if line.startswith("dcm2jpg: ")), None)
    if version is None:
        return Absent(f"{found} does not start: {lines[-1][:200] if lines else 'it says nothing'}")
    return Present(version if codec_folder(found) else f"{version}, {NO_CODECS}", "command")


def codec_folder(program: str) -> Path | None:
    """Where the launcher looks for the library of the codecs, if it is there."""
    home = Path(os.environ.get("DCM4CHE_HOME") or Path(program).parent.parent)
    named = os.environ.get("JAVA_LIBRARY_PATH", "").split(os.pathsep)
    places = [*(Path(place) for place in named if place), *sorted(home.glob("lib/*"))]
    return next((place for place in places if any(place.glob("*opencv_java*"))), None)


def environment(program: str) -> dict[str, str]:
    """The launcher starts a second Java machine to ask for the name of that folder, unless it is told."""
    folder = codec_folder(program)
    return {**os.environ, **({"JAVA_LIBRARY_PATH": str(folder)} if folder else {})}


def command(program: str, source: str, target: str, format: str) -> list[str]:
    """A folder to a folder.

    dcm2jpg has a quality of 0 to 1, burns overlays in, and follows Presentation LUT Shape, if it may.
    """
    kind = ["-F", "PNG"] if format == "png" else ["-F", "JPEG", "-q", str(QUALITY / 100)]
    return [program, *kind, "--noshape", "--overlays", "0", source, target]


def convert(source: str, target: str, format: str) -> None:
    program = find_command("dcm2jpg", "DCM2JPG")
    assert program is not None
    must_have_written(source, target, run(command(program, source, target, format), environment(program)))


def must_have_written(source: str, target: str, said: str) -> None:
    """dcm2jpg ends with 0 whatever failed; its images and their number tell, and what it said why."""
    images = sum(file.stat().st_size > 0 for file in Path(target).iterdir())
    expected = len(os.listdir(source))
    if images < expected:
        failures = (line for line in said.splitlines() if line.startswith("Failed to convert "))
        why = next(failures, "").partition(": ")[2] or "it does not say why"
        raise UnsupportedJobError(f"{images} of {expected} files gave an image: {why}")
