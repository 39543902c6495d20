"""Test functions of real vectors, from their formulas; all are minimized.

Definitions: Surjanovic & Bingham, "Virtual library of simulation experiments"; Hartmann, Shekel and Branin after Dixon & Szego
1978; Michalewicz 1992. Each is defined on all of R^d, so that it can be shifted and rotated.
"""

from __future__ import annotations

import functools

import numpy as np

Vector = np.ndarray


def branin(x: Vector) -> float:
    valley = x[1] - 5.1 / (4 * np.pi**2) * x[0] ** 2 + 5 / np.pi * x[0] - 6
    return float(valley**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x[0]) + 10)


HARTMANN_WEIGHT = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN3_SCALE = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
HARTMANN3_CENTRE = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])
HARTMANN6_SCALE = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
HARTMANN6_CENTRE = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann3(x: Vector) -> float:
    return float(-HARTMANN_WEIGHT @ np.exp(-np.sum(HARTMANN3_SCALE * (x - HARTMANN3_CENTRE) ** 2, axis=1)))


def hartmann6(x: Vector) -> float:
    return float(-HARTMANN_WEIGHT @ np.exp(-np.sum(HARTMANN6_SCALE * (x - HARTMANN6_CENTRE) ** 2, axis=1)))


SHEKEL_PEAK = np.array(
    [[4, 4, 4, 4], [1, 1, 1, 1], [8, 8, 8, 8], [6, 6, 6, 6], [3, 7, 3, 7], [2, 9, 2, 9], [5, 5, 3, 3], [8, 1, 8, 1], [6, 2, 6, 2],
     [7, 3.6, 7, 3.6]]
)  # fmt: skip
SHEKEL_WIDTH = np.array([0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5])


def shekel(x: Vector) -> float:
    """With all ten peaks."""
    return float(-np.sum(1 / (SHEKEL_WIDTH + np.sum((x - SHEKEL_PEAK) ** 2, axis=1))))


def ackley(x: Vector) -> float:
    ripples = np.mean(np.cos(2 * np.pi * x))
    return float(-20 * np.exp(-0.2 * np.sqrt(np.mean(x**2))) - np.exp(ripples) + 20 + np.e)


def levy(x: Vector) -> float:
    w = 1 + (x - 1) / 4
    inner = np.sum((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2))
    return float(np.sin(np.pi * w[0]) ** 2 + inner + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


def rosenbrock(x: Vector) -> float:
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def rastrigin(x: Vector) -> float:
    return float(np.sum(x**2 - 10 * np.cos(2 * np.pi * x) + 10))


def styblinski_tang(x: Vector) -> float:
    return float(0.5 * np.sum(x**4 - 16 * x**2 + 5 * x))


STYBLINSKI_BEST = -2.9035340277711770  # of one coordinate: the least root of 4 x^3 - 32 x + 5


def michalewicz(x: Vector) -> float:
    """With steepness m = 10; the box is [0, pi]^d."""
    i = np.arange(1, len(x) + 1)
    return float(-np.sum(np.sin(x) * np.sin(i * x**2 / np.pi) ** 20))


@functools.cache
def michalewicz_best(dimensions: int) -> tuple[float, ...]:
    """The minimizer: each coordinate by itself, by a grid and then by zooming in."""
    best = []
    for i in range(1, dimensions + 1):
        low, high = 0.0, np.pi
        for _ in range(12):
            grid = np.linspace(low, high, 2001)
            x = grid[np.argmin(-np.sin(grid) * np.sin(i * grid**2 / np.pi) ** 20)]
            step = grid[1] - grid[0]
            low, high = max(x - 2 * step, 0.0), min(x + 2 * step, np.pi)
        best.append(float(x))
    return tuple(best)
