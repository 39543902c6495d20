"""The figures that warpbo is to reach on two cores of a quiet machine, and which benchmark measures each."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Figure:
    what: str
    target: float
    unit: str
    program: str            # the benchmark program
    benchmark: str          # a regular expression for the benchmark's whole name
    field: str = "seconds"  # time per iteration, or the name of a counter
    scale: float = 1e-3     # one unit, in seconds or in the counter's own unit
    lower_is_better: bool = True


def likelihood(n, milliseconds):
    return Figure(f"log marginal likelihood + gradients, d = 10, n = {n}", milliseconds, "ms", "backend_bench", rf"likelihood/{n}(/.*)?")


FIGURES = [
    likelihood(64, 0.05),
    likelihood(256, 0.8),
    likelihood(1000, 20),
    likelihood(2000, 110),
]
