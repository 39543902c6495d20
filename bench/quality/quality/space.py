"""Search spaces, in a form that every optimizer's own one can be made from.

A point is a dict of values by parameter name. In the unit cube every parameter has one coordinate: its range (or the logarithm of
it) is [0, 1]; an integer or a choice owns an equal share of the coordinate's range.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Point = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Float:
    name: str
    low: float
    high: float
    log: bool = False

    def decode(self, u: float) -> float:
        if self.log:
            value = math.exp(math.log(self.low) + u * math.log(self.high / self.low))
        else:
            value = self.low + u * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def encode(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclasses.dataclass(frozen=True)
class Int:
    name: str
    low: int
    high: int
    log: bool = False

    def _edges(self) -> tuple[float, float]:
        low, high = self.low - 0.5, self.high + 0.5
        return (math.log(low), math.log(high)) if self.log else (low, high)

    def decode(self, u: float) -> int:
        low, high = self._edges()
        value = low + u * (high - low)
        return min(max(round(math.exp(value) if self.log else value), self.low), self.high)

    def encode(self, value: float) -> float:
        low, high = self._edges()
        return ((math.log(value) if self.log else value) - low) / (high - low)


@dataclasses.dataclass(frozen=True)
class Categorical:
    name: str
    choices: tuple[str, ...]

    def decode(self, u: float) -> str:
        return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]

    def encode(self, value: str) -> float:
        return (self.choices.index(value) + 0.5) / len(self.choices)


Parameter = Float | Int | Categorical


class Space:
    """Parameters in a fixed order."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) != len(names):
            raise ValueError(f"two parameters have the same name: {names}")

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def continuous(self) -> bool:
        return all(isinstance(parameter, Float) for parameter in self.parameters)

    def decode(self, unit: Sequence[float]) -> Point:
        """The point at a place of the unit cube (d numbers, clipped to [0, 1])."""
        return {p.name: p.decode(min(max(float(u), 0.0), 1.0)) for p, u in zip(self.parameters, unit, strict=True)}

    def encode(self, point: Point) -> np.ndarray:
        """The place of a point in the unit cube (d numbers): the middle of its share for integers and choices."""
        return np.array([p.encode(point[p.name]) for p in self.parameters], dtype=float)

    def check(self, point: Point) -> None:
        """Raises ValueError unless the point lies in the space."""
        if set(point) != {p.name for p in self.parameters}:
            raise ValueError(f"the point has {sorted(point)}, the space {sorted(p.name for p in self.parameters)}")
        for p in self.parameters:
            value = point[p.name]
            if isinstance(p, Categorical):
                inside = value in p.choices
            else:
                inside = p.low <= value <= p.high and (isinstance(p, Float) or value == int(value))
            if not inside:
                raise ValueError(f"{p.name} = {value!r} is outside of {p}")


def cube(dimensions: int, low: float, high: float) -> Space:
    """d real parameters x1 .. xd over [low, high]."""
    return Space([Float(f"x{i + 1}", low, high) for i in range(dimensions)])
