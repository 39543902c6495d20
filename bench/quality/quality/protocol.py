"""One run: a method on a problem, with every call of the objective counted and every second of the method's own measured."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable
from typing import Protocol

import numpy as np
from scipy.stats import qmc

from .problems import Problem, generator
from .space import Point, Space
from .suites import Case


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a method may know beforehand: no more than a user would."""

    space: Space
    seed: int
    budget: int
    batch: int
    noisy: bool = False  # whether the user would say that repeated evaluations differ


class Method(Protocol):
    """An optimizer of a run. `ask` may return fewer points than wanted, never more and never none."""

    def ask(self, count: int) -> list[Point]: ...

    def tell(self, points: list[Point], values: list[float]) -> None: ...


MakeMethod = Callable[[Setup], Method]


@dataclasses.dataclass
class Run:
    """What is kept of a run. `regret[i]` is the noiseless distance from the optimum of the best point of the first i + 1 (of the
    point that looked best, where there is noise)."""

    regret: np.ndarray
    wall_seconds: float  # in ask and tell
    cpu_seconds: float  # the same, of all threads of this process
    asks: int
    recommended: float | None = None  # noisy problems: regret of the point with the best posterior mean of a neutral model


class Budget:
    """The objective as a method's driver sees it: counts its calls and refuses those beyond the budget."""

    def __init__(self, problem: Problem, case: Case, seed: int) -> None:
        self.problem = problem
        self.limit = case.budget
        self.noise = generator(problem.name, seed, "noise")
        self.points: list[Point] = []
        self.observed: list[float] = []
        self.regrets: list[float] = []

    def __call__(self, points: list[Point]) -> list[float]:
        if len(self.points) + len(points) > self.limit:
            raise RuntimeError(f"{len(points)} evaluations after {len(self.points)} of {self.limit}")
        values = []
        for point in points:
            self.problem.space.check(point)
            exact = self.problem.function(point)
            if not np.isfinite(exact):
                raise RuntimeError(f"{self.problem.name} is {exact} at {point}")
            values.append(exact + self.problem.noise * float(self.noise.standard_normal()))
            self.points.append(point)
            self.regrets.append(max(exact - self.problem.optimum, 0.0))
        self.observed += values
        return values

    @property
    def left(self) -> int:
        return self.limit - len(self.points)

    def curve(self) -> np.ndarray:
        observed, regrets = np.array(self.observed), np.array(self.regrets)
        if self.problem.noise == 0:
            return np.minimum.accumulate(regrets)
        best = np.minimum.accumulate(observed)
        leader = np.maximum.accumulate(np.where(observed == best, np.arange(len(observed)), 0))
        return regrets[leader]


def design(space: Space, count: int, name: str, seed: int) -> list[Point]:
    """The scrambled Sobol' points from which every method with a model starts: the same for all of them."""
    sampler = qmc.Sobol(len(space), scramble=True, rng=generator(name, seed, "design"))
    with np.errstate(all="ignore"):
        unit = sampler.random_base2(int(np.ceil(np.log2(max(count, 2)))))[:count]
    return [space.decode(row) for row in unit]


def posterior_mean_choice(budget: Budget) -> float:
    """Regret of the evaluated point with the least posterior mean of a Gaussian process that is the same for all methods: a
    Matern-5/2 kernel with one lengthscale per coordinate and white noise, by maximum likelihood (scikit-learn)."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    x = np.array([budget.problem.space.encode(point) for point in budget.points])
    kernel = ConstantKernel(1, (1e-2, 1e2)) * Matern(np.full(x.shape[1], 0.5), (0.05, 20), nu=2.5) + WhiteKernel(0.1, (1e-4, 1))
    model = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a lengthscale at its bound: a coordinate without influence
        model.fit(x, np.array(budget.observed))
    return budget.regrets[int(np.argmin(model.predict(x)))]


def run(make_method: MakeMethod, problem: Problem, case: Case, seed: int, own_start: bool = False) -> Run:
    """Spends the budget. With `own_start` the method begins by itself; otherwise it is told the design first."""
    budget = Budget(problem, case, seed)
    wall = cpu = 0.0
    asks = 0

    def timed(action: Callable[[], list[Point] | None]) -> list[Point] | None:
        nonlocal wall, cpu
        wall_start, cpu_start = time.perf_counter(), time.process_time()
        result = action()
        wall += time.perf_counter() - wall_start
        cpu += time.process_time() - cpu_start
        return result

    # The method's own seed differs from that of the design, so that no method can draw the design's points again.
    setup = Setup(problem.space, 1000 + seed, case.budget, case.batch, problem.noise > 0)
    method = make_method(setup)
    try:
        if not own_start:
            points = design(problem.space, min(case.design, case.budget), problem.name, seed)
            values = budget(points)
            timed(lambda: method.tell(points, values))
        while budget.left:
            wanted = min(case.batch, budget.left)
            points = timed(lambda: method.ask(wanted)) or []
            if not 0 < len(points) <= wanted:
                raise RuntimeError(f"asked for {wanted} points, the method gave {len(points)}")
            values = budget(points)
            timed(lambda: method.tell(points, values))
            asks += 1
    finally:
        close = getattr(method, "close", None)
        if close:
            close()
    recommended = posterior_mean_choice(budget) if problem.noise > 0 else None
    return Run(budget.curve(), wall, cpu, asks, recommended)
