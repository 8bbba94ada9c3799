"""Our own decoder of lossless JPEG against libjpeg-turbo, over what streams can be; and what is not whole."""

from __future__ import annotations

import random
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from fastdcm.codecs.decode import decoded_by
from fastdcm.codecs.decoders import jpeg as decoder
from fastdcm.codecs.jpeg_lossless import decode as module
from fastdcm.codecs.jpeg_lossless.decode import decode, scan_end
from fastdcm.codecs.jpeg_lossless.headers import REFUSALS, refusal
from fastdcm.codestream import jpeg, jpeg_entropy, jpeg_huffman, markers
from fastdcm.errors import CodestreamError, DecodeError, FastdcmError, UnsupportedError
from fastdcm.kernels import coded_bytes, differences, lossless_scans, predictions
from tests.checked import printed_with_checks
from tests.payoffs import Fixed
from tests.unit.codecs.annex_h import CATEGORIES, Table, encoded, table
from tests.unit.codecs.decoding import decoded, header_of
from tests.unit.codecs.sequential import encoded as progressive
from tests.unit.codestream.streams import segment

Array = NDArray[Any]
PREDICTORS = range(1, 8)
KINDS = ["noise", "smooth", "constant", "extremes", "sparse", "ramp"]


def content(kind: str, shape: tuple[int, ...], bits: int, seed: int = 0) -> Array:
    """Images of which each is another stretch of the codes."""
    rng = np.random.default_rng(seed)
    top = (1 << bits) - 1
    found = {
        "noise": lambda: rng.integers(0, top + 1, shape),
        "smooth": lambda: np.cumsum(rng.integers(-3, 4, shape), 1) + top // 2,
        "constant": lambda: np.full(shape, top),
        "extremes": lambda: np.where(rng.random(shape) < 0.5, 0, top),
        "sparse": lambda: np.where(rng.random(shape) < 0.01, rng.integers(0, top + 1, shape), top // 3),
        "ramp": lambda: np.arange(np.prod(shape)).reshape(shape) + rng.normal(0, top / 50 + 1, shape),
    }[kind]()
    return np.clip(found, 0, top).astype(np.uint8 if bits <= 8 else np.uint16)


def own(stream: bytes, **options: Any) -> Array:
    header = jpeg.parse(stream, scan_end=scan_end)
    assert refusal(header) == ""
    assert header == jpeg.parse(stream)
    return decode(stream, header, **options).array


def library(stream: bytes) -> Array:
    components = len(jpeg.parse(stream).components)
    return imagecodecs.jpeg8_decode(
        stream, **({"colorspace": "RGB", "outcolorspace": "RGB"} if components == 3 else {})
    )


def assert_equal(stream: bytes, array: Array | None = None) -> None:
    """Of the type, shape and values that libjpeg-turbo gives, and those that were encoded."""
    found, wanted = own(stream), library(stream)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
    if array is not None:
        np.testing.assert_array_equal(found, array)


# What there can be


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("bits", [2, 7, 8, 9, 12, 15, 16])
def test_libjpeg_turbo_wrote_it(bits: int, predictor: int, kind: str) -> None:
    array = content(kind, (70, 131), bits)
    stream = imagecodecs.jpeg8_encode(array, lossless=True, predictor=predictor, bitspersample=bits)
    assert_equal(bytes(stream), array)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_long_scans(bits: int, kind: str) -> None:
    """Of many rounds of four whole lanes."""
    array = content(kind, (601, 1023), bits)
    stream = imagecodecs.jpeg8_encode(array, lossless=True, predictor=1, bitspersample=bits)
    assert_equal(bytes(stream), array)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [2, 12, 16])
def test_liblj92_wrote_it(bits: int, kind: str) -> None:
    """Predictor 6, whose half differences take more than 16 bits with samples of 16."""
    array = content(kind, (70, 131), bits)
    assert_equal(bytes(imagecodecs.ljpeg_encode(array, bitspersample=bits)), array)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (3, 4000)])
@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("samples", [(), (3,)])
def test_any_shape(shape: tuple[int, int], predictor: int, samples: tuple[int, ...]) -> None:
    array = content("noise", (*shape, *samples), 8)
    assert_equal(encoded(array, bits=8, predictor=predictor), array)


@pytest.mark.parametrize("samples", [(), (3,)])
@pytest.mark.parametrize("rows", [0, 1, 2, 7])
@pytest.mark.parametrize("transform", [0, 1, 5])
@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("bits", [6, 11, 16])
def test_point_transform_and_restarts(
    bits: int, predictor: int, transform: int, rows: int, samples: tuple[int, ...]
) -> None:
    array = content("noise" if rows else "smooth", (20, 61, *samples), bits)
    stream = encoded(array, bits=bits, predictor=predictor, transform=transform, rows=rows)
    assert_equal(stream, array >> transform << transform)


@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("deep", [True, False])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_tables(bits: int, count: int, deep: bool, interleaved: bool) -> None:
    """One for all components, or one for each; with codes of up to 16 bits, of any category."""
    tables = [table(seed, deep=deep) for seed in range(count)]
    for predictor in PREDICTORS:
        array = content("smooth", (90, 120, 3), bits, seed=predictor)
        stream = encoded(
            array,
            bits=bits,
            predictor=predictor,
            tables=tables,
            interleaved=interleaved,
            rows=predictor % 3 * 30,
        )
        assert_equal(stream, array)


def test_codes_that_find_no_step() -> None:
    """Codes that all take an even number of bits with what follows never come into step from an odd place."""
    lengths = [0] * CATEGORIES
    lengths[0], lengths[1], lengths[2] = 4, 3, 2
    array = (np.cumsum(np.random.default_rng(1).choice([-2, 0, 2], (200, 700)), 1) & 0xFF).astype(np.uint8)
    array = np.where(array > 250, 250, array)
    lengths[3:9] = [6] * 6
    assert_equal(encoded(array.astype(np.uint8), bits=8, tables=[Table(tuple(lengths))]), array)


def test_category_16() -> None:
    """A difference of 32768 has no bits behind its code (H.1.2.2)."""
    array = np.where(np.random.default_rng(2).random((40, 50)) < 0.5, 0, 32768).astype(np.uint16)
    for predictor in PREDICTORS:
        assert_equal(encoded(array, bits=16, predictor=predictor), array)


@pytest.mark.parametrize("fill", [b"\xff", b"\xff" * 9])
def test_fill_bytes(fill: bytes) -> None:
    """Before any marker there may be FF (B.1.1.2)."""
    array = content("smooth", (40, 50), 12)
    assert_equal(encoded(array, bits=12, rows=8, fill=fill), array)


def test_one_part_of_a_table_is_enough_for_small_images(monkeypatch: pytest.MonkeyPatch) -> None:
    array = content("smooth", (300, 301), 12)
    stream = encoded(array, bits=12)
    for threshold in (0, array.size + 1):
        monkeypatch.setattr(module, "_SAMPLES_BEFORE_WHOLE_CODES", threshold)
        np.testing.assert_array_equal(own(stream), array)


# What is not taken


def changed(stream: bytes, code: int, offset: int, value: int) -> bytes:
    """A byte of the first segment of this code, counted from its length."""
    at = stream.index(bytes([0xFF, code])) + 2 + offset
    return stream[:at] + bytes([value]) + stream[at + 1 :]


ARRAY = content("smooth", (24, 16), 12)
PLAIN = encoded(ARRAY, bits=12)
COLOUR = encoded(content("smooth", (24, 16, 3), 8), bits=8)
REFUSED = {
    "components of different resolution": changed(COLOUR, 0xC3, 9, 0x21),
    "scans of some components, or in another order": changed(changed(COLOUR, 0xDA, 3, 2), 0xDA, 5, 1),
    "restart intervals that are no whole lines": changed(encoded(ARRAY, bits=12, rows=4), 0xDD, 3, 63),
    "scan headers of other processes": changed(PLAIN, 0xDA, 7, 12),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_what_goes_to_the_library(reason: str) -> None:
    stream = REFUSED[reason]
    assert refusal(jpeg.parse(stream, partial=True, scan_end=scan_end)) == reason
    array = np.zeros((24, 16, len(jpeg.parse(stream, partial=True).components)), np.uint16)
    header = header_of(array if array.shape[2] > 1 else array[..., 0], "lossless", bits_stored=12)
    with pytest.raises(UnsupportedError, match=f"does not take {reason}"):
        decoded(stream, header, decoder="own")
    assert decoded_by(memoryview(stream), header) == f"libjpeg-turbo: {reason}"


def test_lines_in_parts() -> None:
    """An interval that is no whole line is not legal; the library says so."""
    with pytest.raises((DecodeError, CodestreamError)):
        decoded(REFUSED[REFUSALS[2]], header_of(ARRAY, "lossless", bits_stored=12))


def test_components_of_different_resolution_are_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(True))
    called = []
    monkeypatch.setattr(decoder, "_by_library", lambda *arguments, **options: called.append(arguments))
    with pytest.raises((AttributeError, TypeError)):
        decoded(REFUSED[REFUSALS[0]], header_of(np.zeros((24, 16, 3), np.uint8), "lossless"))
    assert called


@pytest.mark.parametrize("pays", [True, False])
@pytest.mark.parametrize("chosen", ["auto", "own", "library"])
def test_who_decodes(pays: bool, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(pays))
    decode_it, by_library = imagecodecs.jpeg8_decode, []

    def called(*arguments: Any, **options: Any) -> Any:
        by_library.append(1)
        return decode_it(*arguments, **options)

    monkeypatch.setattr(decoder.imagecodecs, "jpeg8_decode", called)
    samples, _ = decoded(PLAIN, header_of(ARRAY, "sv1", bits_stored=12), decoder=chosen)
    np.testing.assert_array_equal(samples.array, ARRAY)
    assert bool(by_library) == (chosen == "library" or (chosen == "auto" and not pays))


def test_the_walk_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(True))
    monkeypatch.setattr(jpeg_entropy, "coverage", None)
    samples, codes = decoded(PLAIN, header_of(ARRAY, "sv1", bits_stored=12))
    np.testing.assert_array_equal(samples.array, ARRAY)
    assert codes == []


def test_other_processes_are_of_other_decoders() -> None:
    array = content("smooth", (16, 16), 8)
    stream = progressive(array, 95, progressive=True)
    header = header_of(array, "1.2.840.10008.1.2.4.55")
    assert decoded(stream, header, decoder="own")[0].array.shape == array.shape
    found = decoded_by(memoryview(stream), header)
    assert found == "own progressive JPEG decoder (libjpeg-turbo in small jobs)"


def test_it_is_said_who_decodes() -> None:
    header = header_of(ARRAY, "sv1", bits_stored=12)
    assert decoded_by(memoryview(PLAIN), header) == "own lossless JPEG decoder (libjpeg-turbo in small jobs)"
    assert decoded_by(memoryview(PLAIN), header, decoder="library") == "libjpeg-turbo through imagecodecs"


def test_other_tables_are_errors() -> None:
    header = header_of(ARRAY, "sv1", bits_stored=12)
    at = PLAIN.index(b"\xff\xc4")
    length = int.from_bytes(PLAIN[at + 2 : at + 4], "big")

    def with_table(definition: bytes) -> bytes:
        return PLAIN[:at] + segment(0xC4, definition) + PLAIN[at + 2 + length :]

    for definition, error, reason in [
        (
            b"\x01" + PLAIN[at + 5 : at + 2 + length],
            UnsupportedError,
            "does not define its Huffman DC table 0",
        ),
        (b"\x00\x03" + bytes(15) + b"\x00\x01\x02", CodestreamError, "too many codes of 1 bits"),
        (b"\x00\x02" + bytes(15) + b"\x00\x11", CodestreamError, "category 17"),
        (b"\x00" + bytes(16), CodestreamError, "damaged: the scan is damaged after 0 of 384 MCUs"),
    ]:
        for chosen in ("own", "library"):
            with pytest.raises(error, match=reason):
                decoded(with_table(definition), header, decoder=chosen)


# Whole, or an error


def cuts(stream: bytes, count: int, seed: int) -> list[bytes]:
    """Streams that lack bytes of their scans, with and without an end marker."""
    start, end = stream.index(b"\xff\xda") + 8, len(stream) - 2
    places = random.Random(seed).sample(range(start, end), min(count, end - start))
    return [stream[:place] + tail for place in places for tail in (b"", b"\xff\xd9", b"\0\xff\xd9")]


@pytest.mark.parametrize("rows", [0, 4])
@pytest.mark.parametrize(("bits", "samples"), [(8, ()), (8, (3,)), (12, ()), (16, ())])
def test_cuts(bits: int, samples: tuple[int, ...], rows: int) -> None:
    array = content("noise" if bits == 16 else "smooth", (48, 64, *samples), bits)
    stream = encoded(array, bits=bits, rows=rows)
    header = header_of(array, "lossless", bits_stored=bits)
    for cut in cuts(stream, 150, bits):
        try:
            samples_found = decoded(cut, header, decoder="own")[0].array
        except CodestreamError:
            continue
        # A last byte of nothing but padding, in the place of which stands another one.
        np.testing.assert_array_equal(samples_found, array)
        assert len(cut) >= len(stream) - 2


def test_cuts_of_long_scans() -> None:
    array = content("smooth", (500, 640), 12)
    stream = encoded(array, bits=12)
    header = header_of(array, "lossless", bits_stored=12)
    for cut in cuts(stream, 60, 5):
        with pytest.raises(CodestreamError):
            decoded(cut, header, decoder="own")


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_cuts_in_part(rows: int) -> None:
    """As much is there as the walk in front of the library finds."""
    array = content("noise", (48, 64), 12)
    stream = encoded(array, bits=12, rows=rows)
    header = header_of(array, "lossless", bits_stored=12)

    def outcome(cut: bytes, chosen: str) -> Any:
        try:
            samples, codes = decoded(cut, header, decoder=chosen, darkest=lambda bits: 7)
        except FastdcmError as error:
            return type(error), str(error)
        return samples.array.tolist(), samples.missing, codes

    for cut in cuts(stream, 40, rows):
        assert outcome(cut, "own") == outcome(cut, "library")


def test_each_scan_is_decoded_of_which_one_is_cut() -> None:
    """With components one after the other, rows that are whole are so in all of them."""
    array = content("noise", (40, 31, 3), 8)
    stream = encoded(array, bits=8, interleaved=False)
    for scan in jpeg.parse(stream).scans:
        cut = stream[: scan.end - 500] + stream[scan.end :]
        found = decode(cut, jpeg.parse(cut, partial=True), partial=True)
        assert 10 < found.rows < 40
        np.testing.assert_array_equal(found.array[: found.rows], array[: found.rows])


@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("samples", [(), (3,)])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_threads_share_restart_intervals(
    rows: int, bits: int, samples: tuple[int, ...], interleaved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same samples, and of damaged streams the same error, or as many rows."""
    monkeypatch.setattr(module, "_SAMPLES_OF_A_THREAD", 100)
    array = content("smooth", (90, 31, *samples), bits)
    stream = encoded(array, bits=bits, predictor=4, rows=rows, interleaved=interleaved)
    header = jpeg.parse(stream)
    shares = module._shares(stream, header, header.scans[0], 3)
    assert 1 < len(shares) <= 3
    for threads in (2, 3, 40):
        np.testing.assert_array_equal(own(stream, threads=threads), array)
    chance = random.Random(rows)
    for number in range(60):
        at = chance.randrange(header.scans[0].start, header.scans[0].end)
        changed = bytearray(stream)
        if number % 3 == 0:
            del changed[at : at + chance.randint(1, 40)]
        elif number % 3 == 1:
            changed[at] = chance.randrange(256)
        else:
            del changed[at:]
        wanted, found = (rows_or_error(bytes(changed), threads) for threads in (1, 3))
        assert found == wanted


def rows_or_error(stream: bytes, threads: int) -> tuple[int, bytes] | str:
    """Whole rows and what is in them, or what an error says."""
    try:
        found = decode(stream, jpeg.parse(stream, partial=True), partial=True, threads=threads)
    except FastdcmError as error:
        return error.message
    return found.rows, found.array[: found.rows].tobytes()


def test_restart_markers() -> None:
    array = content("smooth", (40, 50), 12)
    stream = encoded(array, bits=12, rows=4)
    header = header_of(array, "lossless", bits_stored=12)
    places = [stream.index(bytes([0xFF, 0xD0 + number])) for number in range(3)]
    without = stream[: places[0]] + stream[places[0] + 2 :]
    swapped = stream[: places[0] + 1] + b"\xd1" + stream[places[0] + 2 :]
    missing = stream[: places[0]] + stream[places[1] :]
    for wrong in (without, swapped, missing):
        with pytest.raises(CodestreamError, match=r"cut|damaged"):
            decoded(wrong, header, decoder="own")
    # One more behind the last interval does no harm.
    more = stream[:-2] + b"\xff\xd1\xff\xd9"
    np.testing.assert_array_equal(decoded(more, header, decoder="own")[0].array, array)


@pytest.mark.parametrize("size", [(12, 16), (300, 400)])
def test_bytes_left_over(size: tuple[int, int]) -> None:
    array = content("smooth", size, 12)
    stream = encoded(array, bits=12)
    header = header_of(array, "lossless", bits_stored=12)
    for spare in (1, 2, 7, 8, 9, 1000, 60_000):
        longer = stream[:-2] + bytes(spare) + stream[-2:]
        if spare < 8:
            np.testing.assert_array_equal(decoded(longer, header, decoder="own")[0].array, array)
            continue
        with pytest.raises(CodestreamError, match=r"damaged: .* bytes are left over"):
            decoded(longer, header, decoder="own")


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_seen_as_the_walk_sees_it(seed: int) -> None:
    """Bytes that are changed: the same samples as libjpeg-turbo, or the same error as the walk."""
    chance = random.Random(seed)
    bits = chance.choice([8, 12, 16])
    array = content(chance.choice(KINDS), (90, 120), bits, seed)
    stream = bytearray(
        encoded(array, bits=bits, predictor=chance.randint(1, 7), rows=chance.choice([0, 0, 9]))
    )
    start = stream.index(b"\xff\xda") + 10
    for _ in range(chance.randint(1, 4)):
        stream[chance.randrange(start, len(stream) - 2)] = chance.randrange(256)
    header = header_of(array, "lossless", bits_stored=bits)

    def outcome(chosen: str) -> Any:
        try:
            return decoded(bytes(stream), header, decoder=chosen)[0].array.tolist()
        except CodestreamError as error:
            return str(error).split(":")[0]

    assert outcome("own") == outcome("library")


def test_the_end_of_a_scan() -> None:
    """The kernel finds the marker that the regular expression finds."""
    chance = random.Random(1)
    for _ in range(3000):
        data = bytes(
            chance.choice([0xFF, 0xFF, 0, 1, 0xD0, 0xD7, 0xD9, 7, 9, 3, 5])
            for _ in range(chance.randint(0, 30))
        )
        data = chance.choice([b"", bytes(chance.randrange(0xFF) for _ in range(40))]) + data
        start = chance.randint(0, len(data))
        for has_restarts in (False, True):
            found = markers.SCAN_ENDS[False, has_restarts].search(data, start)
            assert scan_end(data, start, has_restarts) == (found.start() if found else len(data))


# Kernels


def arguments(stream: bytes = PLAIN, shape: tuple[int, int] = (24, 16)) -> list[Any]:
    """Those of `decode_scan` for a stream of one component."""
    scan = jpeg.parse(stream).scans[0]
    out = np.zeros(shape, np.uint16)
    how = np.array([1, scan.spectral_start, 1 << 11, 0, predictions.IN_PLACE, 0, 1], np.uint64)
    tables = module._tables([jpeg_huffman.definition_of(scan, 0, 0)], True)
    coded = np.empty(scan.end - scan.start + coded_bytes.PADDING, np.uint8)
    work = np.empty(4 * differences.LANE, np.uint16)
    source = np.frombuffer(stream, np.uint8)
    state = np.empty(predictions.STATE, np.uint64)
    return [source, scan.start, scan.end, 24, tables, False, coded, work, out, out, state, how]


def test_arguments_that_do_not_fit_are_refused() -> None:
    assert lossless_scans.decode_scan(*arguments())[:2] == (24 * 16, lossless_scans.WHOLE)
    good = arguments()

    def how(number: np.uint64, value: int) -> Array:
        found = good[11].copy()
        found[number] = value
        return found

    two = np.zeros((2, 16), np.uint16)
    masked = how(predictions.MASK, 1)
    far = masked.copy()
    far[predictions.OFFSET] = 1
    for changes in [
        {1: len(PLAIN), 2: len(PLAIN) - 1},
        {2: len(PLAIN) + 1},
        {3: 0},
        {4: np.zeros((0, differences.TABLE_SIZE), np.uint64)},
        {4: np.zeros((2, differences.TABLE_SIZE), np.uint64)},
        {4: np.zeros((1, differences.TABLE_SIZE - 1), np.uint64)},
        {6: good[6][:-1]},
        {7: good[7][:-1]},
        {8: two},
        {8: np.zeros((24, 15), np.uint16)},
        {9: np.zeros((0, 16), np.uint16)},
        {10: good[10][:-1]},
        {11: good[11][:-1]},
        {11: how(predictions.COMPONENTS, 0)},
        {11: how(predictions.COMPONENTS, 17)},
        {11: masked},  # of 24 lines
        {8: two, 11: far},
        {8: two, 11: how(predictions.MASK, 3)},
    ]:
        wrong = [changes.get(number, value) for number, value in enumerate(good)]
        assert lossless_scans.decode_scan(*wrong) == (0, lossless_scans.WRONG, 0), changes


CHECKED = """
import random
from fastdcm.codecs.jpeg_lossless.decode import decode, scan_end
from fastdcm.codestream import jpeg
from fastdcm.errors import CodestreamError
from tests.unit.codecs.annex_h import encoded, table
from tests.unit.codecs.test_codecs_jpeg_lossless import KINDS, content

outcomes = set()
for number in range(500):
    chance = random.Random(number)
    bits = chance.choice([2, 8, 12, 16])
    shape = chance.choice([(1, 1), (9, 30), (40, 55), (130, 170), (3, 5000)]) + chance.choice([(), (), (3,)])
    predictor, transform = chance.randint(1, 7), chance.choice([0, 0, 1])
    tables = chance.choice([[], [table(number)], [table(number + each, deep=True) for each in range(3)]])
    stream = bytearray(encoded(
        content(chance.choice(KINDS), shape, bits, number), bits=bits, predictor=predictor,
        transform=transform, rows=chance.choice([0, 0, 1, 5]),
        tables=tables if len(shape) == 3 else tables[:1],
        interleaved=chance.random() < 0.7,
    ))
    start = jpeg.parse(bytes(stream)).scans[0].start
    kind = chance.randrange(5)
    if kind == 1:
        del stream[chance.randrange(start, len(stream)):]
    elif kind == 2:
        del stream[chance.randrange(start, len(stream)):-2]
    elif kind == 3:
        for _ in range(chance.randint(1, 9)):
            stream[chance.randrange(start, len(stream) - 2)] = chance.randrange(256)
    elif kind == 4:
        stream[start:-2] = bytes(chance.choice([chance.randrange(256), 0xFE, 0]) for _ in range(len(stream)))
    stream = bytes(stream)
    try:
        header = jpeg.parse(stream, partial=kind == 1, scan_end=scan_end)
        decode(stream, header, partial=kind == 1)
        outcomes.add("whole")
    except CodestreamError as error:
        outcomes.add(str(error).split(":")[0])
print(*sorted(outcomes))
"""


def test_nothing_is_read_or_written_outside() -> None:
    """Streams of any kind, cut and damaged ones, with numba's checks of bounds."""
    assert {"whole", "cut", "damaged"} <= set(printed_with_checks(CHECKED).split())
