"""Tunes a support-vector machine on the breast-cancer data with warpbo.Study, four trials at a time, and compares with the default.

    python examples/python/svm.py --trials 40 --jobs 4 --store sqlite:svm.db

The kernel decides which parameters exist: gamma only where there is one, degree and coef0 only for polynomials. With a store the
study is kept in a file, and the next call continues it.
"""

from __future__ import annotations

import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import warpbo

SPACE = warpbo.Space(
    {
        "C": warpbo.Float(1e-3, 1e2, log=True),
        "kernel": ["linear", "rbf", "poly"],
        "gamma": warpbo.Float(1e-5, 1.0, log=True, when="kernel != 'linear'"),
        "degree": warpbo.Int(2, 4, when="kernel == 'poly'"),
        "coef0": warpbo.Float(0.0, 1.0, when="kernel == 'poly'"),
        "class_weight": ["balanced", "none"],
    }
)
X, y = load_breast_cancer(return_X_y=True)
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def error(**settings: object) -> float:
    """The share of cases that five-fold cross-validation gets wrong."""
    model = make_pipeline(StandardScaler(), SVC(max_iter=200_000, **settings))
    return 1.0 - float(cross_val_score(model, X, y, cv=FOLDS).mean())


def objective(trial: warpbo.Trial) -> float:
    settings = dict(trial.params)
    if settings["class_weight"] == "none":
        settings["class_weight"] = None
    return error(**settings)


def main(arguments: list[str] | None = None) -> warpbo.Study:
    parser = argparse.ArgumentParser(description="Tunes a support-vector machine with warpbo.")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--store", default="memory:")
    options = parser.parse_args(arguments)

    study = warpbo.Study(SPACE, name="svm", store=options.store, seed=0)
    study.optimize(
        objective,
        options.trials,
        n_jobs=options.jobs,
        on_trial=lambda trial: print(f"{trial.number:4} {trial.value:.4f} {trial.params}"),
    )
    print(f"scikit-learn's default: {error():.4f} of the cases are wrong")
    print(f"best of {len(study)} trials:  {study.best_value:.4f} with {study.best_params}")
    return study


if __name__ == "__main__":
    main()
