"""warpbo through its Python package, as a user calls it: one study in memory, ask and tell."""

from __future__ import annotations

import warpbo

from ..protocol import Setup
from ..space import Float, Int, Point, Space


def warpbo_space(space: Space) -> warpbo.Space:
    made = {}
    for p in space.parameters:
        if isinstance(p, Float):
            made[p.name] = warpbo.Float(p.low, p.high, log=p.log)
        elif isinstance(p, Int):
            made[p.name] = warpbo.Int(p.low, p.high, log=p.log)
        else:
            made[p.name] = warpbo.Categorical(list(p.choices))
    return warpbo.Space(made)


class Warpbo:
    """`noise` is what a user would say of a problem that repeats; noisy problems are always declared noisy."""

    def __init__(self, setup: Setup, kind: str, noise: str = "infer") -> None:
        options = warpbo.SamplerOptions(kind=kind, seed=setup.seed, noise="noisy" if setup.noisy else noise, device="cpu")
        self.study = warpbo.Study(warpbo_space(setup.space), sampler=options, on_notice=lambda text: None)
        self.running: list[warpbo.Trial] = []

    def ask(self, count: int) -> list[Point]:
        self.running = self.study.ask(count)
        return [dict(trial.params) for trial in self.running]

    def tell(self, points: list[Point], values: list[float]) -> None:
        if self.running:
            self.study.tell(self.running, values)
            self.running = []
            return
        for point, value in zip(points, values, strict=True):
            self.study.add(point, value)
