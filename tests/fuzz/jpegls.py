"""``python -m tests.fuzz.jpegls --seed 1 --count 200000 --cuts 10000 --damaged 10000``: our JPEG-LS decoder.

Random images of any depth, size, content, interleave mode and NEAR, by CharLS and, with presets and restart
intervals, by the tests' own encoder: what comes out is what encoders say, and what CharLS decodes. Then cuts,
with an end marker behind them and without: each is an error. Then streams that are damaged otherwise, of
which anything may come. What the kernels read and write ends at pages that nobody may touch. Exits with 1
where one is not so.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import time
from collections import Counter
from typing import Any, NamedTuple

import imagecodecs
import jpeg_ls
import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpegls import decode as module
from fastdcm.codecs.jpegls.takes import library_refusal
from fastdcm.codestream import jpeg, jpegls
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import jpegls as kernels
from tests.fuzz import guarded
from tests.unit.codecs.jpegls_encoder import Presets, encode

Array = NDArray[Any]
EOI = b"\xff\xd9"
#: Of so many streams, one is by the tests' encoder, which is slow.
_PLAIN = 4


class Made(NamedTuple):
    """A stream, the samples that it must give, and how it was made."""

    stream: bytes
    pixels: Array
    words: str


def content(chance: random.Random, shape: tuple[int, int, int], top: int) -> Array:
    """Samples from 0 to ``top``, of which each kind is another way through the decoder."""
    rng = np.random.default_rng(chance.getrandbits(32))
    kind = chance.randrange(7)
    middle = chance.randint(0, top)
    if kind == 0:
        values = rng.integers(0, top + 1, shape)
    elif kind == 1:
        values = np.full(shape, middle)
    elif kind == 2:
        values = rng.normal(middle, top / chance.choice([4, 30, 200]) + 1, shape)
    elif kind == 3:
        values = np.where(rng.random(shape) < chance.choice([0.01, 0.05, 0.3]), middle, top // 2)
    elif kind == 4:
        values = middle + rng.integers(-1, 2, shape) * (rng.random(shape) < 0.1)
    elif kind == 5:
        values = middle + np.cumsum(rng.integers(-2, 3, shape), axis=1)
    else:
        steps = np.add.outer(np.arange(shape[0]), np.arange(shape[1]))[..., None]
        values = (steps * np.arange(1, shape[2] + 1) + rng.integers(0, 2, shape)) % (top + 1)
    return np.clip(values, 0, top).astype(np.uint8 if top < 256 else np.uint16)


def made(seed: int, number: int) -> Made:
    """The stream of this number."""
    chance = random.Random(f"{seed} {number}")
    bits, samples = chance.randint(2, 16), chance.choice([1, 1, 3])
    interleave = chance.randrange(3) if samples == 3 else 0
    top = (1 << bits) - 1
    plain = number % _PLAIN == 0
    side = 20 if plain else chance.choice([20, 20, 70])
    shape = chance.randint(1, side), chance.randint(1, side), samples
    presets, restart = None, 0
    if plain and chance.random() < 0.6:
        maxval = chance.choice([0, 0, top, chance.randint(min(3, top), top)])
        presets = Presets(maxval, reset=chance.choice([0, 3, 7, 64, 255, max(255, maxval or top)]))
    if plain and chance.random() < 0.3:
        restart = chance.randint(1, 5)
    top = presets.maxval if presets and presets.maxval else top
    near = min(chance.choice([0, 0, 0, 1, 2, 3, 9, 255]), top // 2)
    if presets and chance.random() < 0.5:
        t1, t2, t3 = sorted(chance.randint(near + 1, top) for _ in range(3))
        presets = presets._replace(t1=t1, t2=t2, t3=t3)
    pixels = content(chance, shape, top)
    words = f"{number}: {bits} bits, {shape}, NEAR {near}, ILV {interleave}, {presets}, restart {restart}"
    if plain:
        stream, pixels = encode(
            pixels, bits, near=near, interleave=interleave, presets=presets, restart=restart
        )
        return Made(stream, pixels, words)
    ordered = np.ascontiguousarray(pixels.transpose(2, 0, 1) if interleave == 0 else pixels)
    # Its buffer is too small for some images of a few samples.
    arguments = ordered.tobytes(), *shape, bits, near, interleave if samples == 3 else None
    try:
        stream = bytes(jpeg_ls.encode_buffer(*arguments))
    except RuntimeError:
        stream, pixels = encode(pixels, bits, near=near, interleave=interleave)
        return Made(stream, pixels, words)
    return Made(stream, pixels if near == 0 else by_charls(stream, shape), words)


def by_charls(stream: bytes, shape: tuple[int, ...]) -> Array:
    """Decoded by CharLS; the stream must be whole."""
    found: Array = imagecodecs.jpegls_decode(stream)
    if found.size == np.prod(shape) and shape[2] == 3 and found.shape != shape:
        found = np.moveaxis(found, 0, -1)  # by planes
    return found.reshape(shape)


def ours(stream: bytes) -> Array:
    """Decoded by our own kernels, from and into arrays with guarded pages behind them."""
    header = jpeg.parse(stream)
    source: Any = guarded.copied(np.frombuffer(stream, np.uint8)).data
    with guarded.arrays_of(module, kernels):
        return module.decode(source, header, jpegls.codings(stream, header)).array


def wrong_pixels(one: Made) -> str:
    """In words, what is not as it must be; empty where all is."""
    try:
        found = ours(one.stream)
    except CodestreamError as error:
        return f"{one.words}: {error}"
    if not np.array_equal(found.reshape(one.pixels.shape), one.pixels):
        return f"{one.words}: other pixels"
    header = jpeg.parse(one.stream)
    if library_refusal(header, jpegls.codings(one.stream, header)):
        return ""
    try:
        theirs = by_charls(one.stream, one.pixels.shape)
    except RuntimeError as error:
        return f"{one.words}: CharLS: {error}"
    return "" if np.array_equal(theirs, one.pixels) else f"{one.words}: CharLS has other pixels"


def accepted_cut(one: Made, chance: random.Random) -> str:
    """Cut the stream somewhere behind its first scan header; in words, where that is no error."""
    first = jpeg.parse(one.stream).scans[0].start
    end = len(one.stream) - len(EOI)
    # Half of them lose few bytes, which is what is hard to see.
    kept = (
        chance.randint(max(first, end - 4), end - 1)
        if chance.random() < 0.5
        else chance.randint(first, end - 1)
    )
    for marker in (b"", EOI):
        try:
            ours(one.stream[:kept] + marker)
        except CodestreamError:
            continue
        return f"{one.words}: {end - kept} bytes lost, {'' if marker else 'no '}end marker"
    return ""


def outcome_of_damage(one: Made, chance: random.Random) -> str:
    """Change, lose or fill bytes behind the first scan header: what comes of it."""
    stream = bytearray(one.stream)
    first, end = jpeg.parse(one.stream).scans[0].start, len(stream) - len(EOI)
    place = chance.randrange(first, end)
    kind = chance.choice(["a byte changed", "bytes lost", "bytes filled", "bits changed"])
    if kind == "a byte changed":
        stream[place] = chance.choice([0, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    elif kind == "bytes lost":
        del stream[place : chance.randint(place + 1, end)]
    elif kind == "bytes filled":
        values = chance.choice([range(256), [0], [0xFF], [0xFF, 0x7F], [0xFF, 0x7F, 0x80, 0]])
        stream[place:end] = bytes(chance.choices(values, k=end - place))
    else:
        for _ in range(chance.randint(1, 9)):
            stream[chance.randrange(first, end)] ^= 1 << chance.randrange(8)
    try:
        ours(bytes(stream))
    except (CodestreamError, UnsupportedError) as error:
        problem = error.message.partition(":")[0]
        return f"{kind}: {problem if problem in ('cut', 'damaged') else 'other errors'}"
    return f"{kind}: decoded"


def main() -> int:
    """Run, print the report; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.jpegls", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20_000, help="random streams")
    parser.add_argument("--cuts", type=int, default=2_000, help="cuts, of these streams in turn")
    parser.add_argument("--damaged", type=int, default=2_000, help="streams damaged otherwise")
    parser.add_argument("--first", type=int, default=0, help="number of the first stream, to repeat one")
    chosen = parser.parse_args()
    faulthandler.enable()
    start = time.monotonic()
    wrong, depths = [], Counter[str]()
    for number in range(chosen.first, chosen.first + chosen.count):
        one = made(chosen.seed, number)
        depths["by the tests' encoder" if number % _PLAIN == 0 else "by CharLS"] += 1
        wrong.append(wrong_pixels(one))
    accepted = [
        accepted_cut(made(chosen.seed, number), random.Random(f"{chosen.seed} {number} cut"))
        for number in range(chosen.first, chosen.first + chosen.cuts)
    ]
    outcomes = Counter(
        outcome_of_damage(made(chosen.seed, number), random.Random(f"{chosen.seed} {number} damaged"))
        for number in range(chosen.first, chosen.first + chosen.damaged)
    )
    found = [each for each in wrong + accepted if each]
    for each in found:
        sys.stdout.write(f"{each}\n")
    for what, count in sorted(outcomes.items()):
        sys.stdout.write(f"{what:<40} {count}\n")
    made_by = ", ".join(f"{count} {who}" for who, count in depths.items())
    sys.stdout.write(
        f"{len(wrong)} streams ({made_by}), {len(accepted)} cuts with and without an end marker, "
        f"{outcomes.total()} damaged; "
        f"{len(found)} findings; seed {chosen.seed}, {time.monotonic() - start:.0f} s\n"
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
