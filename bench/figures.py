"""The figures that warpbo is to reach on two cores of a quiet machine, and which benchmark measures each."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Figure:
    what: str
    target: float
    unit: str
    program: str            # the benchmark program
    benchmark: str          # a regular expression for the start of the benchmark's name, up to its end or a '/'
    field: str = "seconds"  # time per iteration, or the name of a counter
    scale: float = 1e-3     # one unit, in seconds or in the counter's own unit
    lower_is_better: bool = True


def likelihood(n, milliseconds):
    return Figure(f"log marginal likelihood + gradients, d = 10, n = {n}", milliseconds, "ms", "backend_bench", f"likelihood/{n}")


def fit(kind, n, milliseconds):
    return Figure(f"MAP fit, d = 10, {kind}, n = {n}", milliseconds, "ms", "gp_bench", f"fit_{kind}/{n}")


def store(batch, rate):
    return Figure(f"store: asks + tells acknowledged durably, batches of {batch}", rate, "trials/s", "storage_bench", f"ask_and_tell/{batch}",
                  field="trials/s", scale=1, lower_is_better=False)


FIGURES = [
    likelihood(64, 0.05),
    likelihood(256, 0.8),
    likelihood(1000, 20),
    likelihood(2000, 110),
    fit("warm", 200, 10),
    fit("cold", 200, 60),
    fit("warm", 1000, 300),
    fit("cold", 1000, 1500),
    Figure("posterior mean and variance, n = 1000", 60_000, "points/s", "backend_bench", "posterior/1000", field="points", scale=1,
           lower_is_better=False),
    Figure("ask(1), median over a 200-trial study, d = 10", 25, "ms", "study_bench", "ask_1/memory/200"),
    Figure("ask(16) at n = 200, d = 10", 250, "ms", "study_bench", "ask_q/16/200"),
    Figure("ask(1000) at n = 1000, d = 10, with the fit", 4, "s", "study_bench", "ask_many/1000/1000", scale=1),
    Figure("ask(1000) at n = 1000: memory of the process", 1000, "MB", "study_bench", "ask_many/1000/1000", field="peak_bytes", scale=1e6),
    Figure("ask(10000) at n = 1000, d = 10, all distinct, all climbed", 40, "s", "study_bench", "ask_many/10000/1000", scale=1),
    Figure("ask(10000) at n = 1000: memory of the process", 2000, "MB", "study_bench", "ask_many/10000/1000", field="peak_bytes", scale=1e6),
    store(1, 300),
    store(64, 5000),
    Figure("1,000 studies, n = 64, d = 6: fit all from nothing, propose one each", 12, "s", "fleet_bench", "fleet_cold/1000/64", scale=1),
    Figure("tell 1,000 results to a study with n = 4,000, and work them into the model", 1.5, "s", "fleet_bench", "tell_many/4000/1000",
           scale=1),
    Figure("memory of a 2,000-trial, 20-dimensional study", 400, "MB", "study_bench", "memory/2000", field="peak_bytes", scale=1e6),
]

# A process's memory peak is its own only when nothing else ran in it: each of these benchmarks gets a process to itself.
ALONE = {"study_bench": ["memory/", "ask_many/1000/", "ask_many/10000/"]}
