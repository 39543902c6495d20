"""Writes the report: a Markdown table per suite and plots, from the frozen traces and those of the last `run`.

    python -m quality.report [--ours warpbo] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import math
import pathlib
from collections.abc import Iterable

import numpy as np

from . import comparison
from . import plots
from . import statistics as st
from .methods import METHODS
from .runner import CURRENT, FROZEN, HERE
from .suites import RECORDED, SUITES, TUNING
from .traces import TraceFile, load_suite

STRONG = ("gpsampler-det", "botorch", "turbo-1", "hebo")  # without them a report says little
FEWEST = 4  # seeds with which the Mann-Whitney test can reach 0.05
TITLES = {
    "sequential": "Sequential: ten functions of 2 to 10 dimensions, 100 trials",
    "tuning": "Tuning of scikit-learn models, 16 rounds of 8",
    "bbob": "BBOB in 5 dimensions, odd functions",
    "bbob-even": "BBOB in 5 dimensions, even functions",
    "noisy": "Hartmann6 with noise of standard deviation 0.1, 100 trials",
    "mixed": "Mixed spaces, 100 trials",
    "rotated": "Shifted and rotated, 100 trials",
    "large": "Batches of 100: a design of 100 and ten rounds",
    "ackley20": "Ackley in 20 dimensions over [-5, 10], batches of 4, 464 trials",
    "embedded": "Hartmann6 in 100 dimensions, batches of 10, 300 trials",
}


def number(value: float) -> str:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else f"{value:.2g}"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def order(methods: Iterable[str], ours: str) -> list[str]:
    known = list(METHODS)
    return sorted(methods, key=lambda m: (m != ours, not m.startswith("warpbo"), known.index(m) if m in known else 99))


def median_table(results: comparison.Results, methods: list[str]) -> str:
    """Medians of the final regret with their interval and the number of seeds; the least median of three seeds or more is bold."""
    rows = []
    for case in results.cases:
        known = {m: results.curves[m][case.problem] for m in methods if case.problem in results.curves[m]}
        complete = {m: c for m, c in known.items() if c.shape[1] == case.budget}
        enough = [c for c in complete.values() if len(c) >= 3]
        best = min((np.median(st.floored(c[:, -1])) for c in enough), default=math.inf)
        cells = []
        for m in methods:
            if m not in known:
                cells.append("")
                continue
            final = st.floored(known[m][:, -1])
            median, low, high = st.median_interval(final, comparison.random_stream(results.suite, m, case.problem))
            text = f"{number(median)} [{number(low)}, {number(high)}]"
            if m in complete and len(final) >= 3 and median == best:
                text = f"**{text}**"
            if len(final) < case.seeds:
                text += f" ({len(final)} seeds)"
            if m not in complete:
                text += f" (after {known[m].shape[1]})"
            cells.append(text)
        rows.append([f"{case.problem}, {case.seeds} seeds", *cells])
    return table(["problem", *methods], rows)


def duel_table(found: list[comparison.Duel]) -> str:
    rows = []
    for one in found:
        interval = f"{one.efficiency.value:+.2f} [{one.efficiency.low:+.2f}, {one.efficiency.high:+.2f}]"
        rows.append(
            [
                one.rival,
                f"{one.problems} x {one.seeds}",
                f"{one.wins} / {one.ties} / {one.losses}",
                number(one.p),
                interval,
                f"{one.cliff:+.2f}",
                ", ".join(one.lost) or "none",
            ]
        )
    header = ["against", "problems x seeds", "wins / ties / losses", "p (Wilcoxon, Holm)", "log-efficiency", "Cliff's delta", "lost on"]
    return table(header, rows)


def failure_line(results: comparison.Results, methods: list[str]) -> str:
    """Hartmann6's second-best minimum is 0.12 above the best: the median hides who ends there."""
    parts = []
    for m in methods:
        curves = results.curves[m].get("hartmann6")
        if curves is not None:
            parts.append(f"{m} {int(np.sum(curves[:, -1] > 0.05))} of {len(curves)}")
    return "Hartmann6, runs that end more than 0.05 above the optimum: " + ", ".join(parts) + ".\n" if parts else ""


def family_line(results: comparison.Results, ours: str, methods: list[str]) -> str:
    """Where our median is more than twice a peer's, each on the seeds that both have: another seed is another shift of the optimum."""
    weak = []
    for case in results.cases:
        ratios = {}
        for m in methods:
            pair = None if m.startswith("warpbo") else comparison.paired(results, ours, m, case.problem)
            if pair is not None and pair[0].shape[1] == case.budget:
                mine, theirs = (float(np.median(st.floored(curves[:, -1]))) for curves in pair)
                ratios[m] = mine / theirs
        worst = max(ratios, key=ratios.__getitem__, default=None)
        if worst and ratios[worst] > 2:
            weak.append(f"{case.problem} ({ratios[worst]:.2g} times {worst})")
    return f"Median regret of {ours} above twice the best peer's: " + (", ".join(weak) or "nowhere") + ".\n"


def best_peer_table(results: comparison.Results, ours: str, methods: list[str]) -> str:
    """Per problem the peer with the least median among those with three common seeds or more, and ours on the same seeds."""
    rows = []
    for case in results.cases:
        pairs = {}
        for m in methods:
            pair = None if m.startswith("warpbo") else comparison.paired(results, ours, m, case.problem)
            if pair is not None and len(pair[0]) >= 3 and pair[0].shape[1] == case.budget:
                pairs[m] = [st.floored(curves[:, -1]) for curves in pair]
        if not pairs:
            continue
        best = min(pairs, key=lambda m: float(np.median(pairs[m][1])))
        mine, theirs = pairs[best]
        ours_median, best_median = float(np.median(mine)), float(np.median(theirs))
        figures = [number(ours_median), best, number(best_median), number(ours_median / best_median)]
        rows.append([case.problem, *figures, str(len(mine)), st.verdict(mine, theirs)])
    header = ["problem", f"median of {ours}", "best peer", "its median", "ratio", "common seeds", "Mann-Whitney"]
    return table(header, rows) if rows else ""


def share_table(results: comparison.Results, methods: list[str], at: list[int]) -> str:
    rows = []
    for m in methods:
        share = comparison.ecdf(results, m)
        if share is not None:
            rows.append([m, *(f"{share[n - 1]:.3f}" if n <= len(share) else "" for n in at)])
    return table(["share of targets after", *map(str, at)], rows) if rows else ""


def score_table(results: comparison.Results, methods: list[str], ours: str) -> str:
    scores = {m: comparison.tuning_scores(results, m) for m in methods}
    rows = [
        [case.problem.removeprefix("tuning-"), *(f"{scores[m][case.problem]:.2f}" if case.problem in scores[m] else "" for m in methods)]
        for case in results.cases
    ]
    common = [case.problem for case in results.cases if all(case.problem in scores[m] for m in methods)]
    if common:
        rows.append([f"mean of {len(common)}", *(f"{np.mean([scores[m][p] for p in common]):.2f}" for m in methods)])
        beside = {m: comparison.tuning_scores(results, ours, m) for m in methods}
        known = [m for m in methods if all(p in beside[m] for p in common)]
        cells = {m: f"{np.mean([beside[m][p] for p in common]):.2f}" for m in known}
        rows.append([f"{ours} on the same seeds", *(cells.get(m, "") for m in methods)])
    return table(["Bayesmark score", *methods], rows)


def normalized_table(results: comparison.Results, methods: list[str]) -> str:
    rows = []
    for case in results.cases:
        cells = []
        for m in methods:
            curves = results.curves[m].get(case.problem)
            cells.append("" if curves is None else f"{np.mean(st.normalized(curves[:, -1], curves[:, case.design - 1])):.3f}")
        rows.append([case.problem, *cells])
    return table(["normalized (0: best of the design, 1: optimum), mean", *methods], rows)


def recommended_table(results: comparison.Results, methods: list[str], ours: str) -> str:
    rows = []
    for m in methods:
        for problem, values in results.recommended.get(m, {}).items():
            looks = results.curves[m][problem][:, -1]
            beside = results.recommended.get(ours, {}).get(problem, np.array([]))[comparison.rows_beside(results, ours, m, problem)]
            same = number(float(np.median(beside))) if len(beside) else ""
            rows.append([m, problem, number(float(np.median(values))), same, number(float(np.median(looks))), str(len(values))])
    header = ["method", "problem", "best posterior mean (neutral model)", f"{ours}'s on the same seeds", "best observation", "seeds"]
    return table(header, rows)


def time_table(results: comparison.Results, methods: list[str], ours: str) -> str:
    mine = comparison.seconds_per_proposal(results, ours)
    rows = []
    for m in methods:
        seconds = comparison.seconds_per_proposal(results, m)
        if seconds is not None:
            rows.append([m, f"{1000 * seconds:.3g}", f"{seconds / mine:.3g}" if mine else ""])
    return table(["method", "processor time per proposal, ms", f"times {ours}'s"], rows)


def missing(results: comparison.Results, methods: list[str]) -> str:
    parts = []
    for m in methods:
        runs = sum(min(len(results.seeds[m].get(case.problem, [])), case.seeds) for case in results.cases)
        wanted = sum(case.seeds for case in results.cases)
        if runs < wanted:
            parts.append(f"{m} {runs} of {wanted}")
    absent = [m for m in METHODS if m not in methods and not m.startswith("warpbo")]
    strong = [m for m in STRONG if m in absent]
    text = ""
    if strong:
        text = f"**The strongest peers are missing here: {', '.join(strong)}.** What is said above holds against the others only.\n\n"
    thin = [m for m in STRONG if m in methods and min(len(results.seeds[m].get(case.problem, [])) for case in results.cases) < FEWEST]
    if thin:
        text += f"**Fewer than {FEWEST} seeds on some problems, so that no win or loss can show there: {', '.join(thin)}.**\n\n"
    if parts:
        text += "Runs that are there: " + ", ".join(parts) + "; all of the other methods shown.\n"
    return text + ("Not run on this suite: " + ", ".join(absent) + ".\n" if absent else "")


def suite_text(suite: str, files: dict[str, TraceFile], ours: str, out: pathlib.Path) -> str:
    results = comparison.collect(suite, files)
    methods = order(results.methods, ours)
    rivals = [m for m in methods if m != ours]
    parts = [f"## {TITLES.get(suite, suite)}\n"]
    found = comparison.duels(results, ours, rivals) if ours in methods else []
    if found:
        parts += [duel_table(found)]
        plots.efficiency([d for d in found if not d.rival.startswith("warpbo")], ours, out / f"{suite}-efficiency.svg")
        parts += [f"![log-efficiency]({suite}-efficiency.svg)\n", family_line(results, ours, methods)]
        parts.append(best_peer_table(results, ours, methods))
    if suite == "sequential":
        parts.append(failure_line(results, methods))
    parts.append("Final regret, median and its 95 % bootstrap interval:\n")
    parts.append(median_table(results, methods))
    plots.curves(results, ours, out / f"{suite}-curves.svg")
    parts.append(f"![anytime curves]({suite}-curves.svg)\n")
    if suite == "tuning":
        parts.append(score_table(results, methods, ours))
        absent = [task.removeprefix("tuning-") for task in TUNING if task not in RECORDED]
        parts.append("Not recorded yet: " + ", ".join(absent) + ".\n" if absent else "")
    if suite == "large":
        parts.append(normalized_table(results, methods))
    if suite in ("sequential", "bbob", "bbob-even"):
        at = [25, 50, 125, 250] if suite.startswith("bbob") else [25, 50, 100]
        parts.append(share_table(results, methods, at))
        plots.ecdf(results, ours, out / f"{suite}-ecdf.svg")
        parts.append(f"![runtimes]({suite}-ecdf.svg)\n")
    if results.recommended:
        parts.append("Noiseless regret at the recommended point, medians:\n")
        parts.append(recommended_table(results, methods, ours))
    parts += [time_table(results, methods, ours), missing(results, methods)]
    return "\n".join(part for part in parts if part)


def methods_text(files: list[TraceFile]) -> str:
    facts: dict[str, set[str]] = {}
    machines = set()
    for file in files:
        for about in file.data.get("about", []):
            versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
            state = f"; {file.data['state']}" if file.data.get("state") else ""
            facts.setdefault(file.data["method"], set()).add(f"{versions}; {about['frozen']}{state}")
            machines.add(f"{about['processor']}, Python {about['python']}")
    rows = [[m, METHODS[m].note, "<br>".join(sorted(text))] for m, text in sorted(facts.items()) if m in METHODS]
    return "## Methods\n\n" + table(["method", "what it is", "versions; day"], rows) + "\nMachines: " + "; ".join(sorted(machines)) + ".\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--ours", default="warpbo", help="the method that is compared with all others")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parents[1] / "bench" / "results" / "quality")
    parser.add_argument("--suite", action="append", help="only these")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    parts = ["# warpbo and its peers, side by side\n", (HERE / "report-head.md").read_text()]
    used = []
    for suite in options.suite or SUITES:
        files = load_suite(FROZEN, suite) | load_suite(CURRENT, suite)
        if files:
            print(f"{suite}: {', '.join(files)}", flush=True)
            parts.append(suite_text(suite, files, options.ours, options.out))
            used += files.values()
    parts.append(methods_text(used))
    (options.out / "report.md").write_text("\n".join(parts))
    print(f"wrote {options.out / 'report.md'}")


if __name__ == "__main__":
    main()
