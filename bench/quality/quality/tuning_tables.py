"""Computes the tables of `tuning`: four-fold stratified cross-validation of real models at every node.

    python -m quality.tuning_tables [TASK...]        those that are missing, or these

The loss is the log loss of the held-out predictions (probabilities clipped to [0.005, 1]), for the support-vector machine, which
gives none, the log loss of a softmax of its decision values. Everything random has a fixed seed.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import json
import sys
import time
import warnings
from collections.abc import Iterator

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from .tuning import AXES, TABLES, TASKS

ROWS = 360  # of a data set at most
Fold = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@functools.cache
def folds(data: str, rows: int) -> list[Fold]:
    """Four folds (x, y, held-out x, held-out y) of at most `rows` samples, scaled by what is known from the training part."""
    x, y = {"cancer": load_breast_cancer, "wine": load_wine, "digits": load_digits}[data](return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(y))[:rows]
    x, y = x[chosen], y[chosen]
    made = []
    for train, test in StratifiedKFold(4, shuffle=True, random_state=0).split(x, y):
        scaler = StandardScaler().fit(x[train])
        made.append((scaler.transform(x[train]), y[train], scaler.transform(x[test]), y[test]))
    return made


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 0.005, 1)).mean())


def svm(data: str, C: float, gamma: float, kernel: str) -> float:
    losses = []
    for x, y, held, truth in folds(data, ROWS):
        scores = SVC(C=C, gamma=gamma, kernel=kernel, coef0=1.0, max_iter=20_000).fit(x, y).decision_function(held)
        if scores.ndim == 1:
            scores = np.stack([-scores, scores], axis=1)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        losses.append(log_loss(scores / scores.sum(axis=1, keepdims=True), truth))
    return float(np.mean(losses))


def forest(data: str, sizes: tuple[int, ...], **parameters) -> list[float]:
    """For each number of trees: those of a larger forest are the first ones of it."""
    losses = np.zeros(len(sizes))
    for x, y, held, truth in folds(data, ROWS):
        model = RandomForestClassifier(sizes[-1], random_state=0, **parameters).fit(x, y)
        running = np.cumsum([tree.predict_proba(held) for tree in model.estimators_], axis=0)
        losses += [log_loss(running[size - 1] / size, truth) for size in sizes]
    return list(losses / 4)


def boosting(data: str, sizes: tuple[int, ...], **parameters) -> list[float]:
    losses = np.zeros(len(sizes))
    for x, y, held, truth in folds(data, ROWS):
        model = GradientBoostingClassifier(n_estimators=sizes[-1], random_state=0, **parameters).fit(x, y)
        staged = list(model.staged_predict_proba(held))
        losses += [log_loss(np.nan_to_num(staged[size - 1], nan=1e-9), truth) for size in sizes]
    return list(losses / 4)


@functools.cache
def neighbours(data: str, p: float, power: float) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Per fold the labels of the 50 nearest training samples of every held-out one, their distances, and the truth."""
    made = []
    for x, y, held, truth in folds(data, ROWS):
        warp = lambda values: np.sign(values) * np.abs(values) ** power  # noqa: E731
        distances = pairwise_distances(warp(held), warp(x), metric="minkowski", p=p)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :50]
        made.append((y[nearest], np.take_along_axis(distances, nearest, axis=1), truth))
    return made


def knn(data: str, n_neighbors: int, p: float, weights: str, power: float) -> float:
    losses = []
    for labels, distances, truth in neighbours(data, p, power):
        k_labels, k_distances = labels[:, :n_neighbors], distances[:, :n_neighbors]
        vote = np.ones_like(k_distances) if weights == "uniform" else 1 / np.maximum(k_distances, 1e-12)
        classes = np.arange(truth.max() + 1)
        shares = np.stack([np.where(k_labels == c, vote, 0).sum(axis=1) for c in classes], axis=1)
        losses.append(log_loss(shares / shares.sum(axis=1, keepdims=True), truth))
    return float(np.mean(losses))


def losses(task: str) -> Iterator[float]:
    """In the order of the table: the last parameter changes fastest."""
    _, model, data = task.split("-")
    axes = AXES[model]
    names = [axis.parameter.name for axis in axes]
    if model in ("svm", "knn"):
        one = {"svm": svm, "knn": knn}[model]
        for values in itertools.product(*(axis.nodes for axis in axes)):
            yield one(data, **dict(zip(names, values, strict=True)))
        return
    # All numbers of trees come from one fit.
    many = {"forest": forest, "boosting": boosting}[model]
    at = names.index("n_estimators")
    others = [axis.nodes for i, axis in enumerate(axes) if i != at]
    shape = [len(axis.nodes) for axis in axes]
    result = np.empty([*(len(nodes) for nodes in others), shape[at]])
    for index in itertools.product(*(range(len(nodes)) for nodes in others)):
        values = [nodes[i] for nodes, i in zip(others, index, strict=True)]
        result[index] = many(data, axes[at].nodes, **dict(zip([n for n in names if n != "n_estimators"], values, strict=True)))
    yield from np.moveaxis(result, -1, at).ravel()


def main() -> None:
    warnings.simplefilter("ignore")
    TABLES.mkdir(exist_ok=True)
    for task in sys.argv[1:] or [task for task in TASKS if not (TABLES / f"{task}.json.gz").exists()]:
        start = time.process_time()
        table = [float(f"{loss:.6g}") for loss in losses(task)]
        nodes = [list(axis.nodes) for axis in AXES[task.split("-")[1]]]
        stored = {"task": task, "scikit-learn": sklearn.__version__, "nodes": nodes, "loss": table}
        text = json.dumps(stored, separators=(",", ":")).encode()
        (TABLES / f"{task}.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
        print(f"{task}: {len(table)} nodes, least {min(table):.4g}, median {np.median(table):.4g}, {time.process_time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
