"""Statistics against SciPy and numbers worked out by hand."""

import numpy as np
import pytest
from quality import statistics as st
from scipy import stats


def test_a_verdict_is_mann_whitneys():
    rng = np.random.default_rng(0)
    low, high = rng.random(10), rng.random(10) + 0.6
    assert stats.mannwhitneyu(low, high).pvalue < 0.05
    assert st.verdict(low, high) == "win"
    assert st.verdict(high, low) == "loss"
    assert st.verdict(low, rng.random(10)) == "tie"
    assert st.verdict(np.zeros(10), np.full(10, 1e-12)) == "tie"  # both below the floor


def test_three_against_three_can_never_differ():
    # The smallest two-sided p of 3 against 3 is 2/20.
    assert st.verdict(np.array([1.0, 2, 3]), np.array([10.0, 20, 30])) == "tie"
    assert st.verdict(np.arange(1.0, 5), np.arange(10.0, 14)) == "win"  # 2/70


def test_cliffs_delta_by_hand():
    assert st.cliffs_delta(np.array([1, 2]), np.array([3, 4])) == -1
    assert st.cliffs_delta(np.array([1, 3]), np.array([2, 3])) == pytest.approx((-1 - 1 + 1 + 0) / 4)


def test_holm_by_hand():
    assert st.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert st.holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])
    assert st.holm([]) == []


def test_wilcoxon_on_logarithms():
    ours, theirs = np.array([1e-3, 2e-3, 0.1, 5.0, 7.0, 1e-5]), np.array([2e-3, 9e-3, 0.2, 5.5, 6.0, 1e-3])
    expected = stats.wilcoxon(np.log(ours), np.log(theirs)).pvalue
    assert st.signed_rank(ours, theirs) == pytest.approx(expected)
    assert st.signed_rank(ours, ours) == 1
    assert st.signed_rank(np.geomspace(1e-3, 1, 10), 2 * np.geomspace(1e-3, 1, 10)) == pytest.approx(2 / 2**10)


def test_log_efficiency_of_a_method_twice_as_fast():
    n = np.arange(1, 201)
    theirs, ours = 1.0 / n, 1.0 / (2 * n)
    # Level 1/m: they need m evaluations, we m/2.
    found = st.log_efficiency(np.tile(ours, (3, 1)), np.tile(theirs, (3, 1)))
    assert found == pytest.approx(np.log(2), abs=0.02)
    assert st.log_efficiency(np.tile(theirs, (3, 1)), np.tile(ours, (3, 1))) == pytest.approx(-found, abs=0.02)


def test_log_efficiency_by_hand():
    ours = np.array([[8.0, 4, 2, 1]])
    theirs = np.array([[8.0, 8, 4, 4]])
    # Levels below 8: 4 (2 against 3 evaluations), 2 and 1 (never reached: 4 e, against 3 and 4).
    scores = [np.log(3 / 2), np.log(4 * np.e / 3), np.log(4 * np.e / 4)]
    assert st.log_efficiency(ours, theirs) == pytest.approx(min(np.median(scores), 1))
    assert st.log_efficiency(ours, ours) == 0
    assert st.log_efficiency(ours, theirs, design=3) == pytest.approx(1)  # only the levels below 4: 2 and 1
    flat = np.array([[5.0, 5, 5]])
    assert st.log_efficiency(flat, flat) == 0


def test_the_interval_of_an_efficiency_contains_it():
    rng = np.random.default_rng(0)
    slow = np.minimum.accumulate(rng.exponential(1, (10, 60)), axis=1)
    fast = np.minimum.accumulate(rng.exponential(0.1, (10, 60)), axis=1)
    found = st.mean_log_efficiency([(fast, slow, 1), (fast, slow, 1)], rng, draws=100)
    assert 0 < found.low <= found.value <= found.high <= 1
    same = st.mean_log_efficiency([(slow[:5], slow[5:], 1)], rng, draws=100)
    assert same.low < 0 < same.high


def test_bayesmark_score_by_hand():
    # Rounds of two end at 8 and 2; clip 4: losses 1 and 0.5.
    assert st.bayesmark_score(np.array([[9.0, 8, 3, 2]]), 4.0, 2) == pytest.approx(25)
    assert st.bayesmark_score(np.zeros((3, 4)), 4.0, 2) == 100


def test_a_median_and_its_interval():
    rng = np.random.default_rng(0)
    median, low, high = st.median_interval(np.arange(21.0), rng)
    assert median == 10
    assert 4 <= low < 10 < high <= 16
    assert st.median_interval(np.full(5, 3.0), rng) == (3, 3, 3)


def test_targets_and_the_share_reached():
    targets = st.problem_targets(10.0, 1.0, count=6)
    assert targets == pytest.approx([1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
    curves = np.array([[5.0, 0.5, 5e-4], [5.0, 5.0, 0.05]])
    # After three evaluations four and two of six targets are reached.
    assert st.share_of_targets(curves, targets) == pytest.approx([0, 1 / 12, 6 / 12])
    assert st.problem_targets(1e-9, 0.0) == pytest.approx(st.FLOOR)


def test_normalized():
    assert st.normalized(np.array([0.0, 2.0]), np.array([4.0, 2.0])) == pytest.approx([1, 0])
