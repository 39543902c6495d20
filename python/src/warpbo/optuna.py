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
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._errors import InvalidArgumentError
from ._notices import warn
from ._sampler import ModelSummary, SamplerKind, SamplerOptions, sampler_options

try:
    import optuna
except ImportError as error:
    raise ImportError("warpbo.optuna needs Optuna 5; pip install 'optuna>=5'") from error

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.samplers._base import _process_constraints_after_trial
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ._optuna_history import PROPOSAL, Distributions, History, can_be_modelled, known_params, prospective_params
from ._optuna_structure import Structure

if TYPE_CHECKING:
    from optuna.study import Study

__all__ = ["Sampler"]

_CONSTRAINTS = "warpbo.optuna.Sampler does not use constraints yet: its proposals take infeasible trials for feasible ones"


class Sampler(BaseSampler):
    """Proposes trials of an Optuna study with warpbo's Gaussian process.

    The search space is learned from the complete trials. Parameters that every one of them has are proposed jointly. So are
    conditional ones whose existence another parameter explains (a choice, or a number that is large or small enough); the
    explanation is checked against every new trial. Where a parameter's limits change, the latest count. What is left (the first
    trial, parameters without an explanation, a value outside the limits asked for) is drawn by `independent_sampler`.

    Running trials, and enqueued ones, are pending: several asks in a row give a joint batch. Trials that failed are avoided,
    as are those that were pruned: the model is given a pruned trial's last intermediate value, or the median of the complete
    trials where that is worse. One objective only. Constraints do not guide the proposals; a warning says so.

    One object may be used by several threads, and pickled.

    Args:
        sampler: A strategy ("auto", "gp", "random", "sobol", "grid", "de") or whole `warpbo.SamplerOptions`.
        seed: Takes the place of the options'. Neither given: a random one.
        device: Takes the place of the options': "auto", "cpu", "cuda" or "cuda:1".
        independent_sampler: Draws what is not proposed jointly. Default: Optuna's RandomSampler with the same seed.
        avoid_failed: Whether failed trials (NaN, an exception) say something about their region; Optuna's own samplers ignore them.
        constraints_func: As other samplers take it: its values are recorded, so that `study.best_trial` knows them, but do not
            guide the proposals; a warning says so.

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
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    ) -> None:
        if seed is None and not isinstance(sampler, SamplerOptions):
            seed = _random_seed()
        if independent_sampler is not None and not isinstance(independent_sampler, BaseSampler):
            raise InvalidArgumentError(f"independent_sampler is {independent_sampler!r}; expected a sampler of Optuna")
        if constraints_func is not None and not callable(constraints_func):
            raise InvalidArgumentError(f"constraints_func is {constraints_func!r}; expected a function of a trial")
        self._options = sampler_options(sampler, seed, device)
        self._independent = independent_sampler or RandomSampler(seed=self._options.seed % 2**32)
        self._avoid_failed = bool(avoid_failed)
        self._constraints_func = constraints_func
        self._model: ModelSummary | None = None
        self._warned: set[str] = set()
        self._reset()
        if constraints_func is not None:
            self._warn_once(_CONSTRAINTS)

    def _reset(self) -> None:
        """What can be made again: the C++ side, and what was learned from trials."""
        self._lock = threading.RLock()
        self._core: _core.Sampler | None = None
        self._structures: weakref.WeakKeyDictionary[BaseStorage, dict[int, Structure]] = weakref.WeakKeyDictionary()
        self._history: History | None = None

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
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)
        self._independent.after_trial(study, trial, state, values)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Distributions:
        """The parameters that are proposed jointly."""
        self._raise_error_if_multi_objective(study)
        with self._lock:
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            distributions = self._structure(study, complete).distributions
            return {name: distribution for name, distribution in distributions.items() if can_be_modelled(distribution)}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Distributions) -> dict[str, Any]:
        """A proposal: values of those parameters of `search_space` that exist in it."""
        self._raise_error_if_multi_objective(study)
        search_space = {name: each for name, each in search_space.items() if can_be_modelled(each)}
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
        known = self._structures.setdefault(study._storage, {})
        structure = known.get(study._study_id)
        if structure is None or not structure.update(complete):
            structure = known[study._study_id] = Structure()
            structure.update(complete)
        return structure

    def _propose(self, study: Study, trial: FrozenTrial, search_space: Distributions) -> dict[str, Any]:
        trials = study.get_trials(deepcopy=False)
        complete = [each for each in trials if each.state == TrialState.COMPLETE]
        self._warn_of_constraints(complete)
        structure = self._structure(study, complete)
        minimize = study.direction != StudyDirection.MAXIMIZE
        key = (structure, search_space, {name: rule for name, rule in structure.rules.items() if name in search_space})
        history = self._history
        if history is None or not history.continues(key, trials):
            history = self._history = History(key)
        if not history.alias:
            return {}
        history.update(trials, complete, minimize, self._avoid_failed)
        pending = _core.TrialLog()
        for each in trials:
            if each.number != trial.number and each.state in (TrialState.RUNNING, TrialState.WAITING):
                values = history.encode(prospective_params(each, search_space))
                if values:
                    pending.put(each.number, "running", values, None)
        params = history.decode(self._suggest(history, pending, history.fixed(known_params(trial)), minimize, trial.number))
        internal = {name: search_space[name].to_internal_repr(value) for name, value in params.items()}
        study._storage.set_trial_system_attr(trial._trial_id, PROPOSAL, internal)
        return params

    def _suggest(
        self, history: History, pending: _core.TrialLog, fixed: dict[str, Any], minimize: bool, draw: int
    ) -> dict[str, Any]:
        """One point; where a finite space has none left, chance repeats one."""
        if self._core is None:
            self._core = _core.Sampler(self._options._to_core())
        direction = "minimize" if minimize else "maximize"
        proposals, notices, model = self._core.suggest(history.space, history.log, pending, direction, 1, fixed, draw)
        for sentence in notices:
            self._warn_once(sentence)
        self._model = history.named(ModelSummary(*model))
        if not proposals:
            chance = _core.Sampler(dataclasses.replace(self._options, kind="random", noise="noisy")._to_core())
            nothing = _core.TrialLog()
            proposals, _, _ = chance.suggest(history.space, nothing, nothing, direction, 1, fixed, draw)
        proposal: dict[str, Any] = proposals[0]
        return proposal

    def _warn_of_constraints(self, complete: Iterable[FrozenTrial]) -> None:
        if _CONSTRAINTS not in self._warned and any(trial.constraints for trial in complete):
            self._warn_once(_CONSTRAINTS)

    def _warn_once(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            warn(sentence)


def _random_seed() -> int:
    return random.SystemRandom().getrandbits(63)
