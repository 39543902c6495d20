"""Traces on disk: one compressed JSON file per suite and method, written again after every run, so that an interrupted freeze is
usable and goes on where it stopped.

A curve is kept as its steps: [[0, r0], [i, ri], ...], the evaluations at which the best regret fell, regrets with six digits.
"""

from __future__ import annotations

import gzip
import json
import os
import pathlib
from typing import Any

import numpy as np

from .protocol import Run


def round_digits(value: float) -> float:
    return float(f"{value:.6g}")


def steps(curve: np.ndarray) -> list[list[float]]:
    """The changes of a curve, which may also rise (noisy problems)."""
    rounded = [round_digits(value) for value in curve]
    return [[i, value] for i, value in enumerate(rounded) if i == 0 or value != rounded[i - 1]]


def curve(changes: list[list[float]], length: int) -> np.ndarray:
    """The inverse of `steps`."""
    out = np.empty(length)
    for at, value in changes:
        out[int(at) :] = value
    return out


class TraceFile:
    """The runs of one method on one suite: runs[problem][seed] with the keys of `record`."""

    def __init__(self, folder: pathlib.Path, suite: str, method: str) -> None:
        self.path = folder / suite / f"{method}.json.gz"
        self.data: dict[str, Any] = {"suite": suite, "method": method, "runs": {}}
        if self.path.exists():
            self.data = json.loads(gzip.decompress(self.path.read_bytes()))

    @property
    def runs(self) -> dict[str, dict[str, dict[str, Any]]]:
        return self.data["runs"]

    def has(self, problem: str, seed: int) -> bool:
        return str(seed) in self.runs.get(problem, {})

    def put(self, problem: str, seed: int, run: Run) -> None:
        record: dict[str, Any] = {
            "evaluations": len(run.regret),
            "regret": steps(run.regret),
            "asks": run.asks,
            "wall": round_digits(run.wall_seconds),
            "cpu": round_digits(run.cpu_seconds),
        }
        if run.recommended is not None:
            record["recommended"] = round_digits(run.recommended)
        self.runs.setdefault(problem, {})[str(seed)] = record

    def restart(self, state: str) -> None:
        """Forgets all runs, if there are any; those to come belong to `state`."""
        self.data = {"suite": self.data["suite"], "method": self.data["method"], "runs": {}, "state": state}

    def describe(self, **facts: Any) -> None:
        """Versions, settings and the machine; kept beside the runs. A change of versions is recorded, not overwritten."""
        known = self.data.setdefault("about", [])
        if facts not in known:
            known.append(facts)

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.data, separators=(",", ":"), sort_keys=True).encode()
        waiting = self.path.with_suffix(".part")
        waiting.write_bytes(gzip.compress(text, 9, mtime=0))
        os.replace(waiting, self.path)


def load_suite(folder: pathlib.Path, suite: str) -> dict[str, TraceFile]:
    """The traces of all methods that have any on this suite."""
    names = sorted(path.name.removesuffix(".json.gz") for path in (folder / suite).glob("*.json.gz"))
    return {name: TraceFile(folder, suite, name) for name in names}
