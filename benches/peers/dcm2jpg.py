"""dcm2jpg of dcm4che, in its directory mode: one Java machine for all files."""

from __future__ import annotations

from benches.peers import QUALITY, Absent, Present, UnsupportedJobError, find_command, first_line, run

label = "dcm2jpg (dcm4che)"


def available() -> Present | Absent:
    found = find_command("dcm2jpg", "DCM2JPG")
    if found is None:
        return Absent("Java 17 and dcm4che's binary distribution; then DCM2JPG=.../bin/dcm2jpg or PATH")
    version = first_line([found, "--version"])
    return Present(version.removeprefix("dcm2jpg").strip(": ") or "unknown version", "command")


def command(program: str, source: str, target: str, format: str) -> list[str]:
    """A folder to a folder. dcm2jpg has a quality of 0 to 1, and follows Presentation LUT Shape if it may."""
    kind = ["-F", "PNG"] if format == "png" else ["-F", "JPEG", "-q", str(QUALITY / 100)]
    return [program, *kind, "--noshape", source, target]


def convert(source: str, target: str, format: str) -> None:
    program = find_command("dcm2jpg", "DCM2JPG")
    assert program is not None
    run(command(program, source, target, format))
    must_have_written(source, target)


def must_have_written(source: str, target: str) -> None:
    """dcm2jpg ends with 0 whatever failed; its images and their number tell."""
    import os

    images = [
        os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(target) for name in names
    ]
    expected = len(os.listdir(source))
    if len(images) < expected or not all(images):
        raise UnsupportedJobError(f"{sum(map(bool, images))} of {expected} files gave an image")
