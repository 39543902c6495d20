"""warpbo as a sampler of Optuna.

    import optuna
    import warpbo.optuna

    study = optuna.create_study(sampler=warpbo.optuna.Sampler(seed=1))
    study.optimize(objective, n_trials=100)
"""

from __future__ import annotations

import dataclasses
import random
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _core
from ._errors import InvalidArgumentError, NoticeWarning
from ._sampler import ModelSummary, SamplerKind, SamplerOptions, sampler_options
from ._structure import Rule, Structure

try:
    import optuna
except ImportError as error:
    raise ImportError("warpbo.optuna needs Optuna 5; pip install 'optuna>=5'") from error

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

if TYPE_CHECKING:
    from optuna.study import Study

__all__ = ["Sampler"]

Distributions: TypeAlias = dict[str, BaseDistribution]

_PROPOSAL = "warpbo:proposal"  # system attribute: what a running trial is going to be given, as {name: internal value}
_WIDEST_INTEGER = 2**53


class Sampler(BaseSampler):
    """Proposes trials of an Optuna study with warpbo's Gaussian process.

    The search space is learned from the complete trials. Parameters that every one of them has are proposed jointly. So are
    conditional ones whose existence another parameter explains (a choice, or a number that is large or small enough); the
    explanation is checked against every new trial. Where a parameter's limits change, the latest count. What is left (the first
    trial, parameters without an explanation, a value outside the limits asked for) is drawn by `independent_sampler`.

    Running trials, and enqueued ones, are pending: several asks in a row give a joint batch. Trials that failed are avoided,
    as are those that were pruned: the model is given a pruned trial's last intermediate value, or the median of the complete
    trials where that is worse. One objective only. Constraints are ignored, with a warning.

    One object may be used by several threads, and pickled.

    Args:
        sampler: A strategy ("auto", "gp", "random", "sobol", "grid", "de") or whole `warpbo.SamplerOptions`.
        seed: Takes the place of the options'. Neither given: a random one.
        device: Takes the place of the options': "auto", "cpu", "cuda" or "cuda:1".
        independent_sampler: Draws what is not proposed jointly. Default: Optuna's RandomSampler with the same seed.
        avoid_failed: Whether failed trials (NaN, an exception) say something about their region; Optuna's own samplers ignore them.

    Raises:
        InvalidArgumentError: An option is wrong.
    """

    def __init__(
        self,
        sampler: SamplerKind | SamplerOptions = "auto",
        *,
        seed: int | None = None,
        device: str | None = None,
        independent_sampler: BaseSampler | None = None,
        avoid_failed: bool = True,
    ) -> None:
        if seed is None and not isinstance(sampler, SamplerOptions):
            seed = _random_seed()
        self._options = sampler_options(sampler, seed, device)
        self._independent = independent_sampler or RandomSampler(seed=self._options.seed % 2**32)
        self._avoid_failed = avoid_failed
        self._model: ModelSummary | None = None
        self._warned: set[str] = set()
        self._reset()

    def _reset(self) -> None:
        """What can be made again: the C++ side, and what was learned from trials."""
        self._lock = threading.RLock()
        self._core: _core.Sampler | None = None
        self._structures: dict[str, Structure] = {}
        self._history: _History | None = None

    def __getstate__(self) -> dict[str, Any]:
        made_again = ("_lock", "_core", "_structures", "_history")
        return {name: value for name, value in self.__dict__.items() if name not in made_again}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def __repr__(self) -> str:
        return f"warpbo.optuna.Sampler({self._options!r})"

    @property
    def options(self) -> SamplerOptions:
        """How proposals are made."""
        return self._options

    @property
    def model(self) -> ModelSummary | None:
        """The model behind the last proposal; parameters by name. None before the first."""
        return self._model

    def reseed_rng(self) -> None:
        """Takes a new random seed. Optuna calls it in every worker of `optimize(n_jobs=...)`."""
        with self._lock:
            self._options = dataclasses.replace(self._options, seed=_random_seed())
            self._core = None
            self._independent.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._independent.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._independent.after_trial(study, trial, state, values)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        """The parameters that are proposed jointly."""
        self._raise_error_if_multi_objective(study)
        with self._lock:
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            distributions = self._structure(study, complete).distributions
            return {name: distribution for name, distribution in distributions.items() if _can_be_modelled(distribution)}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Distributions) -> dict[str, Any]:
        """A proposal: values of those parameters of `search_space` that exist in it."""
        self._raise_error_if_multi_objective(study)
        search_space = {name: each for name, each in search_space.items() if _can_be_modelled(each)}
        if not search_space:
            return {}
        with self._lock:
            return self._propose(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value of one parameter, drawn by the independent sampler."""
        self._raise_error_if_multi_objective(study)
        with self._lock:
            return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def _structure(self, study: Study, complete: list[FrozenTrial]) -> Structure:
        structure = self._structures.get(study.study_name)
        if structure is None or not structure.update(complete):
            structure = self._structures[study.study_name] = Structure()
            structure.update(complete)
        return structure

    def _propose(self, study: Study, trial: FrozenTrial, search_space: Distributions) -> dict[str, Any]:
        trials = study.get_trials(deepcopy=False)
        complete = [each for each in trials if each.state == TrialState.COMPLETE]
        self._warn_of_constraints(complete)
        rules = self._structure(study, complete).rules
        minimize = study.direction != StudyDirection.MAXIMIZE
        key = (study.study_name, search_space, {name: rules[name] for name in search_space if name in rules})
        if self._history is None or not self._history.continues(key, trials):
            self._history = _History(key)
        history = self._history
        if not history.alias:
            return {}
        history.update(trials, complete, minimize, self._avoid_failed)
        pending = _core.TrialLog()
        for each in trials:
            if each.number != trial.number and each.state in (TrialState.RUNNING, TrialState.WAITING):
                values = history.encode(_prospective_params(each, search_space))
                if values:
                    pending.put(each.number, "running", values, None)
        if self._core is None:
            self._core = _core.Sampler(self._options._to_core())
        fixed = history.encode(_known_params(trial)) or {}
        direction = "minimize" if minimize else "maximize"
        answer = self._core.suggest(history.space, history.log, pending, direction, 1, fixed, trial.number)
        proposals, _, _, degraded, model = answer
        for sentence in degraded:
            self._warn_once(sentence)
        self._model = history.named(ModelSummary(*model))
        if not proposals:  # a finite space without a point left: chance repeats one
            chance = dataclasses.replace(self._options, kind="random", noise="noisy")
            none = _core.TrialLog()
            answer = _core.Sampler(chance._to_core()).suggest(history.space, none, none, direction, 1, fixed, trial.number)
            proposals = answer[0]
        params = history.decode(proposals[0])
        internal = {name: search_space[name].to_internal_repr(value) for name, value in params.items()}
        study._storage.set_trial_system_attr(trial._trial_id, _PROPOSAL, internal)
        return params

    def _warn_of_constraints(self, complete: Iterable[FrozenTrial]) -> None:
        if "constraints" not in self._warned and any(trial.constraints for trial in complete):
            self._warned.add("constraints")
            self._warn_once("warpbo.optuna.Sampler ignores constraints: infeasible trials count like feasible ones")

    def _warn_once(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            warnings.warn(sentence, NoticeWarning, stacklevel=5)


class _History:
    """The finished trials of one study in terms of one search space, and the space itself."""

    def __init__(self, key: tuple[str, Distributions, Mapping[str, Rule]]) -> None:
        self.key = key
        _, distributions, rules = key
        self.distributions = distributions
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

    def continues(self, key: tuple[str, Distributions, Mapping[str, Rule]], trials: list[FrozenTrial]) -> bool:
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


def _can_be_modelled(distribution: BaseDistribution) -> bool:
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


def _known_params(trial: FrozenTrial) -> dict[str, Any]:
    """What is decided of a trial: what it was enqueued with and what was suggested already."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def _prospective_params(trial: FrozenTrial, distributions: Distributions) -> dict[str, Any]:
    """The same with what it will be given when it asks."""
    proposal = trial.system_attrs.get(_PROPOSAL, {})
    proposed = {
        name: distributions[name].to_external_repr(value) for name, value in proposal.items() if name in distributions
    }
    return {**proposed, **_known_params(trial)}


def _median(values: list[float]) -> float:
    finite = sorted(value for value in values if abs(value) != float("inf"))
    return finite[len(finite) // 2] if finite else float("nan")


def _random_seed() -> int:
    return random.SystemRandom().getrandbits(63)
