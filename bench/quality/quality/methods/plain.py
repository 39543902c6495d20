"""Methods without a memory: the floor of every comparison."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.stats import qmc

from ..protocol import Setup
from ..space import Point


class Random:
    def __init__(self, setup: Setup) -> None:
        self.space = setup.space
        self.rng = np.random.default_rng(setup.seed)

    def ask(self, count: int) -> list[Point]:
        return [self.space.decode(row) for row in self.rng.random((count, len(self.space)))]

    def tell(self, points: list[Point], values: list[float]) -> None:
        pass


class Sobol(Random):
    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.sequence = qmc.Sobol(len(setup.space), scramble=True, rng=self.rng)

    def ask(self, count: int) -> list[Point]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a count that is no power of two
            return [self.space.decode(row) for row in self.sequence.random(count)]
