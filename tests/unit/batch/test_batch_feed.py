"""Chunk sizes, second tries, and when the queue is at its end."""

from __future__ import annotations

import threading

from fastdcm.batch.feed import Feed


def _filled(items: int, workers: int = 2) -> Feed:
    feed = Feed(workers)
    for item in range(items):
        feed.put(item)
    return feed


def _size(feed: Feed) -> int:
    chunk = feed.take()
    assert chunk is not None
    return len(chunk)


def test_first_chunk_is_one_item_because_the_cost_is_unknown() -> None:
    assert _size(_filled(1000)) == 1


def test_chunks_grow_with_cheap_items_and_shrink_with_dear_ones() -> None:
    feed = _filled(4000)
    feed.learn(1000, 0.01)
    assert _size(feed) == 512, "no more than are given back where a worker dies"
    feed.learn(10, 0.04)
    assert _size(feed) == 124, "2.005 ms each: a quarter of a second"
    for _ in range(10):
        feed.learn(10, 10.0)
    assert _size(feed) == 1


def test_chunks_shrink_towards_the_end() -> None:
    feed = _filled(100, workers=2)
    feed.learn(1, 0.0001)
    sizes = []
    while sum(sizes) < 100:
        sizes.append(_size(feed))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 25
    assert sizes[-1] == 1


def test_whoever_waits_gets_what_is_put() -> None:
    """Putting takes no lock, where nobody waits: none may sleep over an item."""
    feed = Feed(4, ahead=5)
    got: list[int] = []

    def work() -> None:
        while (chunk := feed.take()) is not None:
            got.extend(item for item, _ in chunk)
            feed.done(len(chunk), [])

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(3000):
        assert feed.put(number)
    feed.finish()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert sorted(got) == list(range(3000))


def test_every_item_comes_once_and_in_order() -> None:
    feed = _filled(300)
    feed.learn(1, 0.001)
    feed.finish()
    got = []
    while (chunk := feed.take()) is not None:
        for item, own in chunk:
            assert not own
            got.append(item)
            feed.done(1, [])
    assert got == list(range(300))


def test_unbegun_items_come_first_again_in_order() -> None:
    feed = _filled(50)
    feed.learn(1, 0.03)
    chunk = feed.take()
    assert chunk is not None
    assert len(chunk) > 3
    feed.done(1, [])
    feed.give_back(chunk[1:])
    again = feed.take()
    assert again is not None
    assert [item for item, _ in again][:3] == [1, 2, 3]


def test_a_second_try_is_alone_and_marked() -> None:
    feed = _filled(10)
    feed.learn(1, 0.0001)
    chunk = feed.take()
    assert chunk is not None
    feed.give_back(chunk[1:])
    feed.retry(chunk[0][0])
    assert feed.take() == [(0, True)]


def test_the_end_waits_for_items_under_way() -> None:
    feed = _filled(1)
    feed.finish()
    assert feed.take() == [(0, False)]
    ends: list[object] = []
    thread = threading.Thread(target=lambda: ends.append(feed.take()), daemon=True)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive(), "the item under way may still come back"
    feed.done(1, ["part"])
    thread.join(10)
    assert ends == [[("part", False)]]
    feed.done(1, [])
    assert feed.take() is None


def test_whoever_only_looks_wakes_who_takes() -> None:
    """The first worker's thread looks whether there will be work, and must not swallow a wake-up."""
    feed = Feed(2)
    got: list[object] = []
    taker = threading.Thread(target=lambda: got.append(feed.take()), daemon=True)
    looker = threading.Thread(target=lambda: got.append(feed.expects(0.5)), daemon=True)
    looker.start()
    taker.start()
    while feed._waiting < 2:
        taker.join(0.001)
    feed.put("item")
    looker.join(5)
    taker.join(5)
    assert sorted(map(str, got)) == ["True", "[('item', False)]"]


def test_what_is_expected() -> None:
    assert _filled(1).expects(0)
    feed = Feed(1)
    assert feed.expects(0), "nobody knows yet"
    feed.finish()
    assert not feed.expects(5)
    stopped = Feed(1)
    stopped.stop()
    assert not stopped.expects(5)


def test_what_is_taken_without_waiting() -> None:
    feed = Feed(2)
    assert feed.take_now() == []
    assert not feed.over
    feed.put("a")
    assert feed.take_now() == [("a", False)]
    feed.finish()
    assert not feed.over, "one is under way"
    feed.done(1, ["part"])
    assert feed.take_now() == [("part", False)]
    feed.done(1, [])
    assert feed.over
    assert feed.take_now() == []
    stopped = _filled(3)
    stopped.stop()
    assert stopped.over
    assert stopped.take_now() == []


def test_where_handing_out_is_dear_chunks_shrink_less() -> None:
    feed = Feed(2, ahead=100_000, seconds=1.0, most=5000, shrink=8)
    for item in range(10_000):
        feed.put(item)
    feed.learn(1000, 0.25)
    assert len(feed.take_now()) == 2500, "a quarter of what is there, which would take less than a second"
    feed.finish()
    sizes = [2500]
    while chunk := feed.take_now():
        sizes.append(len(chunk))
    assert sum(sizes) == 10_000
    assert min(sizes[:-1]) == 500, "an eighth of a second's"
    assert len(sizes) < 16


def test_while_more_is_found_than_is_done_chunks_are_whole() -> None:
    feed = Feed(2, ahead=6000, seconds=1.0, most=5000, shrink=8)
    for item in range(5000):
        feed.put(item)
    feed.learn(1000, 0.25)
    assert len(feed.take_now()) == 4000


def test_a_feed_serves_more_workers_from_now_on() -> None:
    feed = Feed(1, ahead=10, seconds=1.0)
    for item in range(10):
        feed.put(item)
    putting = threading.Thread(target=lambda: feed.put(10), daemon=True)
    putting.start()
    feed.serve(5, 1.0, 20)
    putting.join(10)
    assert feed.waiting == 11
    feed.learn(1, 0.01)
    assert len(feed.take_now()) == 2
