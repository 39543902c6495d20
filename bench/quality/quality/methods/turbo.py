"""TuRBO-1, written from its paper (Eriksson et al. 2019, arXiv 1910.01739, sections 2 and 3 and supplement) in NumPy.

A trust region around the best point, sides scaled by the lengthscales of a Gaussian process that is fitted to the region's own
points; proposals are minimizers of function samples over candidates inside. Three successes in a row double the region, failures
halve it, and below 2^-7 it is given up for a new one. Constants are the paper's.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.stats import qmc

from ..protocol import Setup
from ..space import Point

LENGTHSCALE, OUTPUTSCALE, NOISE = (0.005, 2.0), (0.05, 20.0), (5e-4, 0.2)
START, SMALLEST, LARGEST = 0.8, 0.5**7, 1.6


def matern(distance: np.ndarray) -> np.ndarray:
    """Matern-5/2 correlation of scaled distances."""
    s = math.sqrt(5) * distance
    return (1 + s + s * s / 3) * np.exp(-s)


def scaled_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squared = np.sum(a * a, 1)[:, None] + np.sum(b * b, 1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


class Bounded:
    """Maps unbounded numbers into intervals by the logistic function, as the paper's code base does for its bounds."""

    def __init__(self, dimensions: int) -> None:
        bounds = [LENGTHSCALE] * dimensions + [OUTPUTSCALE, NOISE]
        self.low, self.high = np.array(bounds).T

    def value(self, raw: np.ndarray) -> np.ndarray:
        return self.low + (self.high - self.low) / (1 + np.exp(-raw))

    def slope(self, raw: np.ndarray) -> np.ndarray:
        share = 1 / (1 + np.exp(-raw))
        return (self.high - self.low) * share * (1 - share)

    def raw(self, value: np.ndarray) -> np.ndarray:
        share = (value - self.low) / (self.high - self.low)
        return np.log(share / (1 - share))


def negative_likelihood(x: np.ndarray, y: np.ndarray, mean: float, theta: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Per observation: minus the log marginal likelihood, its derivative by the mean, and by theta = (lengthscales, outputscale,
    noise variance). x: n x d, y: n."""
    n, d = x.shape
    scaled = x / theta[:d]
    s = math.sqrt(5) * scaled_distance(scaled, scaled)
    decay = np.exp(-s)
    correlation = (1 + s + s * s / 3) * decay
    factor = cholesky(theta[d] * correlation + theta[d + 1] * np.eye(n), lower=True, check_finite=False)
    inverse = cho_solve((factor, True), np.eye(n), check_finite=False)
    residual = y - mean
    weights = inverse @ residual
    value = 0.5 * residual @ weights + np.log(np.diag(factor)).sum() + 0.5 * n * math.log(2 * math.pi)
    inner = 0.5 * (inverse - np.outer(weights, weights))  # derivative by the matrix
    gradient = np.empty(d + 2)
    gradient[d] = np.sum(inner * correlation)
    gradient[d + 1] = np.trace(inner)
    # d matern / d (squared scaled distance) = -(5/6)(1 + s) exp(-s); d (squared scaled distance) / d lengthscale = -2 diff^2 / l^3
    common = inner * (theta[d] * (5 / 3) * (1 + s) * decay)
    total, product = common.sum(1), common @ x
    squared = 2 * (total @ (x * x) - np.sum(x * product, axis=0))  # sum_ij common_ij (x_ik - x_jk)^2
    gradient[:d] = squared / theta[:d] ** 3
    return value / n, -weights.sum() / n, gradient / n


def fit(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Fifty steps of Adam with rate 0.1 from lengthscales 0.5, outputscale 1, noise 0.005. Returns the mean and theta."""
    d = x.shape[1]
    bounded = Bounded(d)
    raw = np.concatenate([bounded.raw(np.concatenate([np.full(d, 0.5), [1.0, 0.005]])), [0.0]])
    first, second = np.zeros(d + 3), np.zeros(d + 3)
    for step in range(1, 51):
        theta = bounded.value(raw[:-1])
        _, by_mean, by_theta = negative_likelihood(x, y, raw[-1], theta)
        gradient = np.concatenate([by_theta * bounded.slope(raw[:-1]), [by_mean]])
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        raw = raw - 0.1 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return float(raw[-1]), bounded.value(raw[:-1])


def sample(x: np.ndarray, y: np.ndarray, mean: float, theta: np.ndarray, places: np.ndarray, count: int, rng) -> np.ndarray:
    """Joint draws (count x m) of the posterior at m places, with the noise of an observation."""
    d = x.shape[1]
    scaled, there = x / theta[:d], places / theta[:d]
    covariance = theta[d] * matern(scaled_distance(scaled, scaled)) + theta[d + 1] * np.eye(len(x))
    factor = cholesky(covariance, lower=True, check_finite=False)
    cross = theta[d] * matern(scaled_distance(scaled, there))
    solved = solve_triangular(factor, cross, lower=True, check_finite=False)
    centre = mean + solved.T @ solve_triangular(factor, y - mean, lower=True, check_finite=False)
    joint = theta[d] * matern(scaled_distance(there, there)) - solved.T @ solved
    joint[np.diag_indices_from(joint)] += theta[d + 1]
    root = cholesky(joint, lower=True, check_finite=False, overwrite_a=True)
    return centre + rng.standard_normal((count, len(places))) @ root.T


class Turbo:
    def __init__(self, setup: Setup) -> None:
        self.space, self.batch = setup.space, setup.batch
        self.rng = np.random.default_rng(setup.seed)
        self.d = len(setup.space)
        self.failures_allowed = math.ceil(max(4 / setup.batch, self.d / setup.batch))
        self.waiting: list[np.ndarray] = []  # of the design of a new region
        self.design_size = 0
        self._restart()

    def _restart(self) -> None:
        self.side, self.successes, self.failures = START, 0, 0
        self.x, self.y = np.empty((0, self.d)), np.empty(0)

    def ask(self, count: int) -> list[Point]:
        if len(self.y) < self.design_size:
            rows = self.waiting[:count]
            self.waiting = self.waiting[count:]
        else:
            rows = self._propose(count)
        self.rows = np.array(rows)
        return [self.space.decode(row) for row in rows]

    def tell(self, points: list[Point], values: list[float]) -> None:
        fresh = np.array(values)
        if self.design_size == 0:  # the common design is the first region's
            self.x, self.y = np.array([self.space.encode(point) for point in points]), fresh
            self.design_size = len(fresh)
            return
        building = len(self.y) < self.design_size
        if not building:
            self._resize(fresh)
        self.x, self.y = np.vstack([self.x, self.rows]), np.concatenate([self.y, fresh])
        if not building and self.side < SMALLEST:
            self._restart()
            self.design_size = max(2 * self.d, self.batch)
            self.waiting = list(qmc.LatinHypercube(self.d, rng=self.rng).random(self.design_size))

    def _resize(self, fresh: np.ndarray) -> None:
        best = self.y.min()
        if fresh.min() < best - 1e-3 * abs(best):
            self.successes, self.failures = self.successes + 1, 0
        else:
            self.successes, self.failures = 0, self.failures + 1
        if self.successes == 3:
            self.side, self.successes = min(2 * self.side, LARGEST), 0
        elif self.failures >= self.failures_allowed:
            self.side, self.failures = self.side / 2, 0

    def _propose(self, count: int) -> list[np.ndarray]:
        spread = self.y.std()
        y = (self.y - np.median(self.y)) / (spread if spread > 1e-6 else 1.0)
        mean, theta = fit(self.x, y)
        places = self._candidates(theta[: self.d])
        draws = sample(self.x, y, mean, theta, places, count, self.rng)
        chosen = []
        for draw in draws:
            draw[chosen] = np.inf  # no candidate twice
            chosen.append(int(np.argmin(draw)))
        return [places[i] for i in chosen]

    def _candidates(self, lengthscales: np.ndarray) -> np.ndarray:
        """Sobol' points in the region, each of which takes the centre's value in all but about twenty coordinates."""
        centre = self.x[np.argmin(self.y)]
        weights = lengthscales / np.exp(np.mean(np.log(lengthscales)))
        low = np.clip(centre - weights * self.side / 2, 0, 1)
        high = np.clip(centre + weights * self.side / 2, 0, 1)
        count = min(100 * self.d, 5000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            unit = qmc.Sobol(self.d, scramble=True, rng=self.rng).random(count)
        moved = self.rng.random((count, self.d)) <= min(20 / self.d, 1)
        still = np.flatnonzero(~moved.any(axis=1))
        moved[still, self.rng.integers(0, self.d, len(still))] = True
        return np.where(moved, low + (high - low) * unit, centre)
