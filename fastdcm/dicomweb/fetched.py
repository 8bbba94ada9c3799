"""What is wanted of servers, and what came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from fastdcm.batch.report import Outcome, Report
from fastdcm.errors import OptionError
from fastdcm.web.resources import Address

if TYPE_CHECKING:
    from fastdcm.dicomweb.access import Access
    from fastdcm.dicomweb.asked import Asked


class Wanted(NamedTuple):
    """What is wanted of an address: a study, a series, an instance, frames."""

    address: Address
    access: Access
    asked: Asked


class Place(NamedTuple):
    """Where pictures go: a folder; with a ``name`` one picture alone, under it."""

    folder: str
    name: str = ""


@dataclass(slots=True)
class Fetched(Outcome):
    """What came of a frame: also the way that its picture came, and where it is."""

    way: str = ""
    why: str = ""
    output: str = ""


@dataclass
class Fetching:
    """What a run did: the report, pictures by the way they came, and reasons why the server rendered none."""

    report: Report = field(default_factory=Report)
    ways: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


def check(place: Place, wanted: Sequence[Wanted]) -> None:
    """Raises `OptionError` where no pictures are wanted, or several and one name is given."""
    for one in wanted:
        if one.address.resource.view == "metadata":
            raise OptionError("metadata are no images: leave /metadata away")
        if one.address.resource.view == "thumbnail" and not one.address.resource.instance:
            raise OptionError("thumbnails are fetched of instances: name one")
    if not place.name:
        return
    resource = wanted[0].address.resource
    if len(wanted) > 1 or not resource.instance or len(resource.frames) > 1:
        raise OptionError(f"{place.name} can hold one image, not many; name a folder with -o")
