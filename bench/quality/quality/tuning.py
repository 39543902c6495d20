"""Tuning problems: models of scikit-learn on its own data sets, recorded.

`tuning_tables` computed the cross-validated loss at every node of a grid over the parameters with the real models; the tables are
kept in bench/quality/tables. Here they are looked up, linearly between nodes (on a logarithmic axis where the parameter has one;
choices are not interpolated). So a run costs nothing and repeats exactly with every version of scikit-learn, the optimum is known
(it is at a node, since linear interpolation never undershoots), and every value at a node is the real model's.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import itertools
import json
import math

import numpy as np

from .problems import Problem
from .space import Categorical, Float, Int, Parameter, Point, Space
from .suites import TABLES, TUNING


@dataclasses.dataclass(frozen=True)
class Axis:
    """A parameter and the values of it (numbers ascending, or all choices) at which the table was computed."""

    parameter: Parameter
    nodes: tuple

    def place(self, value) -> tuple[int, float]:
        """Index of the node at or below and the share of the next one, in [0, 1)."""
        if isinstance(self.parameter, Categorical):
            return self.nodes.index(value), 0.0
        scale = math.log if self.parameter.log else float
        below = min(int(np.searchsorted(self.nodes, value, side="right")) - 1, len(self.nodes) - 2)
        low, high = scale(self.nodes[below]), scale(self.nodes[below + 1])
        return below, (scale(value) - low) / (high - low)


def log_nodes(low: float, high: float, count: int) -> tuple[float, ...]:
    inner = np.exp(np.linspace(math.log(low), math.log(high), count))[1:-1]
    return (low, *(float(f"{v:.6g}") for v in inner), high)


def log_axis(name: str, low: float, high: float, count: int) -> Axis:
    return Axis(Float(name, low, high, log=True), log_nodes(low, high, count))


def int_axis(name: str, nodes: tuple[int, ...], log: bool = True) -> Axis:
    return Axis(Int(name, nodes[0], nodes[-1], log=log), nodes)


def choice_axis(name: str, choices: tuple[str, ...]) -> Axis:
    return Axis(Categorical(name, choices), choices)


def linear_axis(name: str, nodes: tuple[float, ...]) -> Axis:
    return Axis(Float(name, nodes[0], nodes[-1]), nodes)


AXES: dict[str, list[Axis]] = {
    "svm": [log_axis("C", 1e-2, 1e4, 13), log_axis("gamma", 1e-5, 1e1, 13), choice_axis("kernel", ("rbf", "sigmoid"))],
    "forest": [
        int_axis("max_depth", (1, 2, 4, 7, 14)),
        log_axis("max_features", 0.03, 1.0, 4),
        int_axis("min_samples_leaf", (1, 3, 9)),
        int_axis("n_estimators", (2, 4, 8, 16, 32)),
        choice_axis("criterion", ("gini", "entropy")),
    ],
    "knn": [
        int_axis("n_neighbors", (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 32, 40, 50)),
        linear_axis("p", (1.0, 1.5, 2.0, 3.0, 6.0)),
        choice_axis("weights", ("uniform", "distance")),
        log_axis("power", 0.1, 10.0, 9),  # every scaled feature is taken to |x|^power, with its sign
    ],
    "boosting": [
        log_axis("learning_rate", 0.02, 1.0, 6),
        int_axis("max_depth", (1, 2, 4)),
        linear_axis("subsample", (0.3, 0.65, 1.0)),
        log_axis("max_features", 0.05, 1.0, 3),
        int_axis("n_estimators", (2, 4, 8, 16, 32, 48)),
    ],
}
TASKS = TUNING


@functools.cache
def table(task: str) -> np.ndarray:
    """The losses at all nodes, one array axis per parameter."""
    path = TABLES / f"{task}.json.gz"
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is missing; `python -m quality.tuning_tables {task}` computes it")
    stored = json.loads(gzip.decompress(path.read_bytes()))
    axes = AXES[task.split("-")[1]]
    if stored["nodes"] != [list(axis.nodes) for axis in axes]:
        raise ValueError(f"{path.name} was computed for other nodes; compute it again")
    return np.array(stored["loss"]).reshape([len(axis.nodes) for axis in axes])


def interpolate(axes: list[Axis], values: np.ndarray, point: Point) -> float:
    """Multilinear in the numeric parameters."""
    places = [axis.place(point[axis.parameter.name]) for axis in axes]
    total = 0.0
    for corner in itertools.product((0, 1), repeat=len(axes)):
        weight = math.prod(share if up else 1 - share for up, (_, share) in zip(corner, places, strict=True))
        if weight > 0:
            total += weight * float(values[tuple(at + up for up, (at, _) in zip(corner, places, strict=True))])
    return total


def problem(task: str) -> Problem:
    if task not in TASKS:
        raise ValueError(f"there is no tuning problem '{task}'; there are {', '.join(TASKS)}")
    axes, values = AXES[task.split("-")[1]], table(task)
    space = Space([axis.parameter for axis in axes])
    best = np.unravel_index(int(np.argmin(values)), values.shape)
    argmin = {axis.parameter.name: axis.nodes[i] for axis, i in zip(axes, best, strict=True)}
    return Problem(task, space, lambda point: interpolate(axes, values, point), float(values.min()), argmin)
