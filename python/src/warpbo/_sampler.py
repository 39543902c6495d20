"""How proposals are made, and what the model behind them found."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from . import _core
from ._checks import device_name, integer, nonnegative, text

SamplerKind = Literal["auto", "gp", "trust", "random", "sobol", "grid", "de"]


@dataclasses.dataclass(frozen=True, slots=True)
class SamplerOptions:
    """Which strategy proposes, and how.

    Attributes:
        kind: "auto" chooses from the space, the history and the batch size; "gp" (Gaussian process), "trust" (trust
            regions), "random", "sobol" (scrambled Sobol' sequence), "grid" (every point once), "de" (adaptive differential
            evolution).
        seed: The same seed, history and options give the same proposals. 0 to 2**64 - 1.
        noise: "infer" learns the noise from the data; "deterministic" says that repeated evaluations agree; "noisy" that they
            differ, so that points of a finite space may be repeated.
        device: "auto" (a GPU where the CUDA engine is installed and finds one, else the CPU), "cpu", "cuda" or "cuda:1".
        acquisition: Of "gp": "logei"; "ucb" with `ucb_coefficient` standard deviations (>= 0); "thompson", where every trial
            minimizes a function of its own, drawn from the posterior; or "ucb-pe", where one trial follows "ucb" and all
            others, until its value is told, explore the region that may still hold the optimum.
        ucb_coefficient: See `acquisition`.
        trust_regions: Of "trust": how many regions are searched at once, 1 to 1,000. They share a batch equally and take turns at
            single trials.
        initial_trials: Quasi-random trials before the model; 0 chooses from the dimension.
        grid_points: Values per real parameter without step, for "grid".
        max_seconds_per_ask: Limit of the time that one ask of "gp" or "trust" takes, 0 for none. Where it strikes, what has been
            chosen so far is returned, completed by quasi-random points, and a notice says so; the seed does not repeat it then.

    Raises:
        InvalidArgumentError: A value is not one of these.
    """

    kind: SamplerKind = "auto"
    seed: int = 0
    noise: Literal["infer", "deterministic", "noisy"] = "infer"
    device: str = "auto"
    acquisition: Literal["logei", "ucb", "thompson", "ucb-pe"] = "logei"
    ucb_coefficient: float = 1.8
    trust_regions: int = 1
    initial_trials: int = 0
    grid_points: int = 10
    max_seconds_per_ask: float = 0.0

    def __post_init__(self) -> None:
        self._to_core()

    def _to_core(self) -> _core.SamplerOptions:
        for name in ("kind", "noise", "device", "acquisition"):
            text(name, getattr(self, name))
        return _core.SamplerOptions.make(
            kind=self.kind,
            seed=integer("seed", self.seed, 0, 2**64 - 1),
            noise=self.noise,
            device=device_name(self.device),
            acquisition=self.acquisition,
            ucb_coefficient=nonnegative("ucb_coefficient", self.ucb_coefficient),
            trust_regions=integer("trust_regions", self.trust_regions, 1, 1000),
            initial_trials=integer("initial_trials", self.initial_trials, 0, 2**31 - 1),
            grid_points=integer("grid_points", self.grid_points, 1, 2**31 - 1),
            max_seconds_per_ask=nonnegative("max_seconds_per_ask", self.max_seconds_per_ask),
        )


def sampler_options(sampler: SamplerKind | SamplerOptions, seed: int | None, device: str | None) -> SamplerOptions:
    """The options that a caller means who gives a strategy's name or whole options, and perhaps a seed and a device beside."""
    options = sampler if isinstance(sampler, SamplerOptions) else SamplerOptions(kind=sampler)
    changes: dict[str, Any] = {}
    if seed is not None:
        changes["seed"] = seed
    if device is not None:
        changes["device"] = device
    return dataclasses.replace(options, **changes) if changes else options


@dataclasses.dataclass(frozen=True, slots=True)
class ModelSummary:
    """What a person may want to know about the model behind the last proposals. Zeros when no model was used.

    Attributes:
        kind: "gp", or empty.
        observations: Points the model was fitted to.
        noise_variance: Relative to the variance of the (warped) targets.
        lengthscales: Per parameter, in units of its encoded range; small means relevant.
        leave_one_out_r2: 1 - squared leave-one-out error / variance, of the warped targets.
        fit_seconds: Time spent fitting.
        suggest_seconds: Time spent searching for the proposals.
        device: "cpu", "cuda:0".
    """

    kind: str
    observations: int
    noise_variance: float
    lengthscales: dict[str, float]
    leave_one_out_r2: float
    fit_seconds: float
    suggest_seconds: float
    device: str
