"""HEBO with its defaults. It draws from the global random generators of NumPy and torch, so these are seeded."""

from __future__ import annotations

import warnings

import numpy as np
import pandas
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

from ..protocol import Setup
from ..space import Float, Int, Parameter, Point


def describe(p: Parameter) -> dict:
    if isinstance(p, Float):
        return {"name": p.name, "type": "pow" if p.log else "num", "lb": p.low, "ub": p.high}
    if isinstance(p, Int):
        return {"name": p.name, "type": "pow_int" if p.log else "int", "lb": p.low, "ub": p.high}
    return {"name": p.name, "type": "cat", "categories": list(p.choices)}


class Hebo:
    def __init__(self, setup: Setup) -> None:
        torch.set_num_threads(1)
        np.random.seed(setup.seed)
        torch.manual_seed(setup.seed)
        self.space = setup.space
        self.optimizer = HEBO(DesignSpace().parse([describe(p) for p in setup.space.parameters]), scramble_seed=setup.seed)

    def ask(self, count: int) -> list[Point]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.asked = self.optimizer.suggest(n_suggestions=count)
        points = []
        for _, row in self.asked.iterrows():
            point: Point = {}
            for p in self.space.parameters:
                value = row[p.name]
                if isinstance(p, (Float, Int)):
                    value = min(max(float(value), p.low), p.high)  # a power parameter may miss its bound by rounding
                    value = round(value) if isinstance(p, Int) else value
                point[p.name] = value
            points.append(point)
        return points

    def tell(self, points: list[Point], values: list[float]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.optimizer.observe(pandas.DataFrame(points), np.array(values).reshape(-1, 1))
