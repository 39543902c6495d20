"""Which problems are run with which budget, batch and number of seeds.

A case is one line of the protocol: `design` scrambled Sobol' points that all methods with a model start from (they count), then
rounds of `batch` proposals until `budget` evaluations are spent.
"""

from __future__ import annotations

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Case:
    problem: str
    budget: int
    batch: int
    design: int
    seeds: int


TABLES = pathlib.Path(__file__).resolve().parents[1] / "tables"
TUNING = [f"tuning-{model}-{data}" for model in ("svm", "forest", "knn", "boosting") for data in ("cancer", "wine", "digits")]
RECORDED = [task for task in TUNING if (TABLES / f"{task}.json.gz").exists()]  # the others wait for `tuning_tables`

SUITES: dict[str, list[Case]] = {
    # The ten shifted functions of 2 to 10 dimensions. A design of 2 d points (at least 5).
    "sequential": [
        Case("branin", 100, 1, 5, 10),
        Case("hartmann3", 100, 1, 6, 10),
        Case("hartmann6", 100, 1, 12, 20),
        Case("ackley5", 100, 1, 10, 10),
        Case("ackley10", 100, 1, 20, 10),
        Case("levy4", 100, 1, 8, 10),
        Case("levy10", 100, 1, 20, 10),
        Case("rosenbrock6", 100, 1, 12, 10),
        Case("rastrigin5", 100, 1, 10, 10),
        Case("michalewicz5", 100, 1, 10, 10),
    ],
    # The rules of the 2020 challenge: 16 rounds of 8, of which the first is the design.
    "tuning": [Case(name, 128, 8, 8, 5) for name in RECORDED],
    # 50 d evaluations; seed s is instance s + 1. Odd functions while developing.
    "bbob": [Case(f"bbob-f{function}", 250, 1, 10, 3) for function in range(1, 25, 2)],
    "bbob-even": [Case(f"bbob-f{function}", 250, 1, 10, 3) for function in range(2, 25, 2)],
    "noisy": [Case("hartmann6noisy", 100, 1, 12, 20)],
    "mixed": [Case("interacting", 100, 1, 10, 10), Case("ackley3i3", 100, 1, 12, 10), Case("ackley10+3", 100, 1, 26, 10)],
    "rotated": [Case("rastrigin5rot", 100, 1, 10, 10), Case("ackley5rot", 100, 1, 10, 10), Case("levy10rot", 100, 1, 20, 10)],
    # 100 points and 10 rounds of 100: the shifted 20-d functions, and the BEEBO problems whose optimum is not central.
    "large": [
        Case(name, 1100, 100, 100, 5)
        for name in (
            "ackleyb20",
            "levy20",
            "rosenbrock20",
            "rastrigin20",
            "hartmann6",
            "shekel",
            "levy10",
            "rosenbrock10",
            "styblinski10",
            "styblinski20",
        )
    ],
    "ackley20": [Case("ackleyb20", 464, 4, 40, 5)],
    "embedded": [Case("hartmann6in100", 300, 10, 30, 5)],
}


def cases(suite: str) -> list[Case]:
    if suite not in SUITES:
        raise ValueError(f"there is no suite '{suite}'; there are {', '.join(SUITES)}")
    return SUITES[suite]
