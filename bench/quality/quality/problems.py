"""Problems by name and seed: a space, a function to be minimized and its known optimum.

Functions whose optimum lies at a privileged place (the centre of the box, the same number in every coordinate) have it moved to a
place drawn uniformly from [0.2, 0.8]^d of the box, by name and seed; a name that ends in "rot" is also turned about its optimum.
Branin, Hartmann, Shekel and Michalewicz stay as published.
"""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Callable

import numpy as np

from . import functions as f
from .space import Categorical, Float, Int, Point, Space, cube


@dataclasses.dataclass(frozen=True)
class Problem:
    """Attributes:
    function: The noiseless value of a point.
    optimum: The smallest value of `function` in the space.
    argmin: A point that attains it, or None if only the value is known.
    noise: Standard deviation of the Gaussian noise on what an optimizer sees.
    """

    name: str
    space: Space
    function: Callable[[Point], float]
    optimum: float
    argmin: Point | None = None
    noise: float = 0.0

    def regret(self, point: Point) -> float:
        """Distance of the noiseless value from the optimum; never below 0 (rounding of the optimum)."""
        return max(self.function(point) - self.optimum, 0.0)


def generator(name: str, seed: int, purpose: str) -> np.random.Generator:
    """The random stream of one purpose: the same on every machine and in every process."""
    return np.random.default_rng([zlib.crc32(name.encode()), seed, zlib.crc32(purpose.encode())])


def vector_problem(name: str, space: Space, function: Callable[[np.ndarray], float], optimum: float, argmin: np.ndarray) -> Problem:
    names = [p.name for p in space.parameters]
    return Problem(
        name,
        space,
        lambda point: function(np.array([point[key] for key in names])),
        optimum,
        dict(zip(names, map(float, argmin), strict=True)),
    )


def random_rotation(dimensions: int, rng: np.random.Generator) -> np.ndarray:
    """Uniformly distributed orthogonal matrix (d x d): QR of a normal matrix with the signs of R's diagonal made positive."""
    q, r = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))
    return q * np.sign(np.diag(r))


def shifted(
    name: str, seed: int, d: int, low: float, high: float, function: Callable[[np.ndarray], float], best: float, optimum: float = 0.0
) -> Problem:
    """The function with its optimum (all coordinates `best`) moved, and turned about it if the name ends in "rot"."""
    place = low + (high - low) * generator(name, seed, "shift").uniform(0.2, 0.8, d)
    if name.endswith("rot"):
        rotation = random_rotation(d, generator(name, seed, "rotation"))
        return vector_problem(name, cube(d, low, high), lambda x: function(rotation @ (x - place) + best), optimum, place)
    return vector_problem(name, cube(d, low, high), lambda x: function(x - place + best), optimum, place)


HARTMANN3_BEST = np.array([0.1145888691, 0.5556488928, 0.8525469854])
HARTMANN3_OPTIMUM = -3.862779787332663
HARTMANN6_BEST = np.array([0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054])
HARTMANN6_OPTIMUM = -3.32236801141551


def hartmann6(name: str = "hartmann6", noise: float = 0.0) -> Problem:
    problem = vector_problem(name, cube(6, 0, 1), f.hartmann6, HARTMANN6_OPTIMUM, HARTMANN6_BEST)
    return dataclasses.replace(problem, noise=noise)


def embedded_hartmann6(seed: int) -> Problem:
    """Six of a hundred coordinates, drawn by seed, matter."""
    chosen = generator("hartmann6in100", seed, "coordinates").choice(100, 6, replace=False)
    argmin = np.full(100, 0.5)
    argmin[chosen] = HARTMANN6_BEST
    return vector_problem("hartmann6in100", cube(100, 0, 1), lambda x: f.hartmann6(x[chosen]), HARTMANN6_OPTIMUM, argmin)


def michalewicz(d: int) -> Problem:
    best = np.array(f.michalewicz_best(d))
    return vector_problem(f"michalewicz{d}", cube(d, 0, math.pi), f.michalewicz, f.michalewicz(best), best)


def ackley_binary(seed: int) -> Problem:
    """Ackley's function of ten two-valued and three real parameters; which of the two values is right is drawn by seed."""
    rng = generator("ackley10+3", seed, "shift")
    right = rng.integers(0, 2, 10)
    place = rng.uniform(0.2, 0.8, 3)
    choices = ("off", "on")
    space = Space([Categorical(f"b{i}", choices) for i in range(10)] + [Float(f"x{i}", 0, 1) for i in range(3)])

    def function(point: Point) -> float:
        wrong = [float(point[f"b{i}"] != choices[right[i]]) for i in range(10)]
        return f.ackley(np.array(wrong + [point[f"x{i}"] - place[i] for i in range(3)]))

    argmin: Point = {f"b{i}": choices[right[i]] for i in range(10)} | {f"x{i}": float(place[i]) for i in range(3)}
    return Problem("ackley10+3", space, function, 0.0, argmin)


def ackley_discrete(seed: int) -> Problem:
    """Ackley's function of three integers and three reals over [-32, 32]."""
    rng = generator("ackley3i3", seed, "shift")
    place = np.concatenate([rng.integers(-20, 21, 3), 64 * rng.uniform(0.2, 0.8, 3) - 32])
    names = ["n0", "n1", "n2", "x0", "x1", "x2"]
    space = Space([Int(name, -32, 32) for name in names[:3]] + [Float(name, -32, 32) for name in names[3:]])
    argmin: Point = {name: int(v) if name[0] == "n" else float(v) for name, v in zip(names, place, strict=True)}
    return Problem("ackley3i3", space, lambda point: f.ackley(np.array([point[n] for n in names]) - place), 0.0, argmin)


def interacting() -> Problem:
    """Two reals, a logarithmic integer and two choices of which every pair has its own minimum; the best is 0, the next 0.25."""
    activations, optimizers = ("relu", "tanh", "gelu", "sigmoid"), ("sgd", "adam", "rmsprop")
    floor = ((0.6, 0.5, 0.25), (0.3, 0.9, 1.2), (0.8, 0.0, 0.4), (1.0, 1.4, 0.7))
    best_x, best_y, best_n = (-1.2, 0.3, 1.1), (0.9, 0.2, -0.7, -1.5), (256, 32, 64, 8)
    space = Space(
        [
            Float("x", -2, 2),
            Float("y", -2, 2),
            Int("n", 1, 1024, log=True),
            Categorical("activation", activations),
            Categorical("optimizer", optimizers),
        ]
    )

    def function(point: Point) -> float:
        a, o = activations.index(point["activation"]), optimizers.index(point["optimizer"])
        x, y, n = point["x"] - best_x[o], point["y"] - best_y[a], math.log2(point["n"] / best_n[a])
        return floor[a][o] + x**2 + 0.5 * (y + 0.3 * x) ** 2 + 0.05 * n**2

    return Problem("interacting", space, function, 0.0, {"x": 0.3, "y": -0.7, "n": 64, "activation": "gelu", "optimizer": "adam"})


# name: (box, function, all coordinates of its optimum, least value per dimension)
CENTRED = {
    "ackley": ((-32.768, 32.768), f.ackley, 0.0, 0.0),
    "ackleyb": ((-5.0, 10.0), f.ackley, 0.0, 0.0),
    "levy": ((-10.0, 10.0), f.levy, 1.0, 0.0),
    "rosenbrock": ((-5.0, 10.0), f.rosenbrock, 1.0, 0.0),
    "rastrigin": ((-5.12, 5.12), f.rastrigin, 0.0, 0.0),
    "styblinski": ((-5.0, 5.0), f.styblinski_tang, f.STYBLINSKI_BEST, f.styblinski_tang(np.array([f.STYBLINSKI_BEST]))),
}

FIXED: dict[str, Callable[[], Problem]] = {
    "branin": lambda: vector_problem(
        "branin", Space([Float("x1", -5, 10), Float("x2", 0, 15)]), f.branin, 5 / (4 * math.pi), np.array([math.pi, 2.275])
    ),
    "hartmann3": lambda: vector_problem("hartmann3", cube(3, 0, 1), f.hartmann3, HARTMANN3_OPTIMUM, HARTMANN3_BEST),
    "hartmann6": hartmann6,
    "hartmann6noisy": lambda: hartmann6("hartmann6noisy", noise=0.1),
    "shekel": lambda: vector_problem(
        "shekel", cube(4, 0, 10), f.shekel, -10.53640981669205, np.array([4.0007465318, 4.0005929340, 3.9996634075, 3.9995098023])
    ),
    "interacting": interacting,
}

SEEDED: dict[str, Callable[[int], Problem]] = {
    "hartmann6in100": embedded_hartmann6,
    "ackley10+3": ackley_binary,
    "ackley3i3": ackley_discrete,
}

# Listed for the day warpbo supports them: what is missing, and the usual budget.
UNSUPPORTED = {
    "gramacy, gardner, pressure vessel, ackley10 with two constraints": "constraints known only after a trial; 50 to 100 trials",
    "branin-currin, zdt1, dtlz2 (two objectives)": "several objectives; 100 trials, log hypervolume difference",
}


def make(name: str, seed: int) -> Problem:
    """The problem `name` of `seed`.

    Names: those of FIXED and SEEDED; "michalewicz5"; a name of CENTRED with its dimension, "levy10", and perhaps "rot"; "bbob-f1"
    (the seed is the instance less 1); "tuning-svm-wine" (`tuning.TASKS`).
    """
    if name in FIXED:
        return FIXED[name]()
    if name in SEEDED:
        return SEEDED[name](seed)
    if name.startswith("bbob-f"):
        from . import bbob

        return bbob.problem(int(name.removeprefix("bbob-f")), seed + 1)
    if name.startswith("tuning-"):
        from . import tuning

        return tuning.problem(name)
    stem = name.removesuffix("rot").rstrip("0123456789")
    digits = name.removesuffix("rot")[len(stem) :]
    if stem == "michalewicz" and digits:
        return michalewicz(int(digits))
    if stem in CENTRED and digits:
        (low, high), function, best, least = CENTRED[stem]
        return shifted(name, seed, int(digits), low, high, function, best, least * int(digits))
    raise ValueError(f"there is no problem '{name}'")
