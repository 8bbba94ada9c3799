"""``fastdcm get``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import is_image_name, named_format
from fastdcm.cli.asked.web import access_options, asking_options, picture_options, web_options
from fastdcm.cli.grouped import GroupedCommand
from fastdcm.cli.messages import counted, printable, rate, write_line
from fastdcm.cli.progress import Display
from fastdcm.cli.summary import DONE, FAILED, INTERRUPTED
from fastdcm.errors import OptionError
from fastdcm.options import ReadOptions

if TYPE_CHECKING:
    from fastdcm.dicomweb.fetched import Fetching, Place, Wanted

_EXAMPLES = """\b
Examples:
  fastdcm get https://server/dicom-web/studies/1.2.3 -o images/ --bearer env:TOKEN
  fastdcm get https://server/dicom-web/studies/1.2.3/series/4.5.6 -F png -j 8
  fastdcm get '.../studies/1.2.3/series/4.5.6/instances/7.8.9/frames/5' -o frame.jpg --local
"""

_WAYS = {
    "rendered": "rendered by the server",
    "frames": "rendered here, from frames",
    "instance": "rendered here, from instances",
    "ranges": "rendered here, from ranges of instances",
}


class _Display(Display):
    """Tells of each image, and the way it came."""

    def _tell(self, outcome: Outcome) -> None:
        from fastdcm.dicomweb.fetched import Fetched

        if isinstance(outcome, Fetched) and outcome.images:
            why = f" ({outcome.why})" if outcome.why else ""
            self._say(f"fetched: {outcome.output}: {_WAYS[outcome.way]}{why}")
        elif isinstance(outcome, Fetched) and outcome.existing:
            self._say(f"left alone: {outcome.output} existed")
        else:
            super()._tell(outcome)


@click.command(cls=GroupedCommand, epilog=_EXAMPLES)
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@picture_options
@access_options
@asking_options
def get(urls: tuple[str, ...], output: str | None, **asked: Any) -> None:
    """Fetch images of studies, series, instances and frames from DICOMweb servers.

    A URL is of WADO-RS, with or without /rendered, or of the older WADO-URI. Images are named
    STUDY/SERIES/INSTANCE, with _FRAME where there are several; those that are there are not fetched again.
    What a server does not render is fetched as it is stored, and rendered here.
    """
    try:
        status = _get(list(urls), output, asked)
    except OptionError as error:
        raise click.UsageError(error.message) from error
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _get(urls: list[str], output: str | None, asked: dict[str, Any]) -> int:
    if asked["quiet"] and asked["verbose"]:
        raise OptionError("--quiet and --verbose exclude each other")
    from fastdcm.dicomweb.access import need_web

    need_web()
    import anyio

    from fastdcm.dicomweb.fetched import Fetching, check
    from fastdcm.dicomweb.fetching import fetch

    place, format = _place(output)
    wanted = [_wanted(url, format, asked) for url in urls]
    _check_servers(wanted, asked)
    check(place, wanted)
    result = Fetching()
    display = _Display(quiet=asked["quiet"], verbose=asked["verbose"], things="instances")

    async def run() -> None:
        await fetch(
            wanted,
            place,
            web=web_options(asked),
            read=ReadOptions(),
            jobs=asked["jobs"],
            frames=asked["frames"],
            overwrite=asked["overwrite"],
            watcher=display,
            result=result,
        )

    try:
        anyio.run(run)
    except KeyboardInterrupt:
        result.report.interrupted = True
    finally:
        display.close()
    if not asked["quiet"]:
        for line in summary(result):
            write_line(sys.stdout, line)
    return _status(result)


def _place(output: str | None) -> tuple[Place, str | None]:
    """Where images go, and the format that a name asks for."""
    from fastdcm.dicomweb.fetched import Place

    if output is None or os.path.isdir(output) or not is_image_name(output):
        if output is not None and os.path.lexists(output) and not os.path.isdir(output):
            raise OptionError(f"{output} is a file; name a folder for the images")
        return Place(output or ""), None
    return Place(*os.path.split(output)), named_format(output)


def _wanted(url: str, format: str | None, asked: dict[str, Any]) -> Wanted:
    from fastdcm.dicomweb.access import Access, without_user
    from fastdcm.dicomweb.asked import Asked, asked_by
    from fastdcm.dicomweb.fetched import Wanted
    from fastdcm.web.resources import parse_address

    bare, user = without_user(url)
    given, address = asked_by(parse_address(bare))
    if asked["format"] or format:
        # What is said here goes before what the address has.
        given.pop("accept", None)
    names = ("accept", "quality", "window", "viewport", "annotation", "iccprofile")
    given |= {name: asked[name] for name in names if asked[name] is not None}
    given |= {"format": asked["format"] or format or given.get("format"), "local": asked["local"]}
    access = Access(
        headers=asked["headers"],
        bearer=asked["bearer"],
        basic=asked["basic"] or (user if asked["bearer"] is None else None),
        certificate=asked["client_cert"],
        password=asked["client_key_password"],
        authority=asked["ca_file"],
    )
    return Wanted(address, access, Asked.of(**given))


def _check_servers(wanted: list[Wanted], asked: dict[str, Any]) -> None:
    """Raises `OptionError` where credentials would go to several servers."""
    from urllib.parse import urlsplit

    servers = {urlsplit(one.address.service)[:2] for one in wanted}
    if len(servers) > 1 and any(asked[name] for name in ("headers", "bearer", "basic", "client_cert")):
        raise OptionError("credentials are for one server, and the addresses are of several: get them apart")


def summary(result: Fetching) -> list[str]:
    """What was done, and the ways that images came."""
    report = result.report
    speed = f" ({rate(report.images, report.seconds)} images/s)" if report.images and report.seconds else ""
    where = f", in {printable(report.outputs[0])}" if report.images else ""
    total = counted(report.found, "instance")
    lines = [f"{counted(report.images, 'image')} from {total} in {report.seconds:.1f} s{speed}{where}"]
    if report.interrupted:
        lines[0] = f"interrupted: {lines[0]}"
    lines += [f"  {count} {_WAYS[way]}" for way, count in result.ways.most_common()]
    lines += [f"    {count}: {printable(why)}" for why, count in result.reasons.most_common(5)]
    if report.failure_count:
        lines.append(counted(report.failure_count, "failure"))
    if report.skipped_count:
        reasons = ", ".join(f"{n} {printable(reason)}" for reason, n in report.skipped_by_reason.items())
        lines.append(f"{counted(report.skipped_count, 'instance')} skipped: {reasons}")
    if report.existing:
        was = "was" if report.existing == 1 else "were"
        lines.append(f"{counted(report.existing, 'image')} {was} there already: --overwrite fetches again")
    return lines


def _status(result: Fetching) -> int:
    report = result.report
    if report.interrupted:
        return INTERRUPTED
    nothing = not (report.images or report.existing)
    return FAILED if report.failure_count or nothing else DONE
