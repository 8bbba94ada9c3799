"""``fastdcm info``: what a file holds, and how it would be rendered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fastdcm.pipeline import Image


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--frame", default=1, show_default=True, metavar="N", help="The frame whose window is explained."
)
def info(files: tuple[str, ...], as_json: bool, frame: int) -> None:
    """Show what DICOM files hold, and how they would be rendered."""
    failed = False
    for number, path in enumerate(files):
        description = describe(path, frame)
        failed |= "error" in description
        if as_json:
            import json

            click.echo(json.dumps(description, ensure_ascii=False))
        else:
            click.echo(("\n" if number else "") + as_text(description))
    sys.exit(1 if failed else 0)


def describe(path: str, frame: int) -> dict[str, Any]:
    """The facts of one file, or ``path`` and ``error``."""
    import fastdcm
    from fastdcm.codecs.table import SYNTAXES
    from fastdcm.sources.addresses import shown
    from fastdcm.sources.names import UNREAD_ARCHIVE, archive_kind, is_unread_archive

    name = shown(path)
    try:
        with fastdcm.open(path) as image:
            header = image.header
            syntax = SYNTAXES.get(header.transfer_syntax_uid)
            return {
                "path": name,
                "modality": header.modality,
                "frames": header.frames,
                "rows": header.rows,
                "columns": header.columns,
                "samples_per_pixel": header.samples_per_pixel,
                "photometric_interpretation": header.photometric_interpretation,
                "bits_allocated": header.bits_allocated,
                "bits_stored": header.bits_stored,
                "high_bit": header.high_bit,
                "pixel_representation": header.pixel_representation,
                "transfer_syntax_uid": header.transfer_syntax_uid,
                "transfer_syntax": syntax.name if syntax else "",
                "decodable": syntax.supported if syntax else not header.transfer_syntax_uid,
                "decoded_by": _decoded_by(image, frame - 1),
                "sop_class_uid": header.sop_class_uid,
                "sop_instance_uid": header.sop_instance_uid,
                "rendering": image.explain(frame - 1),
                "notices": [notice.message for notice in image.notices],
            }
    except fastdcm.FastdcmError as error:
        if isinstance(error, fastdcm.NotDicomError) and archive_kind(path):
            return {"path": name, "error": f"is an archive: name a member, as {name}!MEMBER"}
        if isinstance(error, fastdcm.NotDicomError) and is_unread_archive(path):
            return {"path": name, "error": UNREAD_ARCHIVE}
        return {"path": name, "error": str(error).removeprefix(f"{name}: ")}


def _decoded_by(image: Image, index: int) -> str:
    """What decodes a frame; the rest of a file whose frames nothing decodes may be told all the same."""
    import fastdcm

    try:
        return image.decoded_by(index)
    except fastdcm.FastdcmError as error:
        return f"nothing: {error.message}"


def as_text(facts: dict[str, Any]) -> str:
    """The facts in lines for people."""
    if "error" in facts:
        return f"{facts['path']}\n  {facts['error']}"
    frames = "1 frame" if facts["frames"] == 1 else f"{facts['frames']} frames"
    sign = "signed" if facts["pixel_representation"] else "unsigned"
    bits = f"{facts['samples_per_pixel']} x {facts['bits_stored']} of {facts['bits_allocated']} bits"
    syntax = facts["transfer_syntax"] or facts["transfer_syntax_uid"] or "none given"
    lines = [
        facts["path"],
        f"  image      {facts['modality'] or 'DICOM'}, {frames} of {facts['columns']} x {facts['rows']}",
        f"  pixels     {facts['photometric_interpretation']}, {bits}, {sign}",
        f"  encoding   {syntax}" + ("" if facts["decodable"] else " (not supported)"),
    ]
    if facts["decoded_by"]:
        lines.append(f"  decoded by {facts['decoded_by']}")
    lines.append(f"  rendering  {facts['rendering']}")
    lines += [f"  notice     {message}" for message in facts["notices"]]
    return "\n".join(lines)
