"""A report from made-up traces: what it says is what was put in, and what is missing is named."""

import functools

import numpy as np
import pytest
from quality import comparison
from quality import statistics as st
from quality.protocol import Run
from quality.suites import SUITES
from quality.traces import TraceFile


def traces(folder, method, levels, seeds=5):
    """Every run falls from 10 to the method's level after half of the budget."""
    file = TraceFile(folder, "sequential", method)
    for case in SUITES["sequential"]:
        for seed in range(seeds):
            final = levels.get(case.problem, levels["other"]) * (1 + 0.01 * seed)
            regret = np.where(np.arange(case.budget) < case.budget // 2, 10.0, final)
            file.put(case.problem, seed, Run(regret, 1.0, 0.5, 10))
    file.describe(versions={"numpy": "2"}, settings={}, python="3", processor="x", frozen="2026-01-01", openblas_coretype="")
    return file


@pytest.fixture
def files(tmp_path):
    return {
        "warpbo": traces(tmp_path, "warpbo", {"other": 1e-3, "levy4": 5.0}),
        "tpe": traces(tmp_path, "tpe", {"other": 1e-2}),
        "random": traces(tmp_path, "random", {"other": 1.0}, seeds=2),
    }


def test_a_duel_counts_wins_and_names_losses(files):
    results = comparison.collect("sequential", files)
    found = comparison.duels(results, "warpbo", ["tpe", "random"])
    assert [one.rival for one in found] == ["tpe"]  # two seeds of random are too few
    assert (found[0].wins, found[0].ties, found[0].losses, found[0].lost) == (9, 0, 1, ("levy4",))
    assert found[0].seeds == "5"
    assert found[0].efficiency.low > 0
    assert comparison.seconds_per_proposal(results, "tpe") == pytest.approx(np.mean([0.5 / (100 - c.design) for c in SUITES["sequential"]]))


def test_curves_are_compared_on_common_seeds_and_lengths(files):
    file = files["tpe"]
    file.put("branin", 9, Run(np.ones(40), 1, 1, 1))
    results = comparison.collect("sequential", files)
    ours, theirs = comparison.paired(results, "warpbo", "tpe", "branin")
    assert ours.shape == theirs.shape == (5, 40)  # the shortest run of a method sets its length


def test_the_report_is_written(files, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from quality import report

    few = functools.partial(st.mean_log_efficiency, draws=40)
    monkeypatch.setattr(st, "mean_log_efficiency", few)
    text = report.suite_text("sequential", files, "warpbo", tmp_path)
    assert "| tpe | 10 x 5 | 9 / 0 / 1 |" in text
    assert "levy4 (5e+02 times tpe)" in text
    assert "random 20 of 110" in text
    assert "Not run on this suite:" in text
    assert "strongest peers are missing here: gpsampler-det, botorch, turbo-1, hebo" in text
    assert "**0.001 [" in text
    assert "| levy4 | 5.1 | tpe | 0.01 | 5e+02 | 5 | loss |" in text
    for plot in ("curves", "ecdf", "efficiency"):
        assert (tmp_path / f"sequential-{plot}.svg").stat().st_size > 1000


def test_strong_peers_with_few_seeds_are_named(files, tmp_path):
    from quality import report

    files["botorch"] = traces(tmp_path, "botorch", {"other": 1e-2}, seeds=3)
    text = report.missing(comparison.collect("sequential", files), list(files))
    assert "no win or loss can show there: botorch." in text
    assert "missing here: gpsampler-det, turbo-1, hebo" in text


def test_scores_are_also_given_on_the_seeds_of_a_peer_that_has_few(tmp_path, monkeypatch):
    """The first seed is a hard one: whoever was run on it alone must not be compared with a mean over easier ones."""
    from quality import report

    monkeypatch.setattr(comparison, "random_median", lambda name: 1.0)
    files = {"warpbo": TraceFile(tmp_path, "tuning", "warpbo"), "hebo": TraceFile(tmp_path, "tuning", "hebo")}
    for case in SUITES["tuning"]:
        for seed in range(3):
            files["warpbo"].put(case.problem, seed, Run(np.full(case.budget, 0.5 if seed == 0 else 0.0), 1, 1, 1, 0.4 if seed == 0 else 0))
        files["hebo"].put(case.problem, 0, Run(np.full(case.budget, 0.25), 1, 1, 1, 0.2))
    results = comparison.collect("tuning", files)
    assert set(comparison.tuning_scores(results, "warpbo", "hebo").values()) == {50.0}
    text = report.score_table(results, ["warpbo", "hebo"], "warpbo")
    assert f"| mean of {len(SUITES['tuning'])} | 83.33 | 75.00 |" in text
    assert "| warpbo on the same seeds | 83.33 | 50.00 |" in text
    recommended = report.recommended_table(results, ["warpbo", "hebo"], "warpbo")
    assert f"| hebo | {SUITES['tuning'][0].problem} | 0.2 | 0.4 | 0.25 | 1 |" in recommended
