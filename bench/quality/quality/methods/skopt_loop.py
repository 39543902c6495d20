"""scikit-optimize's Gaussian process with its default acquisition (gp_hedge); batches by its constant liar."""

from __future__ import annotations

import warnings

from skopt import Optimizer
from skopt.space import Categorical as SkoptCategorical
from skopt.space import Integer, Real

from ..protocol import Setup
from ..space import Float, Int, Parameter, Point


def dimension(p: Parameter):
    prior = "log-uniform" if not hasattr(p, "choices") and p.log else "uniform"
    if isinstance(p, Float):
        return Real(p.low, p.high, prior=prior, name=p.name)
    if isinstance(p, Int):
        return Integer(p.low, p.high, prior=prior, name=p.name)
    return SkoptCategorical(list(p.choices), name=p.name)


class Skopt:
    def __init__(self, setup: Setup) -> None:
        self.space = setup.space
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.optimizer = Optimizer(
                [dimension(p) for p in setup.space.parameters], n_initial_points=1, random_state=setup.seed, n_jobs=1
            )

    def ask(self, count: int) -> list[Point]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = [self.optimizer.ask()] if count == 1 else self.optimizer.ask(n_points=count)
        points = []
        for row in rows:
            point: Point = {}
            for p, value in zip(self.space.parameters, row, strict=True):
                point[p.name] = int(value) if isinstance(p, Int) else float(value) if isinstance(p, Float) else str(value)
            points.append(point)
        return points

    def tell(self, points: list[Point], values: list[float]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.optimizer.tell([[point[p.name] for p in self.space.parameters] for point in points], list(values))
