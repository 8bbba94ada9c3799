"""Our own JPEG 2000 decoder on random streams: beside OpenJPEG, and on damaged ones, with checks of bounds.

``python -m tests.fuzz.jpeg2000 equal --seed 1 --count 10000``: whole streams. Findings are reversible ones
that differ from OpenJPEG's at all, irreversible ones that differ by more than its rounding, and regions that
are not what they are in the whole.

``python -m tests.fuzz.jpeg2000 damaged --seed 1 --count 10000``: streams with changed headers, packet
headers, bytes of code-blocks, or cut, by kernels that check bounds (``NUMBA_BOUNDSCHECK``, compiled in a copy
of the package). Findings are what is no error of fastdcm's, takes more than 2 s, ends the process, or gives
all of what was cut.

Exits with 1 where there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import MorePassesError, refusal
from fastdcm.codecs.jpeg2000.decode import decode
from fastdcm.codecs.jpeg2000.partial import extent
from fastdcm.codestream import jpeg2000
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.errors import CodestreamError, FastdcmError
from tests.conftest import ROOT
from tests.fuzz.mutations import mutate
from tests.fuzz.streams import Made, made
from tests.unit.codestream.jpeg2000_streams import cut

Array = NDArray[Any]

LIMIT_SECONDS = 2.0
_PATIENCE = 60.0  # without a word of a worker, which has the processor for itself or not
_WARM_UP = 900.0  # all kernels are compiled first
_MOST_SAMPLES = 1 << 20  # as damaged headers may have it; a data set's Rows and Columns tell before


def equal(stream: bytes, chance: Random) -> tuple[str, str]:
    """What became of a whole stream, and what is wrong with that."""
    header = jpeg2000.parse(stream)
    reason = refusal(stream, header)
    if reason:
        return f"not ours: {reason}", ""
    try:
        wanted = imagecodecs.jpeg2k_decode(stream)
    except RuntimeError as error:
        return f"not OpenJPEG's: {error}", ""
    try:
        found = decode(stream, header, threads=chance.choice((1, 1, 1, 2)))
    except MorePassesError:
        return "more passes than bit-planes", ""
    except CodestreamError as error:
        # Grok's encoder makes a few that even its own decoder takes for something else than OpenJPEG does.
        other = grok(stream, wanted)
        agree = other is None or np.array_equal(other, wanted)
        return "refused" if agree else "refused, and others do not agree", str(error) if agree else ""
    if (found.dtype, found.shape) != (wanted.dtype, wanted.shape):
        return "other", f"{found.dtype} {found.shape}, not {wanted.dtype} {wanted.shape}"
    reversible = header.cod.blocks.reversible
    # Beyond 14 bits OpenJPEG's constants, of 7 digits, are what tells: it is up to 2.5 off exact arithmetic.
    within = 0 if reversible else 1 if header.components[0].precision < 15 else 4
    worst = int(np.abs(found.astype(np.int64) - wanted).max())
    if worst > within:
        return "different", f"differs by {worst}"
    wrong = _region(stream, header, chance) if chance.random() < 0.3 else ""
    return "reversible, equal" if reversible else f"irreversible, within {worst}", wrong


def grok(stream: bytes, like: Array) -> Array | None:
    """What Grok's command makes of a stream, None where it makes nothing or is not there."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.j2k"), Path(folder, "planes.rawl")
        source.write_bytes(stream)
        command = ["grk_decompress", "-i", source, "-o", target, "-H", "1"]
        try:
            subprocess.run(command, capture_output=True, timeout=60, check=True)
            planes = np.frombuffer(target.read_bytes(), like.dtype.newbyteorder("<"))
            shape = like.shape if like.ndim == 3 else (*like.shape, 1)
            found = np.moveaxis(planes.reshape(shape[2], *shape[:2]), 0, 2)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
    return found if like.ndim == 3 else found[..., 0]


def _region(stream: bytes, header: jpeg2000.Jpeg2000Header, chance: Random) -> str:
    """What is wrong with a region, of the whole or of less resolutions."""
    reduce = chance.randint(0, min(3, header.cod.blocks.levels))
    whole = decode(stream, header, reduce=reduce)
    rows, columns = whole.shape[:2]
    if not whole.size:
        return ""
    x0, y0 = chance.randrange(columns), chance.randrange(rows)
    x1, y1 = chance.randint(x0 + 1, columns), chance.randint(y0 + 1, rows)
    found = decode(stream, header, reduce=reduce, region=Area(x0, y0, x1, y1))
    if np.array_equal(found, whole[y0:y1, x0:x1]):
        return ""
    return f"{x0}, {y0} to {x1}, {y1} is another region, reduce {reduce}"


def damaged(stream: bytes, chance: Random) -> tuple[str, str]:
    """What became of a stream that is damaged here, and what is wrong with that."""
    header = jpeg2000.parse(stream)
    walked = [(packet.header, packet.body) for packet in jpeg2000.packets(stream, header) if packet.segments]
    inside = [at for part in header.tile_parts for at in (part.packets, part.end - 1)]
    kind = chance.choice(("headers", "packet headers", "bodies", "bodies", "cut"))
    ranges = {
        "headers": [(2, inside[0]), *((part.start, part.packets) for part in header.tile_parts)],
        "packet headers": [head for head, _ in walked],
        "bodies": [body for _, body in walked if body[0] < body[1]],
    }
    data = stream
    if kind == "cut":
        data = cut(stream, chance.randint(inside[0], inside[-1]), open_ended=chance.random() < 0.5)
        data = data if chance.random() < 0.7 else data[:-2]
    elif ranges[kind]:
        changed = bytearray(stream)
        first = chance.randrange(len(stream))
        mutate(chance, changed, ranges[kind], stream[first : first + chance.randint(1, 64)])
        data = bytes(changed)
    return _outcome(data, kind, reduce=min(chance.choice((0, 0, 1)), header.cod.blocks.levels))


def _outcome(data: bytes, kind: str, **options: Any) -> tuple[str, str]:
    """As a whole one, and then as one of which what is there is wanted."""
    told = []
    for partial in (False, True):
        try:
            header = jpeg2000.parse(data, partial=partial)
            if header.rows * header.columns * len(header.components) > _MOST_SAMPLES:
                return f"{kind}: too large", ""
            if refusal(data, header):
                return f"{kind}: not ours", ""
            found = extent(data, header) if partial else None
            decode(data, header, partial_data=partial, **options)
        except FastdcmError as error:
            told.append(type(error).__name__)
        except Exception as error:  # that is what is looked for
            return f"{kind}: other", f"{type(error).__name__}: {error}"
        else:
            told.append("decoded")
            if kind == "cut" and not partial:
                return f"{kind}: decoded", "decoded as if it were whole"
            if kind == "cut" and found and header.complete and found.packets == found.total:
                return f"{kind}: decoded", "nothing told of what is missing"
    return f"{kind}: {told[0]}, in part {told[1]}", ""


_TESTS: dict[str, Callable[[bytes, Random], tuple[str, str]]] = {"equal": equal, "damaged": damaged}
#: Making a stream takes longer than decoding it: each is damaged in several ways.
_TIMES = {"equal": 1, "damaged": 8}


def run(test: str, seed: int, numbers: range, tool: str) -> Iterator[dict[str, Any]]:
    """Streams of a seed one after the other: what they are, what became of them, in how many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        source = -1
        for number in numbers:
            if source != number // _TIMES[test]:
                source = number // _TIMES[test]
                each = made(seed, source, tool, Path(folder))
            start = time.process_time()
            outcome, wrong = _tested(test, each, Random(f"{seed} {number} {test}"))
            seconds = time.process_time() - start
            if seconds > LIMIT_SECONDS:
                wrong = wrong or f"{seconds:.1f} s of processor time"
            words = each.words if wrong else ""
            found = {"number": number, "outcome": outcome, "wrong": wrong, "words": words}
            yield found | {"seconds": seconds}


def _tested(test: str, each: Made, chance: Random) -> tuple[str, str]:
    if not each.stream:
        return "not made", ""
    try:
        return _TESTS[test](each.stream, chance)
    except Exception as error:  # that is what is looked for
        return "other", f"{type(error).__name__}: {error}"


def watched(test: str, seed: int, numbers: range, tool: str) -> Iterator[dict[str, Any]]:
    """`run` in child processes, of which another goes on where one ends or is silent.

    Damaged streams are tested by a copy of the package whose kernels check bounds.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        if test == "damaged":
            for package in ("fastdcm", "tests"):
                ignored = shutil.ignore_patterns("*.kernel", "__pycache__")
                shutil.copytree(ROOT / package, Path(folder, package), ignore=ignored)
            Path(folder, "tmp").mkdir()
            environment |= {"NUMBA_BOUNDSCHECK": "1", "TMPDIR": str(Path(folder, "tmp"))}
        first, patience = numbers.start, _WARM_UP
        while first < numbers.stop:
            command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.jpeg2000", test, "--alone"]
            command += ["--seed", str(seed), "--first", str(first), "--count", str(numbers.stop - first)]
            command += ["--encoder", Path(tool).name]
            where = folder if test == "damaged" else ROOT
            said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=where, env=environment) as child:
                listener = threading.Thread(target=_listen, args=(child, said), daemon=True)
                listener.start()
                end = ""
                while not end and first < numbers.stop:
                    try:
                        line = said.get(timeout=patience)
                    except queue.Empty:
                        end = f"no answer within {patience:g} s"
                        child.kill()
                    else:
                        if line:
                            patience = _PATIENCE
                            yield json.loads(line)
                            first += 1
                        else:
                            end = f"the process ended with {child.wait()}"
                if end:
                    yield {"number": first, "outcome": "ended", "wrong": end, "words": "", "seconds": 0.0}
                    first += 1
                listener.join(_PATIENCE)


def _listen(child: subprocess.Popen[bytes], said: queue.SimpleQueue[bytes]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        said.put(line)
    said.put(b"")


def main() -> int:
    """Run, print the report; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.jpeg2000", description=__doc__)
    parser.add_argument("test", choices=list(_TESTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first stream, to repeat one")
    parser.add_argument("--report", type=Path, help="a file for the report, written anew all the time")
    parser.add_argument(
        "--encoder",
        choices=["opj_compress", "grk_compress"],
        default="opj_compress",
        help="whose command makes streams; default OpenJPEG's",
    )
    parser.add_argument("--alone", action="store_true", help="in this process, a line of JSON a stream")
    chosen = parser.parse_args()
    tool = shutil.which(chosen.encoder)
    if tool is None:
        sys.exit(f"{chosen.encoder} (of Debian's libopenjp2-tools or grokj2k-tools) is not installed")
    numbers = range(chosen.first, chosen.first + chosen.count)
    if chosen.alone:
        for found in run(chosen.test, chosen.seed, numbers, tool):
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
        return 0
    outcomes: Counter[str] = Counter()
    findings: list[str] = []
    slowest, start = 0.0, time.monotonic()
    for found in watched(chosen.test, chosen.seed, numbers, tool):
        outcomes[found["outcome"]] += 1
        slowest = max(slowest, found["seconds"])
        if found["wrong"]:
            findings.append(f"  {found['number']}: {found['wrong']} ({found['words']})")
        done = outcomes.total()
        if done == chosen.count or (chosen.report and done % 100 == 0):
            lines = [f"{count:8} {outcome}" for outcome, count in outcomes.most_common()]
            lines.append(
                f"{chosen.test}, seed {chosen.seed}, {done} streams from {chosen.first} on, most processor "
                f"time {slowest:.2f} s, {time.monotonic() - start:.0f} s in all; {len(findings)} findings"
            )
            text = "\n".join([*lines, *findings]) + "\n"
            if chosen.report:
                with suppress(OSError):
                    chosen.report.write_text(text, encoding="utf-8")
            if done == chosen.count:
                sys.stdout.write(text)
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
