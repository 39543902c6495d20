"""Evolutionary methods in the unit cube. Integers and choices are rounded from their share of a coordinate."""

from __future__ import annotations

import queue
import threading
import warnings

import numpy as np

from ..protocol import Setup
from ..space import Point


class CmaEs:
    """pycma. Starts at the best point of the design with a quarter of the box as step, as its documentation advises for a box whose
    optimum is expected inside; a batch is a generation where it is larger than the default population. When it stops by itself
    it is restarted from a random place with twice the population."""

    def __init__(self, setup: Setup) -> None:
        self.space, self.batch = setup.space, setup.batch
        self.rng = np.random.default_rng(setup.seed)
        self.seed = setup.seed
        self.told: list[tuple[float, np.ndarray]] = []
        self.population = max(setup.batch, 4 + int(3 * np.log(len(self.space))))
        self.strategy = None
        self.generation: list[np.ndarray] = []
        self.asked = 0
        self.values: list[float] = []

    def _start(self, place: np.ndarray) -> None:
        import cma

        options = {"bounds": [0, 1], "seed": self.seed, "popsize": self.population, "verbose": -9}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.strategy = cma.CMAEvolutionStrategy(place, 0.25, options)
        self.seed += 1

    def ask(self, count: int) -> list[Point]:
        if self.strategy is None:
            self._start(min(self.told, key=lambda pair: pair[0])[1])
        if self.asked == len(self.generation):
            if self.strategy.stop():
                self.population *= 2
                self._start(self.rng.random(len(self.space)))
            self.generation, self.values, self.asked = self.strategy.ask(), [], 0
        rows = self.generation[self.asked : self.asked + count]
        self.asked += len(rows)
        return [self.space.decode(row) for row in rows]

    def tell(self, points: list[Point], values: list[float]) -> None:
        if self.strategy is None:
            self.told += zip(values, (self.space.encode(point) for point in points), strict=True)
            return
        self.values += values
        if len(self.values) == len(self.generation):
            self.strategy.tell(self.generation, self.values)


class Closed(Exception):
    """The run is over while differential_evolution still wants values."""


class SciPyDE:
    """scipy.optimize.differential_evolution, which calls its objective itself: it runs in a thread of its own and waits for each
    value there. The design is its first population: SciPy's own size (15 per dimension) would outlast these budgets.
    For batches whole generations are evaluated at once (updating="deferred")."""

    def __init__(self, setup: Setup) -> None:
        self.space, self.setup = setup.space, setup
        self.wanted: queue.Queue[np.ndarray | None] = queue.Queue()
        self.given: queue.Queue[np.ndarray | None] = queue.Queue()
        self.thread: threading.Thread | None = None
        self.population: np.ndarray | None = None
        self.first: np.ndarray | None = None
        self.rows: np.ndarray = np.empty((0, len(self.space)))
        self.values: list[float] = []
        self.rng = np.random.default_rng(setup.seed)

    def _objective(self, x: np.ndarray) -> np.ndarray | float:
        """x: (d,) one point, or (d, S) a generation."""
        if self.first is not None:  # the first population's values are known
            size = 1 if x.ndim == 1 else x.shape[1]
            known, self.first = self.first[:size], self.first[size:] if len(self.first) > size else None
            return known if x.ndim == 2 else float(known[0])
        self.wanted.put(np.atleast_2d(x.T))
        values = self.given.get()
        if values is None:
            raise Closed
        return values if x.ndim == 2 else float(values[0])

    def _work(self) -> None:
        from scipy.optimize import differential_evolution

        batched = self.setup.batch > 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                while True:
                    differential_evolution(
                        self._objective,
                        [(0, 1)] * len(self.space),
                        init=self.population,
                        rng=self.rng,
                        polish=False,
                        maxiter=10**6,
                        vectorized=batched,
                        updating="deferred" if batched else "immediate",
                    )
                    self.population = self.rng.random(self.population.shape)  # converged: again from a random population
            except Closed:
                pass
            finally:
                self.wanted.put(None)

    def ask(self, count: int) -> list[Point]:
        if self.thread is None:
            self.thread = threading.Thread(target=self._work, daemon=True)
            self.thread.start()
        if len(self.rows) == len(self.values):
            rows = self.wanted.get()
            if rows is None:
                raise RuntimeError("differential_evolution ended by an error")
            self.rows, self.values = rows, []
        return [self.space.decode(row) for row in self.rows[len(self.values) : len(self.values) + count]]

    def tell(self, points: list[Point], values: list[float]) -> None:
        if self.population is None:
            unit = np.array([self.space.encode(point) for point in points])
            if len(unit) < 5:
                raise ValueError(f"a design of {len(unit)} points; differential evolution needs 5")
            self.population, self.first = unit, np.array(values)
            return
        self.values += values
        if len(self.values) == len(self.rows):
            self.given.put(np.array(self.values))

    def close(self) -> None:
        if self.thread is not None and self.thread.is_alive():
            self.given.put(None)
            self.thread.join()
