"""When a run made images: how long it was at it, and how many a second."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Pauses that are no time of the run: it had ended, and was gone on from.
PAUSE = 60.0
#: Slices that are kept at most, and how long they are at first. Where a run takes longer, two become one.
_SLICES, _SHORTEST = 4096, 1 / 16


@dataclass(slots=True)
class _Slice:
    """Images of a slice of time: when the first of them was begun, and the last one finished."""

    count: int
    begin: float
    end: float


@dataclass
class Times:
    """The times of images, in any order; nothing grows with their number."""

    _width: float = _SHORTEST
    _slices: dict[int, _Slice] = field(default_factory=dict)

    def add(self, finished: float, milliseconds: float) -> None:
        """An image that was finished then (seconds since 1970), after so long."""
        self._put(int(finished // self._width), _Slice(1, finished - milliseconds / 1000, finished))
        if len(self._slices) > _SLICES:
            before, self._slices = self._slices, {}
            self._width *= 2
            for place, some in before.items():
                self._put(place // 2, some)

    def _put(self, place: int, more: _Slice) -> None:
        some = self._slices.setdefault(place, more)
        if some is not more:
            some.count += more.count
            some.begin, some.end = min(some.begin, more.begin), max(some.end, more.end)

    @property
    def start(self) -> float | None:
        """When the first image was begun."""
        return min((some.begin for some in self._slices.values()), default=None)

    @property
    def images(self) -> int:
        """How many there are."""
        return sum(some.count for some in self._slices.values())

    @property
    def seconds(self) -> float:
        """How long images were made, without pauses; machines at the same time count once."""
        return sum(end - begin for begin, end in self.spans())

    def spans(self) -> list[tuple[float, float]]:
        """From when to when images were made, one after another, each pause longer than `PAUSE`."""
        spans: list[tuple[float, float]] = []
        for some in sorted(self._slices.values(), key=lambda some: some.begin):
            if spans and some.begin - spans[-1][1] <= PAUSE:
                spans[-1] = spans[-1][0], max(spans[-1][1], some.end)
            else:
                spans.append((some.begin, some.end))
        return spans

    def curve(self, most: int) -> tuple[float, list[int]]:
        """The width of so many equal slices of `seconds` at most, and the images finished in each."""
        spans, seconds = self.spans(), self.seconds
        if not seconds:
            return 0.0, []
        count = max(1, min(most, int(seconds / self._width)))
        counts = [0] * count
        for some in self._slices.values():
            at = sum(min(some.end, end) - begin for begin, end in spans if begin <= some.end)
            counts[min(count - 1, int(at / seconds * count))] += some.count
        return seconds / count, counts
