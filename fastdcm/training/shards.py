"""Images and their metadata out of shards (tars of WebDataset's format), in NumPy alone."""

from __future__ import annotations

import json
import os
import random
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.pictures import EXTENSIONS, decode_picture
from fastdcm.errors import OptionError, SourceError


class Share(NamedTuple):
    """The shards ``number``, ``number + of``, ... of all, from 0."""

    number: int = 0
    of: int = 1


class ShardReader:
    """Reads samples of tars: members NAME.jpg (or .png, ...) and NAME.json that follow one another.

    ``shards`` are paths of tars, or one path. With ``shuffle`` shards come in random order, and images out of
    a buffer of so many, both by ``seed`` and ``epoch``. ``transform`` is called with image and metadata.
    Raises `OptionError`, and while reading `SourceError` and `DecodeError`, which name the shard.
    """

    def __init__(
        self,
        shards: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        shuffle: int = 0,
        seed: int = 0,
        transform: Callable[[Any, dict[str, Any]], Any] | None = None,
        convert: Callable[[NDArray[Any]], Any] | None = None,
    ) -> None:
        several = [shards] if isinstance(shards, (str, os.PathLike)) else shards
        self.shards = [os.fspath(shard) for shard in several]
        if not self.shards:
            raise OptionError("no shards were named")
        if shuffle < 0:
            raise OptionError(f"shuffle must be a number of images, not {shuffle!r}")
        self.epoch = 0
        self._shuffle, self._seed = shuffle, seed
        self._transform, self._convert = transform, convert

    def __iter__(self) -> Iterator[Any]:
        return self.read(Share())

    def read(self, share: Share) -> Iterator[Any]:
        """The samples of a share of the shards; all shares together are each sample once."""
        shards: Sequence[str] = self.shards
        order = random.Random(f"{self._seed} {self.epoch}")
        if self._shuffle:
            shards = order.sample(shards, len(shards))  # the same for all shares
        mine: Iterator[Sample] = (
            sample for shard in shards[share.number :: share.of] for sample in samples_of(shard)
        )
        if self._shuffle:
            mine = _shuffled(mine, self._shuffle, random.Random(f"{self._seed} {self.epoch} {share.number}"))
        for sample in mine:
            yield self._made(sample)

    def _made(self, sample: Sample) -> Any:
        image: Any = sample.image()
        if self._convert is not None:
            image = self._convert(image)
        return (
            (image, sample.metadata) if self._transform is None else self._transform(image, sample.metadata)
        )


class Sample(NamedTuple):
    """An image of a shard, not yet decoded, and its metadata."""

    shard: str
    member: str
    data: bytes
    metadata: dict[str, Any]

    def image(self) -> NDArray[Any]:
        """(rows, columns[, 3]), uint8 or uint16, writeable. Raises `DecodeError`."""
        array = decode_picture(self.data, self.member, f"{self.shard}/{self.member}")
        return array if array.flags.writeable else np.array(array)


def samples_of(shard: str) -> Iterator[Sample]:
    """The samples of one tar, in order; members of a sample are those with one name up to the first dot."""
    key, image, metadata = "", None, dict[str, Any]()
    try:
        with tarfile.open(shard, "r|*") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is None:
                    continue
                folder, _, name = member.name.rpartition("/")
                stem, _, extension = name.partition(".")
                if f"{folder}/{stem}" != key:
                    if image is not None:
                        yield Sample(shard, *image, metadata)
                    key, image, metadata = f"{folder}/{stem}", None, {}
                if extension.lower() == "json":
                    metadata = json.loads(file.read())
                elif extension.lower() in EXTENSIONS:
                    if image is not None:
                        raise SourceError(f"{member.name} is a second image of its sample", path=shard)
                    image = member.name, file.read()
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise SourceError(f"the shard cannot be read: {error}", path=shard) from error
    if image is not None:
        yield Sample(shard, *image, metadata)


def _shuffled(samples: Iterator[Sample], size: int, order: random.Random) -> Iterator[Sample]:
    """All samples, each out of a buffer of so many."""
    buffer: list[Sample] = []
    for sample in samples:
        if len(buffer) < size:
            buffer.append(sample)
            continue
        place = order.randrange(size)
        buffer[place], sample = sample, buffer[place]
        yield sample
    order.shuffle(buffer)
    yield from buffer
