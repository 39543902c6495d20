"""Runs the benchmark programs and prints the table of figures: target, measured, and the rate of dgemm in the same run beside it.

    report.py BUILD_DIR [--save] [--only REGEX]

Machines are noisy and differ: a time means little without the dgemm rate that the same program measured around it. With --save the numbers
go to bench/results/<date>-<processor>.json and .md.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

import figures

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Row:
    figure: figures.Figure
    measured: float | None
    dgemm: float | None

    @property
    def verdict(self):
        if self.measured is None:
            return "not run"
        good = self.measured <= self.figure.target if self.figure.lower_is_better else self.measured >= self.figure.target
        return "pass" if good else "MISS"


def programs(build):
    """The programs that a figure is measured by. (`gpu_bench` has a script of its own.)"""
    wanted = {figure.program for figure in figures.FIGURES}
    return sorted(path for path in (build / "bench").rglob("*") if path.is_file() and os.access(path, os.X_OK) and path.name in wanted)


def run_once(program, pattern):
    command = [str(program), "--benchmark_format=json"]
    if pattern:
        command.append(f"--benchmark_filter={pattern}")
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output) if output.strip() else {"benchmarks": []}


def run(program, pattern):
    """All benchmarks of a program, as Google Benchmark's JSON."""
    print(f"running {program.name} ...", file=sys.stderr, flush=True)
    alone = figures.ALONE.get(program.name)
    if pattern or not alone:
        return run_once(program, pattern)
    result = run_once(program, f"-^({'|'.join(alone)})")
    for one in alone:
        result["benchmarks"] += run_once(program, f"^{one}")["benchmarks"]
    return result


def seconds(benchmark):
    return benchmark["real_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[benchmark["time_unit"]]


def value_of(benchmark, field):
    return seconds(benchmark) if field == "seconds" else benchmark.get(field)


def dgemm_rate(benchmarks):
    """The dgemm rate (flop/s) that a program measured in its own run: a counter of this name of any of its benchmarks; the median."""
    rates = sorted(benchmark["dgemm"] for benchmark in benchmarks if "dgemm" in benchmark)
    return rates[len(rates) // 2] if rates else None


def rows(results):
    for figure in figures.FIGURES:
        benchmarks = results.get(figure.program, {}).get("benchmarks", [])
        found = [b for b in benchmarks if re.fullmatch(rf"{figure.benchmark}(/.*)?", b["name"]) and b.get("run_type") != "aggregate"]
        values = sorted(value for value in (value_of(b, figure.field) for b in found) if value is not None)
        measured = values[len(values) // 2] / figure.scale if values else None
        dgemm = next((b["dgemm"] for b in found if "dgemm" in b), None) or dgemm_rate(benchmarks)
        yield Row(figure, measured, dgemm)


def number(value):
    return "-" if value is None else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def table(all_rows):
    cells = [["what", "reach", "measured", "", "dgemm GF/s"]]
    for row in all_rows:
        sign = "<=" if row.figure.lower_is_better else ">="
        unit = row.figure.unit
        cells.append([row.figure.what, f"{sign} {number(row.figure.target)} {unit}",
                      "-" if row.measured is None else f"{number(row.measured)} {unit}", row.verdict,
                      "-" if row.dgemm is None else f"{row.dgemm * 1e-9:.1f}"])
    return cells


def text_table(cells):
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells)


def markdown_table(cells):
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def save(results, cells):
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    cpu = processor()
    now = datetime.datetime.now(datetime.timezone.utc)
    stem = folder / f"{now:%Y-%m-%d}-{re.sub(r'[^a-z0-9]+', '-', cpu.lower()).strip('-')}"
    stem.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    load = os.getloadavg()[0]
    stem.with_suffix(".md").write_text(f"Measured on {now:%Y-%m-%d %H:%M} UTC, {cpu}, {os.cpu_count()} processors, load average {load:.1f}.\n\n"
                                       f"{markdown_table(cells)}\n")
    print(f"\nwritten: {stem}.json and .md")


def main():
    parser = argparse.ArgumentParser(description="Runs the benchmarks and prints the table of figures.")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--save", action="store_true", help="keep the numbers in bench/results")
    parser.add_argument("--only", default="", metavar="REGEX", help="run only the benchmarks whose name matches")
    options = parser.parse_args()
    found = programs(options.build)
    if not found:
        sys.exit(f"no benchmark programs under {options.build}/bench")
    results = {program.name: run(program, options.only) for program in found}
    for result in results.values():
        result.get("context", {}).pop("host_name", None)
        result.get("context", {}).pop("executable", None)
    all_rows = list(rows(results))
    cells = table([row for row in all_rows if row.measured is not None or not options.only])
    if len(cells) == 1:
        sys.exit("no benchmark of a figure was run")
    print(f"\n{processor()}, {os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}\n")
    print(text_table(cells))
    if options.save:
        save(results, cells)


if __name__ == "__main__":
    main()
