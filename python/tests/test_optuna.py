from __future__ import annotations

import pickle
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

import warpbo
import warpbo.optuna

DISTRIBUTIONS: dict[str, BaseDistribution] = {"x": FloatDistribution(-5, 10), "y": FloatDistribution(0, 15)}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def create_study(**options: Any) -> optuna.Study:
    return optuna.create_study(sampler=warpbo.optuna.Sampler(**{"seed": 1, **options}))


def bowl(trial: optuna.Trial) -> float:
    return (trial.suggest_float("x", -5, 10) - 2) ** 2 + (trial.suggest_float("y", 0, 15) - 3) ** 2


def test_it_finds_the_minimum() -> None:
    study = create_study()
    study.optimize(bowl, 25)
    assert study.best_value < 1e-3
    assert isinstance(study.sampler, warpbo.optuna.Sampler)
    model = study.sampler.model
    assert model is not None and model.kind == "gp" and set(model.lengthscales) == {"x", "y"}


def test_maximizing() -> None:
    study = optuna.create_study(direction="maximize", sampler=warpbo.optuna.Sampler(seed=1))
    study.optimize(lambda trial: -bowl(trial), 25)
    assert study.best_value > -1e-3


def test_all_kinds_of_parameters() -> None:
    def objective(trial: optuna.Trial) -> float:
        n = trial.suggest_int("n", 1, 1000, log=True)
        step = trial.suggest_int("step", 10, 31, step=7)
        r = trial.suggest_float("r", 0.0, 1.0, step=0.25)
        rate = trial.suggest_float("learning rate", 1e-5, 1.0, log=True)
        kind = trial.suggest_categorical("kind", ["a", None, 3, 2.5, True])
        assert type(n) is int and 1 <= n <= 1000 and step in (10, 17, 24, 31) and r in (0, 0.25, 0.5, 0.75, 1.0)
        return float(abs(np.log10(rate) + 3) + abs(np.log10(n) - 1) + r + step + (0 if kind is None else 1))

    study = create_study()
    study.optimize(objective, 40)
    best = study.best_params
    assert best["step"] == 10 and best["r"] == 0 and best["kind"] is None and study.best_value < 10.6


def test_asks_in_a_row_are_a_diverse_batch() -> None:
    study = create_study()
    study.optimize(bowl, 12)
    trials = [study.ask(DISTRIBUTIONS) for _ in range(8)]
    points = np.array([[(trial.params["x"] + 5) / 15, trial.params["y"] / 15] for trial in trials])
    distances = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(8, 1)]
    assert distances.min() > 1e-3
    for trial in trials:
        study.tell(trial, (trial.params["x"] - 2) ** 2 + (trial.params["y"] - 3) ** 2)
    assert len(study.get_trials(states=(TrialState.COMPLETE,))) == 20


def test_a_batch_differs_from_what_one_would_be_asked_again() -> None:
    """Without pending trials the same seed and history would give the same point: they are what makes the difference."""
    study = create_study()
    study.optimize(bowl, 12)
    first, second = study.ask(DISTRIBUTIONS), study.ask(DISTRIBUTIONS)
    alone = create_study()
    alone.add_trials(study.get_trials(states=(TrialState.COMPLETE,)))
    assert alone.ask(DISTRIBUTIONS).params == pytest.approx(first.params, abs=1e-6)
    assert abs(second.params["x"] - first.params["x"]) + abs(second.params["y"] - first.params["y"]) > 1e-3


def test_conditional_parameters_are_modelled() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("opt", ["sgd", "adam"]) == "sgd":
            return 1 + (trial.suggest_float("momentum", 0, 1) - 0.7) ** 2
        if trial.suggest_int("layers", 1, 4) >= 3:
            return (trial.suggest_float("dropout", 0, 1) - 0.2) ** 2
        return 2.0

    study = create_study()
    study.optimize(objective, 40)
    assert study.best_params["opt"] == "adam" and study.best_params["layers"] >= 3
    assert study.best_params["dropout"] == pytest.approx(0.2, abs=0.02)
    relative = study.sampler.infer_relative_search_space(study, study.trials[-1])
    assert set(relative) == {"opt", "momentum", "layers", "dropout"}
    for _ in range(5):
        trial = study.ask()
        params = study.sampler.sample_relative(study, study.trials[trial.number], relative)
        assert ("momentum" in params) == (params["opt"] == "sgd") == ("layers" not in params)
        assert ("dropout" in params) == (params.get("layers", 0) >= 3)


def test_a_parameter_without_explanation_is_drawn() -> None:
    def objective(trial: optuna.Trial) -> float:
        value = trial.suggest_float("x", 0, 1)
        if trial.number % 3 == 1:
            value += trial.suggest_float("sometimes", 0, 1)
        return value

    study = create_study()
    study.optimize(objective, 15)
    assert set(study.sampler.infer_relative_search_space(study, study.trials[0])) == {"x"}


def test_limits_that_move() -> None:
    study = create_study()
    for high in (1.0, 2.0, 4.0):
        study.optimize(lambda trial: (trial.suggest_float("x", 0, high) - 3) ** 2, 10)
    assert study.best_value < 0.01
    study.optimize(lambda trial: trial.suggest_float("x", 0, 0.5), 5)
    assert all(trial.params["x"] <= 0.5 for trial in study.trials[-5:])


def test_enqueued_trials_keep_their_values() -> None:
    study = create_study()
    study.optimize(bowl, 10)
    study.enqueue_trial({"x": 1.25})
    study.enqueue_trial({"y": 99.0})  # outside: Optuna warns and keeps it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.optimize(bowl, 2)
    assert study.trials[10].params["x"] == 1.25 and study.trials[11].params["y"] == 99.0


def test_an_enqueued_conditional_value_without_its_parent() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("opt", ["sgd", "adam"]) == "sgd":
            return trial.suggest_float("momentum", 0, 1)
        return 0.5

    study = create_study()
    study.optimize(objective, 12)
    study.enqueue_trial({"momentum": 0.125})
    study.enqueue_trial({"opt": "sgd", "momentum": 0.25})
    study.enqueue_trial({"opt": "adam", "momentum": 0.25})
    study.optimize(objective, 3)
    assert study.trials[12].params.get("momentum", 0.125) == 0.125
    assert study.trials[13].params == {"opt": "sgd", "momentum": 0.25} and study.trials[14].params == {"opt": "adam"}


def test_failed_and_pruned_regions_are_avoided() -> None:
    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        if x < 0.3:
            trial.report(10.0, 0)
            raise optuna.TrialPruned
        return float("nan") if x < 0.5 else x

    study = create_study()
    study.optimize(objective, 30)
    assert study.best_value == pytest.approx(0.5, abs=0.05)
    late = study.trials[15:]
    assert sum(trial.state == TrialState.COMPLETE for trial in late) > len(late) // 2


def test_whatever_happens_a_trial_is_proposed() -> None:
    """Trials that end anywhere, in every way, with limits and choices that come and go, enqueued parts, and running ones."""
    chance = np.random.default_rng(5)

    def objective(trial: optuna.Trial) -> float:
        def maybe_end() -> None:
            fate = chance.random()
            if fate < 0.05:
                trial.report(float(chance.normal()), 0)
                raise optuna.TrialPruned
            if fate < 0.1:
                raise ArithmeticError

        value = trial.suggest_float("x", 0, [1, 2][trial.number // 30 % 2])
        maybe_end()
        kind = trial.suggest_categorical("kind", ["a", "b", "c"])
        if kind == "a":
            value += trial.suggest_int("n", 1, 5)
            maybe_end()
        elif kind == "b" and value > 0.5:
            value += trial.suggest_float("lr", 1e-3, 1, log=True)
        maybe_end()
        return [value, float("inf"), float("-inf"), float("nan")][chance.choice(4, p=[0.91, 0.03, 0.03, 0.03])]

    study = create_study()
    enqueued: list[dict[str, Any]] = [{"x": 1.5}, {"n": 3}, {"kind": "b", "lr": 0.5}, {"kind": "a", "n": 77}, {"old": 1}]
    for part in range(12):
        study.enqueue_trial(enqueued[part % 5])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study.optimize(objective, 6, catch=(ArithmeticError,))
            study.ask({"x": FloatDistribution(0, 1)})
    assert len(study.trials) == 84


def test_a_finite_space_is_repeated_when_it_is_used_up() -> None:
    study = create_study()
    study.optimize(lambda trial: trial.suggest_int("n", 0, 2) + trial.suggest_categorical("c", [0, 1]), 15)
    assert len(study.trials) == 15 and len({tuple(trial.params.items()) for trial in study.trials[:8]}) >= 5


@pytest.mark.parametrize("how", ["function", "trial"])
def test_constraints_are_recorded_and_warned_of_once(how: str) -> None:
    def objective(trial: optuna.Trial) -> float:
        value = bowl(trial)
        if how == "trial":
            trial.set_constraint("late", 3.0 - trial.params["x"])
        return value

    def constraints(trial: FrozenTrial) -> list[float]:
        return [3.0 - trial.params["x"]]

    with pytest.warns(warpbo.NoticeWarning, match="does not use constraints") as caught:
        study = create_study(constraints_func=constraints if how == "function" else None)
        study.optimize(objective, 12)
    assert sum(issubclass(warning.category, warpbo.NoticeWarning) for warning in caught) == 1
    assert study.best_params["x"] >= 3


def test_several_objectives_are_refused() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=warpbo.optuna.Sampler(seed=1))
    with pytest.raises(ValueError, match="multi-objective"):
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 1.0), 1)


def test_threads() -> None:
    study = create_study()
    study.optimize(bowl, 8)
    gate = threading.Barrier(4, timeout=60)

    def objective(trial: optuna.Trial) -> float:
        value = bowl(trial)
        gate.wait()  # four trials are pending at once
        return value

    study.optimize(objective, 16, n_jobs=4)
    assert len(study.get_trials(states=(TrialState.COMPLETE,))) == 24
    points = {(trial.params["x"], trial.params["y"]) for trial in study.trials}
    assert len(points) == 24


def test_seeds() -> None:
    def run(sampler: warpbo.optuna.Sampler) -> list[dict[str, Any]]:
        study = optuna.create_study(sampler=sampler)
        study.optimize(bowl, 14)
        return [trial.params for trial in study.trials]

    assert run(warpbo.optuna.Sampler(seed=3)) == run(warpbo.optuna.Sampler(seed=3))
    reseeded = warpbo.optuna.Sampler(seed=3)
    reseeded.reseed_rng()
    assert run(reseeded) != run(warpbo.optuna.Sampler(seed=3))
    assert warpbo.optuna.Sampler().options.seed != warpbo.optuna.Sampler().options.seed


def test_pickled_in_the_middle_it_goes_on_the_same() -> None:
    study = create_study()
    study.optimize(bowl, 10)
    twin = optuna.create_study(sampler=pickle.loads(pickle.dumps(study.sampler)))
    twin.add_trials(study.trials)
    assert twin.ask(DISTRIBUTIONS).params == pytest.approx(study.ask(DISTRIBUTIONS).params, abs=1e-6)


def test_one_sampler_for_two_studies_of_one_name() -> None:
    sampler = warpbo.optuna.Sampler(seed=1)
    left, right = (optuna.create_study(study_name="twin", sampler=sampler) for _ in range(2))
    left.optimize(lambda trial: trial.suggest_float("x", 0, 1), 5)
    right.optimize(lambda trial: trial.suggest_int("n", 100, 200), 5)
    assert set(sampler.infer_relative_search_space(right, right.trials[0])) == {"n"}
    left.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    right.optimize(lambda trial: trial.suggest_int("n", 100, 200), 3)
    assert all(100 <= trial.params["n"] <= 200 for trial in right.trials)


def test_studies_in_a_database(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    study = optuna.create_study(study_name="s", storage=url, sampler=warpbo.optuna.Sampler(seed=1))
    study.optimize(bowl, 12)
    running = study.ask(DISTRIBUTIONS)
    other = optuna.load_study(study_name="s", storage=url, sampler=warpbo.optuna.Sampler(seed=2))
    beside = other.ask(DISTRIBUTIONS)
    assert abs(beside.params["x"] - running.params["x"]) + abs(beside.params["y"] - running.params["y"]) > 1e-3


def test_with_a_pruner_that_splits_the_trials() -> None:
    def objective(trial: optuna.Trial) -> float:
        value = bowl(trial)
        for step in range(5):
            trial.report(value + 5 - step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=5)
    study = optuna.create_study(sampler=warpbo.optuna.Sampler(seed=1), pruner=pruner)
    study.optimize(objective, 25)
    assert study.best_value < 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sampler": "tpe"}, "tpe"),
        ({"seed": -1}, "seed is -1"),
        ({"device": "tpu"}, "tpu"),
        ({"independent_sampler": 3}, "independent_sampler is 3"),
        ({"constraints_func": 3}, "constraints_func is 3"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], says: str) -> None:
    with pytest.raises(warpbo.InvalidArgumentError) as caught:
        warpbo.optuna.Sampler(**options)
    assert says in str(caught.value)


def test_integers_beyond_a_double_are_drawn() -> None:
    study = create_study()
    study.optimize(lambda trial: float(trial.suggest_int("huge", 0, 2**60) > 2**59) + trial.suggest_float("x", 0, 1), 6)
    assert set(study.sampler.infer_relative_search_space(study, study.trials[0])) == {"x"}
    assert IntDistribution(0, 2**60)._contains(study.best_params["huge"])
