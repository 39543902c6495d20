"""The trials of an Optuna study in warpbo's terms."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from . import _core
from ._errors import InvalidArgumentError
from ._optuna_structure import Rule, Structure
from ._sampler import ModelSummary

Distributions: TypeAlias = dict[str, BaseDistribution]

PROPOSAL = "warpbo:proposal"  # system attribute: what a running trial is going to be given, as {name: internal value}
_WIDEST_INTEGER = 2**53


Key: TypeAlias = tuple[Structure, Distributions, Mapping[str, Rule]]


class History:
    """The finished trials of one study in terms of one search space, and the space itself."""

    def __init__(self, key: Key) -> None:
        self.key = key
        _, distributions, rules = key
        self.distributions = distributions
        self.rules = rules
        self.space = _core.Space()
        self.alias: dict[str, str] = {}  # warpbo's names are stricter than Optuna's
        for name, distribution in distributions.items():
            rule = rules.get(name)
            if rule is not None and rule.parent not in self.alias:
                continue
            alias = f"p{len(self.alias)}"
            condition = "" if rule is None else rule.condition(self.alias[rule.parent], distributions[rule.parent])
            try:
                _declare(self.space, alias, distribution, condition)
            except InvalidArgumentError:  # its parent's limits have moved: the rule cannot hold any more
                continue
            self.alias[name] = alias
        self.names = {alias: name for name, alias in self.alias.items()}
        self.log = _core.TrialLog()
        self.known: set[int] = set()
        self.assumed: dict[int, float] = {}  # what pruned trials are said to have given

    def continues(self, key: Key, trials: list[FrozenTrial]) -> bool:
        """Whether this is the same study and space, and no trial has gone (as with a pruner that shows each bracket its own)."""
        return self.key == key and self.known <= {trial.number for trial in trials if trial.state.is_finished()}

    def update(self, trials: list[FrozenTrial], complete: list[FrozenTrial], minimize: bool, avoid_failed: bool) -> None:
        """Adds what is new."""
        assumed: float | None = None
        for trial in trials:
            if trial.state == TrialState.PRUNED:
                if assumed is None:
                    assumed = _median([trial.value for trial in complete if trial.value is not None])
                self._put_pruned(trial, assumed, minimize)
            elif trial.state.is_finished() and trial.number not in self.known:
                self.known.add(trial.number)
                self._put(trial, minimize, avoid_failed)

    def _put(self, trial: FrozenTrial, minimize: bool, avoid_failed: bool) -> None:
        values = self.encode(trial.params)
        if not values:
            return
        if trial.state == TrialState.COMPLETE:
            value = trial.value
            assert value is not None
            if value != (float("-inf") if minimize else float("inf")):  # better than everything: nothing to learn from
                self.log.put(trial.number, "complete", values, value)
        elif avoid_failed:
            self.log.put(trial.number, "failed", values, None)

    def _put_pruned(self, trial: FrozenTrial, median: float, minimize: bool) -> None:
        last = trial.value if trial.value is not None else None
        if last is None and trial.last_step is not None:
            last = trial.intermediate_values[trial.last_step]
        worse = max if minimize else min
        value = median if last is None or last != last else worse(last, median)
        self.known.add(trial.number)
        if value == value and self.assumed.get(trial.number) != value:
            self.assumed[trial.number] = value
            values = self.encode(trial.params)
            if values:
                self.log.put(trial.number, "complete", values, value)

    def encode(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """The parameters under warpbo's names; None when a value is outside the limits."""
        values: dict[str, Any] = {}
        for name, alias in self.alias.items():
            if name not in params:
                continue
            value = _inside(self.distributions[name], params[name])
            if value is None:
                return None
            values[alias] = value
        return values

    def fixed(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the parameters that a proposal can be made to take, under warpbo's names: what is outside the limits, or
        conditional on something that is not among them, the trial is given later without our help."""
        values: dict[str, Any] = {}
        for name, alias in self.alias.items():
            value = _inside(self.distributions[name], params[name]) if name in params else None
            rule = self.rules.get(name)
            if value is None or (rule is not None and not self._holds(rule, params, values)):
                continue
            values[alias] = value
        return values

    def _holds(self, rule: Rule, params: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        parent = self.distributions[rule.parent]
        return self.alias[rule.parent] in values and rule.holds(float(parent.to_internal_repr(params[rule.parent])))

    def decode(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The reverse, in Optuna's types."""
        params: dict[str, Any] = {}
        for alias, value in values.items():
            distribution = self.distributions[self.names[alias]]
            if isinstance(distribution, CategoricalDistribution):
                value = distribution.choices[value]
            params[self.names[alias]] = value
        return params

    def named(self, model: ModelSummary) -> ModelSummary:
        """The summary with Optuna's names."""
        lengthscales = {self.names[alias]: value for alias, value in model.lengthscales.items()}
        return dataclasses.replace(model, lengthscales=lengthscales)


def _declare(space: _core.Space, alias: str, distribution: BaseDistribution, condition: str) -> None:
    if isinstance(distribution, FloatDistribution):
        space.add_real(alias, distribution.low, distribution.high, distribution.log, distribution.step, condition)
    elif isinstance(distribution, IntDistribution):
        step = distribution.step if distribution.step > 1 else None
        space.add_integer(alias, distribution.low, distribution.high, distribution.log, step, condition)
    elif isinstance(distribution, CategoricalDistribution):
        space.add_choice(alias, "categorical", list(range(len(distribution.choices))), condition)
    else:
        raise AssertionError(distribution)


def can_be_modelled(distribution: BaseDistribution) -> bool:
    """Not so: parameters with one value, and integers that a double cannot hold."""
    if distribution.single():
        return False
    if isinstance(distribution, IntDistribution):
        return -_WIDEST_INTEGER <= distribution.low and distribution.high <= _WIDEST_INTEGER
    return isinstance(distribution, (FloatDistribution, CategoricalDistribution))


def _inside(distribution: BaseDistribution, value: Any) -> float | int | None:
    """The value as warpbo takes it; None when the distribution does not have it."""
    try:
        if isinstance(distribution, FloatDistribution):
            number = float(value)
            return number if distribution.low <= number <= distribution.high else None
        if isinstance(distribution, IntDistribution):
            whole = int(value)
            return whole if distribution.low <= whole <= distribution.high else None
        return int(distribution.to_internal_repr(value))
    except (TypeError, ValueError, OverflowError):
        return None


def known_params(trial: FrozenTrial) -> dict[str, Any]:
    """What is decided of a trial: what it was enqueued with and what was suggested already."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def prospective_params(trial: FrozenTrial, distributions: Distributions) -> dict[str, Any]:
    """The same with what it will be given when it asks."""
    proposal = trial.system_attrs.get(PROPOSAL, {})
    proposed = {
        name: distributions[name].to_external_repr(value) for name, value in proposal.items() if name in distributions
    }
    return {**proposed, **known_params(trial)}


def _median(values: list[float]) -> float:
    finite = sorted(value for value in values if abs(value) != float("inf"))
    return finite[len(finite) // 2] if finite else float("nan")
