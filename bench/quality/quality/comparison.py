"""From traces to figures: what a report says about one suite."""

from __future__ import annotations

import dataclasses
import functools
import zlib

import numpy as np

from . import problems
from . import statistics as st
from .methods import METHODS
from .suites import Case, cases
from .traces import TraceFile, curve


@dataclasses.dataclass
class Results:
    """The curves of one suite: curves[method][problem] has one row per seed in `seeds[method][problem]`."""

    suite: str
    cases: list[Case]
    curves: dict[str, dict[str, np.ndarray]]
    seeds: dict[str, dict[str, list[int]]]
    seconds: dict[str, dict[str, np.ndarray]]  # processor time of proposals per run
    evaluations: dict[str, dict[str, int]]  # proposals per run: without a design that was given
    recommended: dict[str, dict[str, np.ndarray]]

    @property
    def methods(self) -> list[str]:
        return list(self.curves)

    def case(self, problem: str) -> Case:
        return next(case for case in self.cases if case.problem == problem)


def collect(suite: str, files: dict[str, TraceFile]) -> Results:
    """Runs that were stopped earlier than others of the same method and problem are cut to the shortest."""
    results = Results(suite, cases(suite), {}, {}, {}, {}, {})
    for method, file in files.items():
        for case in results.cases:
            runs = {int(seed): run for seed, run in file.runs.get(case.problem, {}).items()}
            if not runs:
                continue
            seeds = sorted(runs)
            length = min(runs[seed]["evaluations"] for seed in seeds)
            rows = [curve(runs[seed]["regret"], runs[seed]["evaluations"])[:length] for seed in seeds]
            results.curves.setdefault(method, {})[case.problem] = np.array(rows)
            results.seeds.setdefault(method, {})[case.problem] = seeds
            results.seconds.setdefault(method, {})[case.problem] = np.array([runs[seed]["cpu"] for seed in seeds])
            given = 0 if method in METHODS and METHODS[method].own_start else case.design
            results.evaluations.setdefault(method, {})[case.problem] = max(length - given, 1)
            if all("recommended" in runs[seed] for seed in seeds):
                values = np.array([runs[seed]["recommended"] for seed in seeds])
                results.recommended.setdefault(method, {})[case.problem] = values
    return results


def random_stream(*names: str) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(name.encode()) for name in names])


def rows_beside(results: Results, method: str, other: str, problem: str) -> list[int]:
    """Which runs of `method` have a seed that `other` has too. Seeds differ in difficulty: only the same ones can be compared."""
    theirs = results.seeds.get(other, {}).get(problem, [])
    return [row for row, seed in enumerate(results.seeds.get(method, {}).get(problem, [])) if seed in theirs]


def paired(results: Results, ours: str, theirs: str, problem: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The curves of the seeds that both have, of the same length; None with fewer than three seeds."""
    mine, other = rows_beside(results, ours, theirs, problem), rows_beside(results, theirs, ours, problem)
    if len(mine) < 3:
        return None
    a, b = results.curves[ours][problem][mine], results.curves[theirs][problem][other]
    length = min(a.shape[1], b.shape[1])
    return a[:, :length], b[:, :length]


@dataclasses.dataclass(frozen=True)
class Duel:
    """Our method against another over the problems of a suite."""

    rival: str
    problems: int
    seeds: str
    wins: int
    ties: int
    losses: int
    lost: tuple[str, ...]
    p: float  # Wilcoxon over problems; adjusted by Holm once all duels are known
    efficiency: st.Interval
    cliff: float


def duel(results: Results, ours: str, rival: str) -> Duel | None:
    pairs = {case.problem: paired(results, ours, rival, case.problem) for case in results.cases}
    known = {problem: pair for problem, pair in pairs.items() if pair is not None}
    if not known:
        return None
    verdicts = {problem: st.verdict(a[:, -1], b[:, -1]) for problem, (a, b) in known.items()}
    medians = np.array([[np.median(a[:, -1]), np.median(b[:, -1])] for a, b in known.values()])
    counts = sorted({len(a) for a, _ in known.values()})
    return Duel(
        rival,
        len(known),
        f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}",
        sum(v == "win" for v in verdicts.values()),
        sum(v == "tie" for v in verdicts.values()),
        sum(v == "loss" for v in verdicts.values()),
        tuple(problem for problem, v in verdicts.items() if v == "loss"),
        st.signed_rank(medians[:, 0], medians[:, 1]) if len(known) >= 5 else float("nan"),
        st.mean_log_efficiency(
            [(a, b, results.case(problem).design) for problem, (a, b) in known.items()], random_stream(results.suite, ours, rival)
        ),
        float(np.mean([st.cliffs_delta(a[:, -1], b[:, -1]) for a, b in known.values()])),
    )


def duels(results: Results, ours: str, rivals: list[str]) -> list[Duel]:
    """All of them, with the p-values adjusted together."""
    made = [d for d in (duel(results, ours, rival) for rival in rivals) if d is not None]
    valid = [i for i, d in enumerate(made) if not np.isnan(d.p)]
    for i, p in zip(valid, st.holm([made[i].p for i in valid]), strict=True):
        made[i] = dataclasses.replace(made[i], p=p)
    return made


def targets(results: Results, problem: str) -> np.ndarray | None:
    """The targets of an ECDF: COCO's own for bbob, otherwise from random search's runs, without which there are none."""
    if problem.startswith("bbob-"):
        return 10 ** np.linspace(2, -8, 51)
    curves = results.curves.get("random", {}).get(problem)
    if curves is None:
        return None
    return st.problem_targets(float(np.median(curves[:, 0])), float(np.median(curves[:, -1])))


def ecdf(results: Results, method: str) -> np.ndarray | None:
    """Share of targets reached by number of evaluations, mean over the problems; None unless all problems are there."""
    shares = []
    for case in results.cases:
        goals, curves = targets(results, case.problem), results.curves[method].get(case.problem)
        if goals is None or curves is None:
            return None
        shares.append(st.share_of_targets(curves, goals))
    length = min(len(share) for share in shares)
    return np.mean([share[:length] for share in shares], axis=0)


def tuning_scores(results: Results, method: str, beside: str | None = None) -> dict[str, float]:
    """Bayesmark's score per problem, on the seeds that `beside` has too; the clip is the median regret of 1001 random points."""
    scores = {}
    for case in results.cases:
        rows = rows_beside(results, method, beside or method, case.problem)
        if rows:
            curves = results.curves[method][case.problem][rows]
            scores[case.problem] = st.bayesmark_score(curves, random_median(case.problem), case.batch)
    return scores


@functools.cache
def random_median(name: str) -> float:
    problem = problems.make(name, 0)
    unit = random_stream(name).random((1001, len(problem.space)))
    return float(np.median([problem.regret(problem.space.decode(row)) for row in unit]))


def seconds_per_proposal(results: Results, method: str) -> float | None:
    """Processor time per proposed point, mean over all runs."""
    shares = [
        seconds.mean() / results.evaluations[method][problem] for problem, seconds in results.seconds.get(method, {}).items()
    ]
    return float(np.mean(shares)) if shares else None
