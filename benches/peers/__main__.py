"""``python -m benches.peers NAME``: one peer in a process of its own.

Says what is there in a line of JSON, then reads a job a line, does it and says how many seconds it took. With
``--core N`` it keeps to one core, and so does all that it starts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

from benches.peers import Absent, UnsupportedJobError, load


def answer(peer: Any, job: dict[str, str]) -> dict[str, Any]:
    """Do one job."""
    start = time.perf_counter()
    try:
        peer.convert(job["source"], job["target"], job["format"])
    except UnsupportedJobError as error:
        return {"failed": str(error)}
    except Exception as error:  # whatever a library raises is its answer, and the others' turn comes
        return {"failed": f"{type(error).__name__}: {error}"[:300]}
    return {"seconds": time.perf_counter() - start}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--core", type=int)
    asked = parser.parse_args()
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if asked.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {asked.core})
    peer = load(asked.name)
    found = peer.available()
    said: dict[str, Any] = {"label": peer.label, **found._asdict()}
    print(json.dumps(said), file=answers, flush=True)
    if isinstance(found, Absent):
        return
    for line in sys.stdin:
        print(json.dumps(answer(peer, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
