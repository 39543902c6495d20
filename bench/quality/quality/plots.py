"""Plots of a comparison, as SVG."""

from __future__ import annotations

import pathlib

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from . import comparison
from . import statistics as st

# warpbo's line is the thick dark one; peers keep their colour in every plot.
COLOURS = {
    "warpbo": "#111111",
    "gpsampler-det": "#1f77b4",
    "gpsampler": "#7fb2d9",
    "botorch": "#d62728",
    "turbo-1": "#2ca02c",
    "hebo": "#9467bd",
    "skopt": "#8c564b",
    "tpe": "#ff7f0e",
    "tpe-independent": "#ffbb78",
    "cma-es": "#17becf",
    "scipy-de": "#bcbd22",
    "sobol": "#aaaaaa",
    "random": "#cccccc",
}
plt.rcParams.update({"svg.hashsalt": "warpbo", "svg.fonttype": "none", "font.size": 8, "font.family": "sans-serif"})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


def shown(results: comparison.Results, ours: str) -> list[str]:
    """Ours last, so that it lies on top; of warpbo's variants only `ours`."""
    others = [m for m in COLOURS if m in results.methods and m != ours and not m.startswith("warpbo")]
    return others + ([ours] if ours in results.methods else [])


def style(method: str, ours: str) -> dict:
    if method == ours:
        return {"color": COLOURS["warpbo"], "linewidth": 2.2}
    return {"color": COLOURS[method], "linewidth": 1.1}


def corners(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Evaluations and values where a step curve changes, with its end: a smaller file than all points."""
    at = np.flatnonzero(np.diff(values, prepend=np.inf) != 0)
    at = np.append(at, len(values) - 1)
    return at + 1, values[at]


def curves(results: comparison.Results, ours: str, path: pathlib.Path) -> None:
    """Median regret by evaluations, one panel per problem, quartiles shaded for ours."""
    columns = min(5, len(results.cases))
    rows = -(-len(results.cases) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.5 * columns, 2.1 * rows + 0.5), squeeze=False, layout="constrained")
    for axis in axes.flat[len(results.cases) :]:
        axis.set_visible(False)
    handles = {}
    for axis, case in zip(axes.flat, results.cases, strict=False):
        for method in shown(results, ours):
            data = results.curves[method].get(case.problem)
            if data is None:
                continue
            x, median = corners(np.median(st.floored(data), axis=0))
            handles[method] = axis.step(x, median, where="post", **style(method, ours))[0]
            if method == ours:
                low, high = np.quantile(st.floored(data), [0.25, 0.75], axis=0)
                axis.fill_between(np.arange(1, len(low) + 1), low, high, color="#111111", alpha=0.12, linewidth=0, step="post")
        axis.set_yscale("log")
        axis.tick_params(axis="y", which="minor", labelsize=6)
        axis.set_title(case.problem, fontsize=8)
        axis.axvline(case.design, color="#dddddd", linewidth=0.8, zorder=0)
    figure.supxlabel("evaluations (the line marks the end of the common design)", fontsize=8)
    figure.supylabel("median regret", fontsize=8)
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=min(len(handles), 7), frameon=False)
    save(figure, path)


def ecdf(results: comparison.Results, ours: str, path: pathlib.Path) -> None:
    """Share of targets reached by evaluations, over all problems of the suite."""
    figure, axis = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    for method in shown(results, ours):
        share = comparison.ecdf(results, method)
        if share is not None:
            axis.step(*corners(share), where="post", label=method, **style(method, ours))
    axis.set_xlabel("evaluations")
    axis.set_ylabel("share of targets reached")
    axis.set_ylim(0)
    axis.legend(frameon=False, fontsize=7, loc="upper left")
    save(figure, path)


def efficiency(found: list[comparison.Duel], ours: str, path: pathlib.Path) -> None:
    """Log-efficiency of ours against every rival with its interval: right of zero ours needs fewer evaluations."""
    figure, axis = plt.subplots(figsize=(5.2, 0.6 + 0.3 * len(found)), layout="constrained")
    for row, one in enumerate(reversed(found)):
        colour = "#2a7f3f" if one.efficiency.low > 0 else "#b03030" if one.efficiency.high < 0 else "#777777"
        axis.plot([one.efficiency.low, one.efficiency.high], [row, row], color=colour, linewidth=2)
        axis.plot(one.efficiency.value, row, "o", color=colour, markersize=5)
    axis.axvline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axis.set_yticks(range(len(found)), [f"{one.rival} ({one.problems} x {one.seeds})" for one in reversed(found)])
    axis.set_xlim(-1.05, 1.05)
    axis.set_ylim(-0.6, len(found) - 0.4)
    axis.set_xlabel(f"log-efficiency of {ours}: left of 0 the rival needs fewer evaluations, right of 0 {ours}", fontsize=7)
    save(figure, path)


def save(figure, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
