"""Optuna's samplers. A batch is asked trial by trial while the earlier ones run, as Optuna does with several workers."""

from __future__ import annotations

import warnings

import optuna

from ..protocol import Setup
from ..space import Categorical, Float, Int, Point, Space


def distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    made: dict[str, optuna.distributions.BaseDistribution] = {}
    for p in space.parameters:
        if isinstance(p, Float):
            made[p.name] = optuna.distributions.FloatDistribution(p.low, p.high, log=p.log)
        elif isinstance(p, Int):
            made[p.name] = optuna.distributions.IntDistribution(p.low, p.high, log=p.log)
        elif isinstance(p, Categorical):
            made[p.name] = optuna.distributions.CategoricalDistribution(p.choices)
    return made


class OptunaMethod:
    def __init__(self, setup: Setup, sampler: optuna.samplers.BaseSampler) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self.distributions = distributions(setup.space)
        self.study = optuna.create_study(sampler=sampler)
        self.running: list[optuna.Trial] = []

    def ask(self, count: int) -> list[Point]:
        self.running = [self.study.ask(self.distributions) for _ in range(count)]
        return [dict(trial.params) for trial in self.running]

    def tell(self, points: list[Point], values: list[float]) -> None:
        if self.running:
            for trial, value in zip(self.running, values, strict=True):
                self.study.tell(trial, value)
            self.running = []
            return
        for point, value in zip(points, values, strict=True):
            trial = optuna.trial.create_trial(params=point, distributions=self.distributions, value=value)
            self.study.add_trial(trial)


class Tpe(OptunaMethod):
    """Ten trials before the model, of which the design's count; constant liar, since Optuna 5 the default, for batches."""

    def __init__(self, setup: Setup, multivariate: bool) -> None:
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=setup.seed, multivariate=multivariate, constant_liar=True)
        super().__init__(setup, sampler)


class GpSampler(OptunaMethod):
    """The model is used at once: the design takes the place of the ten random startup trials."""

    def __init__(self, setup: Setup, deterministic: bool) -> None:
        import torch

        torch.set_num_threads(1)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.GPSampler(
            seed=setup.seed, n_startup_trials=1, deterministic_objective=deterministic and not setup.noisy
        )
        super().__init__(setup, sampler)
