"""The recorded tuning problems: interpolation by hand, and each stored table against its own optimum."""

import numpy as np
import pytest
from quality import tuning
from quality.problems import make

AXES = [tuning.log_axis("c", 1.0, 100.0, 3), tuning.int_axis("n", (1, 4), log=False), tuning.choice_axis("k", ("a", "b"))]
VALUES = np.arange(12.0).reshape(3, 2, 2)  # value = 4 i + 2 j + k


@pytest.mark.parametrize(
    ("point", "value"),
    [
        ({"c": 1.0, "n": 1, "k": "a"}, 0.0),
        ({"c": 100.0, "n": 4, "k": "b"}, 11.0),
        ({"c": 10.0, "n": 4, "k": "a"}, 6.0),
        ({"c": 10**0.5, "n": 1, "k": "b"}, 3.0),  # half way on the logarithmic axis
        ({"c": 1.0, "n": 2, "k": "a"}, 2 / 3),
        ({"c": 10**1.5, "n": 3, "k": "b"}, 4 * 1.5 + 2 * 2 / 3 + 1),
    ],
)
def test_interpolation_by_hand(point, value):
    assert tuning.interpolate(AXES, VALUES, point) == pytest.approx(value)


@pytest.mark.parametrize("task", tuning.TASKS)
def test_a_stored_table_is_whole(task):
    if not (tuning.TABLES / f"{task}.json.gz").exists():
        pytest.skip("this table has not been computed")
    problem = make(task, 0)
    assert np.all(np.isfinite(tuning.table(task)))
    assert problem.function(problem.argmin) == pytest.approx(problem.optimum, abs=1e-12)
    values = [problem.function(problem.space.decode(row)) for row in np.random.default_rng(0).random((200, len(problem.space)))]
    assert min(values) >= problem.optimum
    assert np.median(values) > 1.2 * problem.optimum  # there is something to tune


def test_a_table_holds_what_the_models_say():
    sklearn_tables = pytest.importorskip("quality.tuning_tables")
    if not (tuning.TABLES / "tuning-svm-wine.json.gz").exists():
        pytest.skip("this table has not been computed")
    problem = make("tuning-svm-wine", 0)
    axes = tuning.AXES["svm"]
    point = {"C": axes[0].nodes[6], "gamma": axes[1].nodes[7], "kernel": "rbf"}
    assert problem.function(point) == pytest.approx(sklearn_tables.svm("wine", **point), rel=0.02)
