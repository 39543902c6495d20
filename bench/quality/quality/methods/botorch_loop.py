"""BoTorch as its documentation recommends: SingleTaskGP with its default priors (MixedSingleTaskGP where there are choices), LogEI
for one point, sequential greedy qLogEI for batches, qLogNEI where there is noise; 10 restarts and 512 raw samples, double precision,
one thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement, qLogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import MixedSingleTaskGP, SingleTaskGP
from botorch.optim import optimize_acqf
from botorch.optim.optimize_mixed import optimize_acqf_mixed_alternating
from gpytorch.mlls import ExactMarginalLogLikelihood

from ..protocol import Setup
from ..space import Categorical, Int, Point

RESTARTS, RAW_SAMPLES = 10, 512
MOST_VALUES = 64  # integers with more are searched as reals and rounded


class BoTorch:
    """Coordinates: [0, 1] for reals, the middle of their share of [0, 1] for integers, 0, 1, 2 ... for choices."""

    def __init__(self, setup: Setup) -> None:
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(setup.seed)
        np.random.seed(setup.seed % 2**32)
        self.setup, self.space = setup, setup.space
        self.x = torch.empty((0, len(setup.space)))
        self.y = torch.empty((0, 1))
        self.choices = {i: len(p.choices) for i, p in enumerate(setup.space.parameters) if isinstance(p, Categorical)}
        self.integers = {
            i: [float(p.encode(v)) for v in range(p.low, p.high + 1)]
            for i, p in enumerate(setup.space.parameters)
            if isinstance(p, Int) and p.high - p.low < MOST_VALUES
        }

    def _encode(self, point: Point) -> list[float]:
        return [
            float(p.choices.index(point[p.name])) if isinstance(p, Categorical) else float(p.encode(point[p.name]))
            for p in self.space.parameters
        ]

    def _decode(self, row: np.ndarray) -> Point:
        return {
            p.name: p.choices[round(float(u))] if isinstance(p, Categorical) else p.decode(min(max(float(u), 0.0), 1.0))
            for p, u in zip(self.space.parameters, row, strict=True)
        }

    def tell(self, points: list[Point], values: list[float]) -> None:
        self.x = torch.cat([self.x, torch.tensor([self._encode(point) for point in points])])
        self.y = torch.cat([self.y, -torch.tensor(values).unsqueeze(-1)])  # BoTorch maximizes

    def ask(self, count: int) -> list[Point]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.choices:
                model = MixedSingleTaskGP(self.x, self.y, cat_dims=list(self.choices))
            else:
                model = SingleTaskGP(self.x, self.y)
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
            found = self._search()(self._acquisition(model, count), count)
        return [self._decode(row) for row in found.detach().numpy()]

    def _acquisition(self, model: SingleTaskGP, count: int):
        if self.setup.noisy:
            return qLogNoisyExpectedImprovement(model, X_baseline=self.x, prune_baseline=True)
        best = self.y.max()
        return LogExpectedImprovement(model, best_f=best) if count == 1 else qLogExpectedImprovement(model, best_f=best)

    def _search(self) -> Callable[[object, int], torch.Tensor]:
        bounds = torch.tensor([[0.0, 1.0]] * len(self.space)).T.contiguous()
        for i, count in self.choices.items():
            bounds[1, i] = count - 1
        for i, values in self.integers.items():
            bounds[:, i] = torch.tensor([values[0], values[-1]])
        if not self.integers and not self.choices:
            return lambda acquisition, count: optimize_acqf(
                acquisition, bounds, q=count, num_restarts=RESTARTS, raw_samples=RAW_SAMPLES, sequential=True
            )[0]
        choices = {i: [float(v) for v in range(n)] for i, n in self.choices.items()}
        return lambda acquisition, count: optimize_acqf_mixed_alternating(
            acquisition,
            bounds,
            discrete_dims=self.integers,
            cat_dims=choices,
            q=count,
            num_restarts=RESTARTS,
            raw_samples=RAW_SAMPLES,
        )[0]
