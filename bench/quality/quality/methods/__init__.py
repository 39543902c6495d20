"""The optimizers, by name. Each module is imported only when its method is made, so that one missing package costs one method."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
from typing import Any

from ..protocol import MakeMethod, Setup


@dataclasses.dataclass(frozen=True)
class Entry:
    """How a method is made, and what a report says about it.

    Attributes:
        module, name: The class, below this package.
        packages: Distributions whose versions are recorded.
        settings: Passed to the class, and recorded.
        own_start: It begins by itself; otherwise it is told the common design first.
        note: One sentence for the report.
    """

    module: str
    name: str
    packages: tuple[str, ...] = ()
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    own_start: bool = False
    note: str = ""

    def maker(self) -> MakeMethod:
        kind = getattr(importlib.import_module(f"{__name__}.{self.module}"), self.name)
        return lambda setup: kind(setup, **self.settings)

    def versions(self) -> dict[str, str]:
        return {package: installed_version(package) for package in ("numpy", "scipy", *self.packages)}


def installed_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "?"


METHODS: dict[str, Entry] = {
    "random": Entry("plain", "Random", own_start=True, note="uniform in the unit cube"),
    "sobol": Entry("plain", "Sobol", own_start=True, note="scrambled Sobol' points (SciPy)"),
    "scipy-de": Entry("evolution", "SciPyDE", note="differential_evolution; its first population is the design"),
    "cma-es": Entry("evolution", "CmaEs", ("cma",), note="pycma from the design's best point, sigma 0.25, restarts with twice the population"),
    "tpe": Entry("optuna_samplers", "Tpe", ("optuna",), {"multivariate": True}, note="Optuna, multivariate, constant liar"),
    "tpe-independent": Entry("optuna_samplers", "Tpe", ("optuna",), {"multivariate": False}, note="Optuna's default TPE"),
    "gpsampler": Entry("optuna_samplers", "GpSampler", ("optuna", "torch"), {"deterministic": False}, note="Optuna"),
    "gpsampler-det": Entry(
        "optuna_samplers", "GpSampler", ("optuna", "torch"), {"deterministic": True}, note="Optuna, deterministic_objective=True"
    ),
    "turbo-1": Entry("turbo", "Turbo", note="our own code from the paper, one trust region"),
    "botorch": Entry(
        "botorch_loop", "BoTorch", ("torch", "gpytorch", "botorch"), note="SingleTaskGP with its default priors, (q)LogEI; qLogNEI if noisy"
    ),
    "hebo": Entry("hebo_loop", "Hebo", ("HEBO", "torch", "pymoo"), note="its defaults"),
    "skopt": Entry("skopt_loop", "Skopt", ("scikit-optimize", "scikit-learn"), note="GP, gp_hedge; batches by constant liar"),
    "warpbo": Entry("warpbo_study", "Warpbo", ("warpbo",), {"kind": "auto"}, note="the default strategy"),
    "warpbo-own": Entry("warpbo_study", "Warpbo", ("warpbo",), {"kind": "auto"}, own_start=True, note="with its own initial design"),
    "warpbo-det": Entry(
        "warpbo_study", "Warpbo", ("warpbo",), {"kind": "auto", "noise": "deterministic"}, note='told that noise="deterministic"'
    ),
    "warpbo-gp": Entry("warpbo_study", "Warpbo", ("warpbo",), {"kind": "gp"}, note='kind="gp"'),
    "warpbo-de": Entry("warpbo_study", "Warpbo", ("warpbo",), {"kind": "de"}, note='kind="de"'),
    "warpbo-sobol": Entry("warpbo_study", "Warpbo", ("warpbo",), {"kind": "sobol"}, own_start=True, note='kind="sobol"'),
    "warpbo-random": Entry("warpbo_study", "Warpbo", ("warpbo",), {"kind": "random"}, own_start=True, note='kind="random"'),
}


def entry(name: str) -> Entry:
    if name not in METHODS:
        raise ValueError(f"there is no method '{name}'; there are {', '.join(METHODS)}")
    return METHODS[name]


__all__ = ["METHODS", "Entry", "Setup", "entry"]
