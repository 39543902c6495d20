"""Tunes a random forest on the wine data with Optuna, where warpbo proposes the trials, and prints what mattered.

    python examples/python/forest.py --trials 30

The only line that differs from any other Optuna program is the one that makes the sampler.
"""

from __future__ import annotations

import argparse

import optuna
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import warpbo.optuna

X, y = load_wine(return_X_y=True)
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def objective(trial: optuna.Trial) -> float:
    """The mean squared error of the predicted class probabilities (Brier's score), over five folds."""
    model = RandomForestClassifier(
        n_estimators=trial.suggest_int("n_estimators", 5, 60, log=True),
        max_features=trial.suggest_float("max_features", 0.05, 1.0),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 20, log=True),
        criterion=trial.suggest_categorical("criterion", ["gini", "entropy"]),
        max_depth=trial.suggest_int("max_depth", 2, 12) if trial.suggest_categorical("limit_depth", [True, False]) else None,
        random_state=0,
    )
    probabilities = cross_val_predict(model, X, y, cv=FOLDS, method="predict_proba")
    probabilities[range(len(y)), y] -= 1.0
    return float((probabilities**2).sum(axis=1).mean())


def main(arguments: list[str] | None = None) -> optuna.Study:
    parser = argparse.ArgumentParser(description="Tunes a random forest with Optuna and warpbo.")
    parser.add_argument("--trials", type=int, default=30)
    options = parser.parse_args(arguments)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = warpbo.optuna.Sampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, options.trials)
    print(f"first trial: {study.trials[0].value:.4f}; best of {len(study.trials)}: {study.best_value:.4f} with {study.best_params}")
    if sampler.model is not None:
        print("lengthscales (small: relevant):", {name: round(value, 2) for name, value in sampler.model.lengthscales.items()})
    return study


if __name__ == "__main__":
    main()
