from __future__ import annotations

import math
import os
import pathlib

import pytest

import warpbo

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # scikit-learn's, in the example
    os.environ.setdefault(variable, "1")


def branin(trial: warpbo.Trial) -> float:
    """Minimum 0.397887 at three points of [-5, 10] x [0, 15]."""
    x, y = trial["x"], trial["y"]
    valley = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return float(valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


BRANIN = {"x": warpbo.Float(-5, 10), "y": warpbo.Float(0, 15)}


@pytest.fixture
def store(tmp_path: pathlib.Path) -> str:
    return f"sqlite:{tmp_path}/study.db"
