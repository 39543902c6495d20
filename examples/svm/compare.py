"""Compares the study that `run` made with libsvm's grid search (svm-grid) at the same number of evaluations.

Both maximize the accuracy of the same five folds, and both winners are then judged on 20 other cuts into five folds, which neither saw.
"""

import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

DATA = "heart_scale"
ACCURACY = re.compile(r"Cross Validation Accuracy = ([0-9.]+)%")


def cross_validate(cost, gamma, data=DATA):
    command = ["svm-train", "-q", "-v", "5", "-c", repr(cost), "-g", repr(gamma), data]
    return float(ACCURACY.search(subprocess.run(command, check=True, capture_output=True, text=True).stdout).group(1))


def grid_search():
    """The grid of svm-grid as the package has it: its evaluations as (accuracy, C, gamma), and its seconds."""
    start = time.monotonic()
    command = [sys.executable, "/usr/bin/svm-grid", "-svmtrain", "/usr/bin/svm-train", "-gnuplot", "null", "-out", "null", "-q", DATA]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    evaluations = [(float(accuracy), 2.0 ** float(log_cost), 2.0 ** float(log_gamma))
                   for log_cost, log_gamma, accuracy in re.findall(r"^\[local\] (\S+) (\S+) (\S+) ", output, re.MULTILINE)]
    return evaluations, time.monotonic() - start


def study_trials(warpbo):
    """The study's complete trials as (accuracy, C, gamma), in the order of their numbers."""
    output = subprocess.run([warpbo, "export", "--format", "jsonl"], check=True, capture_output=True, text=True).stdout
    trials = [json.loads(line) for line in output.splitlines()]
    return [(trial["value"], trial["parameters"]["C"], trial["parameters"]["gamma"]) for trial in sorted(trials, key=lambda t: t["number"])
            if trial["state"].lower() == "complete"]


def on_other_cuts(candidates, cuts=20):
    """The mean accuracy of each (C, gamma) over `cuts` reshufflings of the rows: svm-train cuts by row, so each is a new cut."""
    rows = pathlib.Path(DATA).read_text().splitlines(keepends=True)
    totals = [0.0] * len(candidates)
    with tempfile.TemporaryDirectory() as directory:
        for seed in range(cuts):
            random.Random(seed).shuffle(rows)
            shuffled = pathlib.Path(directory) / "shuffled"
            shuffled.write_text("".join(rows))
            for i, (cost, gamma) in enumerate(candidates):
                totals[i] += cross_validate(cost, gamma, str(shuffled))
    return [total / cuts for total in totals]


def accuracy_of(evaluation):
    return evaluation[0]


def main():
    trials = study_trials(sys.argv[1])
    grid, grid_seconds = grid_search()
    best_trial, best_grid = max(trials, key=accuracy_of), max(grid, key=accuracy_of)  # the first of equals, as both report
    default = (cross_validate(1.0, 1 / 13), 1.0, 1 / 13)
    rows = [("libsvm's defaults", 1, default), ("svm-grid", len(grid), best_grid), ("warpbo", len(trials), best_trial)]
    others = on_other_cuts([(cost, gamma) for _, _, (_, cost, gamma) in rows])
    print(f"{'':18} {'evaluations':>11} {'accuracy':>9} {'on 20 other cuts':>17}   {'C':>10} {'gamma':>10}")
    for (name, count, (accuracy, cost, gamma)), other in zip(rows, others):
        print(f"{name:18} {count:11} {accuracy:8.2f}% {other:16.2f}%   {cost:10.4g} {gamma:10.4g}")
    reached = next((i for i, (accuracy, _, _) in enumerate(trials, 1) if accuracy >= best_grid[0]), None)
    print(f"\nwarpbo reached the grid's best after {reached} evaluations." if reached else "\nwarpbo did not reach the grid's best.")
    print(f"The grid search took {grid_seconds:.1f} s.")


if __name__ == "__main__":
    main()
