"""COCO's noiseless functions (bbob) in five dimensions, by the package coco-experiment."""

from __future__ import annotations

import functools
import os
import tempfile
from typing import Any

import numpy as np

from .problems import Problem, vector_problem
from .space import cube

DIMENSIONS = 5
TARGETS = 10 ** np.linspace(2, -8, 51)  # differences from f_opt that an ECDF counts


@functools.cache
def _coco(function: int, instance: int) -> tuple[Any, Any]:
    """COCO's problem and the suite that owns its memory."""
    import cocoex

    suite = cocoex.Suite("bbob", f"instances:{instance}", f"dimensions:{DIMENSIONS} function_indices:{function}")
    return suite.get_problem(0), suite


@functools.cache
def _best_value(function: int, instance: int) -> float:
    """f_opt: COCO tells the best parameter only by writing a file into the current folder; the value there is f_opt."""
    coco, _ = _coco(function, instance)
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            coco._best_parameter("print")
            best = np.loadtxt("._bbob_problem_best_parameter.txt")
        finally:
            os.chdir(here)
    return float(coco(best))


def problem(function: int, instance: int) -> Problem:
    """f1 .. f24, instance 1 .. 15, over [-5, 5]^5."""
    coco, _ = _coco(function, instance)
    made = vector_problem(
        f"bbob-f{function}", cube(DIMENSIONS, -5, 5), lambda x: float(coco(x)), _best_value(function, instance), np.zeros(DIMENSIONS)
    )
    return Problem(made.name, made.space, made.function, made.optimum)
