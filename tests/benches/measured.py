"""A results.json that is small and made by hand, so that tests know what must come of it."""

from __future__ import annotations

from typing import Any


def peer(
    name: str, seconds: list[float], *, kind: str = "library", failed: str = "", **deviation: Any
) -> dict[str, Any]:
    """A peer of a contest."""
    return {
        "name": name,
        "label": name.replace("_", " + "),
        "kind": kind,
        "files": 8,
        "seconds": seconds,
        "deviation": deviation,
        "failed": failed,
        "peak": 64 << 20,
    }


def contest(
    case: str, *peers: dict[str, Any], format: str = "jpeg", together: bool = False
) -> dict[str, Any]:
    """Everybody with a case."""
    cores = 2 if together else 1
    return {"case": case, "format": format, "together": together, "cores": cores, "peers": list(peers)}


def case(name: str, *, pixels: int = 1_000_000, frames: int = 1) -> dict[str, Any]:
    """A case of one file."""
    return {
        "id": name,
        "label": f"case {name} <&>",
        "modality": "CT",
        "syntax": "native",
        "source": "a | b",
        "folder": "",
        "files": 1,
        "frames": frames,
        "pixels": pixels * frames,
        "bytes": 1 << 20,
        "most": 8,
    }


def stages(name: str, ratio: float = 1.3, **seconds: float) -> dict[str, Any]:
    """The stages of a case: those given, and what is needed besides."""
    given = {"total": 1e-3, "bare encode": 7e-4, "encode": 7e-4, "kernel": 5e-5, "read": 1e-4, **seconds}
    spread = {"median": ratio, "least": ratio - 0.1, "most": ratio + 0.1}
    return {"case": name, "rounds": 9, "seconds": given, "untouched": None, "ratio": spread}


def decoding(kind: str, ours: float, case: str | None = None) -> dict[str, Any]:
    """A file that the library takes a second for."""
    ratio = {"median": 1 / ours, "least": 0.9 / ours, "most": 1.1 / ours}
    return {
        "case": case, "file": "a", "kind": kind, "rounds": 5, "library": 1.0, "own": ours, "ratio": ratio,
    }  # fmt: skip


def results(**changes: Any) -> dict[str, Any]:
    """A whole run over ct-native, with what is given in its place."""
    point = {
        "seconds": 1.0,
        "bare seconds": 1.0,
        "relative": {"median": 0.98, "least": 0.9, "most": 1.0},
        "start": 0.15,
        "once started": {"median": 1.01, "least": 0.95, "most": 1.05},
        "waited": 0.004,
        "parent share": 0.01,
    }
    given: dict[str, Any] = {
        "quick": False,
        "data": None,
        "machine": {
            "when": "2026-01-01 00:00 UTC",
            "processor": "a processor",
            "cores": 2,
            "system": "a system",
            "python": "3.11",
            "load": 0.1,
            "memory": 8 << 30,
            "filesystem": "tmpfs",
            "commit": "abc",
            "packages": {"numpy": "2"},
            "codecs": {
                "versions": {"jpeg8": "libjpeg_turbo 3"},
                "libraries": {"jpeg2000": "OpenJPEG through imagecodecs"},
            },
        },
        "cases": [case("ct-native")],
        "peers": [
            {"name": "a", "label": "A", "version": "1", "kind": "library"},
            {"name": "b", "label": "B", "how": "apt install b"},
        ],
        "stages": [stages("ct-native")],
        "speed": [
            contest(
                "ct-native", peer("fastdcm_worker", [0.5, 0.4, 0.6]), peer("pydicom_pillow", [5.0, 3.6, 6.6])
            )
        ],
        "scaling": [
            {
                "case": "ct-native",
                "files": 5000,
                "points": [
                    {"jobs": 1, "speed-up": 1.0, "bare speed-up": 1.0, **point},
                    {"jobs": 2, "speed-up": 1.8, "bare speed-up": 1.9, **point},
                ],
            }
        ],
        "startup": [
            {"label": "import numpy", "seconds": 0.1, "least": 0.1, "times": [0.1, 0.1, 0.1]},
            {
                "label": "fastdcm convert, one file",
                "seconds": 0.14,
                "least": 0.1,
                "times": [0.14, 0.16, 0.12],
            },
        ],
        "memory": {
            "files": {
                "case": "ct-native",
                "points": [
                    {"files": 500, "parent": 30 << 20, "worker": 70 << 20},
                    {"files": 10_000, "parent": 30 << 20, "worker": 72 << 20},
                ],
            },
            "frames": {"frames": 10_000, "parent": 40 << 20, "worker": 310 << 20},
        },
        "reading": [{"syntax": "native", "read": 1100, "least": 1000}],
        "benches": [
            {
                "group": "g",
                "name": "bench_one[512]",
                "median": 0.002,
                "least": 0.001,
                "rounds": 5,
                "notes": {"bytes": 7},
            },
            {"group": "g", "name": "bench_other", "median": 0.004, "least": 0.003, "rounds": 5, "notes": {}},
        ],
        "decoding": [decoding("JPEG-LS", 0.5)],
        "small": [
            {"case": "ct-native", "ratio": {"median": 2.0, "least": 1.9, "most": 2.1}, "mean": 0.1, "most": 3}
        ],
        "guard": [{"case": "ct-native", "ratio": 1.3, "reference": 1.25, "verdict": "as before"}],
        "load at the end": 0.2,
        "seconds": 120.0,
    }
    return {**given, **changes}
