"""Runs methods over suites and keeps the traces. The order is seed by seed, so that a part of it is a fair comparison too."""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import platform
import sys
import time
import traceback

from . import problems
from .methods import METHODS, entry
from .protocol import run
from .suites import SUITES, cases
from .traces import TraceFile

HERE = pathlib.Path(__file__).resolve().parents[1]
FROZEN = HERE / "frozen"
CURRENT = HERE.parents[1] / "build" / "quality" / "traces"


def processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def warpbo_state() -> str:
    """What `setup` built last: the commit and a digest of what differs from it."""
    installed = HERE.parents[1] / "build" / "quality" / "warpbo.installed"
    return installed.read_text().strip() if installed.exists() else ""


def about(method: str) -> dict[str, object]:
    return {
        "versions": entry(method).versions(),
        "settings": entry(method).settings,
        "python": platform.python_version(),
        "processor": processor(),
        "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", ""),
        "frozen": datetime.date.today().isoformat(),
    }


def work(methods: list[str], suite: str, folder: pathlib.Path, options: argparse.Namespace) -> int:
    """Runs what is missing; returns how many runs failed."""
    failed = 0
    files = {method: TraceFile(folder, suite, method) for method in methods}
    for method, file in files.items():
        if method.startswith("warpbo") and file.data.get("state") != warpbo_state():
            file.restart(warpbo_state())  # what an earlier warpbo did says nothing about this one
    wanted = [case for case in cases(suite) if not options.problem or case.problem in options.problem]
    for seed in range(max(case.seeds for case in wanted)):
        for case in wanted:
            if seed >= min(case.seeds, options.seeds or case.seeds):
                continue
            for method, file in files.items():
                if file.has(case.problem, seed) and not options.again:
                    continue
                if options.until and time.strftime("%H:%M") >= options.until:
                    print("the time is up", flush=True)
                    return failed
                failed += not one(method, file, case, seed, options)
    return failed


def one(method: str, file: TraceFile, case, seed: int, options: argparse.Namespace) -> bool:
    try:
        known = entry(method)
        problem = problems.make(case.problem, seed)
        result = run(known.maker(), problem, case, seed, known.own_start)
    except Exception as error:
        print(f"{case.problem} {seed} {method}: FAILED {error!r}", flush=True)
        if options.verbose:
            traceback.print_exc()
        return False
    file.describe(**about(method))
    file.put(case.problem, seed, result)
    file.save()
    print(
        f"{case.problem} {seed} {method}: {result.regret[-1]:.4g}, {result.cpu_seconds:.1f} s of processor time, {result.asks} asks",
        flush=True,
    )
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="runner", description=__doc__)
    parser.add_argument("--method", action="append", help=f"one of {', '.join(METHODS)}; may be repeated")
    parser.add_argument("--default-method", help="where no --method is given; otherwise all peers")
    parser.add_argument("--suite", action="append", help=f"one of {', '.join(SUITES)}; may be repeated; default: all")
    parser.add_argument("--problem", action="append", help="only these problems of the suite")
    parser.add_argument("--seeds", type=int, help="only the first N seeds")
    parser.add_argument("--freeze", action="store_true", help="keep the traces in bench/quality/frozen")
    parser.add_argument("--again", action="store_true", help="also what is there already")
    parser.add_argument("--until", help="stop before the next run at this time of day, HH:MM")
    parser.add_argument("--verbose", action="store_true", help="print the stack of a failure")
    options = parser.parse_args(arguments)
    peers = [name for name in METHODS if not name.startswith("warpbo")]
    methods = options.method or ([options.default_method] if options.default_method else peers)
    for method in methods:
        entry(method)
    suites = {suite: cases(suite) for suite in options.suite or SUITES}
    failed = sum(work(methods, suite, FROZEN if options.freeze else CURRENT, options) for suite in suites)
    if failed:
        print(f"{failed} runs failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
