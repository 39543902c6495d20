"""The statistics of a comparison. Curves are arrays of best regrets so far, one row per seed; smaller is better.

Sources: Mann & Whitney 1947, Wilcoxon 1945 (SciPy), Holm 1979; log-efficiency: Vizier's convergence curve comparator; the score of
tuning problems: Bayesmark's; targets and runtimes: COCO.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from scipy import stats

FLOOR = 1e-8  # regrets below count as this: the optima themselves are not known better


def floored(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, FLOOR)


def median_interval(values: np.ndarray, rng: np.random.Generator, level: float = 0.95, draws: int = 2000) -> tuple[float, float, float]:
    """Median and its bootstrap percentile interval."""
    values = np.asarray(values, dtype=float)
    medians = np.median(values[rng.integers(0, len(values), (draws, len(values)))], axis=1)
    low, high = np.quantile(medians, [(1 - level) / 2, (1 + level) / 2])
    return float(np.median(values)), float(low), float(high)


def verdict(ours: np.ndarray, theirs: np.ndarray, alpha: float = 0.05) -> str:
    """"win", "loss" or "tie" of our final regrets, by a two-sided Mann-Whitney test."""
    a, b = floored(ours), floored(theirs)
    if np.ptp(np.concatenate([a, b])) == 0 or stats.mannwhitneyu(a, b, alternative="two-sided").pvalue >= alpha:
        return "tie"
    return "win" if cliffs_delta(a, b) < 0 else "loss"


def cliffs_delta(a: np.ndarray, b: np.ndarray) -> float:
    """P(a > b) - P(a < b); -1 when every one of ours is smaller."""
    return float(np.mean(np.sign(np.subtract.outer(a, b))))


def signed_rank(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's test over problems, on the logarithms of the median regrets; 1 if all are equal."""
    difference = np.log(floored(ours)) - np.log(floored(theirs))
    if not np.any(difference):
        return 1.0
    return float(stats.wilcoxon(difference, zero_method="zsplit").pvalue)


def holm(p: list[float]) -> list[float]:
    """Adjusted p-values, in the order given."""
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, (len(p) - rank) * p[index])
        adjusted[index] = min(running, 1.0)
    return [float(value) for value in adjusted]


def log_efficiency(ours: np.ndarray, theirs: np.ndarray, design: int = 1, clip: float = 1.0) -> float:
    """How many fewer evaluations we need, in logarithms: the median over levels of log(their evaluations / ours), clipped.

    The levels are the values that the two median curves take once they are below what either has after `design` evaluations. A
    curve that does not reach a level counts as needing e^clip times its length. log 2 = 0.69: half the evaluations.
    """
    a, b = (np.minimum.accumulate(np.median(floored(c), axis=0)) for c in (ours, theirs))
    start = max(a[design - 1], b[design - 1])
    levels = np.unique(np.concatenate([a, b]))
    levels = levels[levels < start]
    if len(levels) == 0:
        return 0.0
    scores = np.log(_evaluations(b, levels, clip)) - np.log(_evaluations(a, levels, clip))
    return float(np.clip(np.median(scores), -clip, clip))


def _evaluations(curve: np.ndarray, levels: np.ndarray, clip: float) -> np.ndarray:
    """How many evaluations a falling curve needs to come to each level or below."""
    first = np.searchsorted(-curve, -levels, side="left")  # curve falls, so -curve rises
    return np.where(first < len(curve), first + 1, len(curve) * math.exp(clip))


@dataclasses.dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float


def mean_log_efficiency(
    pairs: list[tuple[np.ndarray, np.ndarray, int]], rng: np.random.Generator, draws: int = 400
) -> Interval:
    """Mean over problems (ours, theirs, size of the design) with a 95 % bootstrap interval: seeds are drawn again."""

    def redrawn(curves: np.ndarray) -> np.ndarray:
        return curves[rng.integers(0, len(curves), len(curves))]

    value = float(np.mean([log_efficiency(a, b, design) for a, b, design in pairs]))
    means = [np.mean([log_efficiency(redrawn(a), redrawn(b), design) for a, b, design in pairs]) for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def bayesmark_score(curves: np.ndarray, clip: float, batch: int) -> float:
    """100 (1 - loss): the best regret at the end of every round, cut at `clip` (the median of one random trial), over `clip`, mean
    over rounds and seeds. 100 means that the first round found the optimum."""
    rounds = curves[:, batch - 1 :: batch]
    return float(100 * (1 - np.mean(np.minimum(rounds, clip)) / clip))


def share_of_targets(curves: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For every number of evaluations the share of (seed, target) pairs reached: an empirical distribution of runtimes."""
    return np.mean(curves[:, :, None] <= targets[None, None, :], axis=(0, 2))


def problem_targets(start: float, random_end: float, count: int = 51) -> np.ndarray:
    """Log-spaced between what random search reaches and 1e-6 of the initial regret (but not below FLOOR)."""
    low = max(1e-6 * start, FLOOR)
    return np.geomspace(max(random_end, low), low, count)


def normalized(final: np.ndarray, start: np.ndarray) -> np.ndarray:
    """0: no better than the best of the design; 1: the optimum."""
    return 1 - final / np.maximum(start, FLOOR)
