"""Every problem against its known optimum and against values worked out elsewhere."""

import math

import numpy as np
import pytest
from quality import functions as f
from quality import problems
from quality.space import Categorical, Float, Int, Space
from quality.suites import SUITES

SEEDED = ["ackley5", "ackley10", "ackleyb20", "levy4", "levy10", "rosenbrock6", "rastrigin5", "styblinski10", "hartmann6in100"]
ROTATED = ["ackley5rot", "rastrigin5rot", "levy10rot"]
MIXED = ["ackley10+3", "ackley3i3", "interacting"]
FIXED = ["branin", "hartmann3", "hartmann6", "hartmann6noisy", "shekel", "michalewicz5"]


@pytest.mark.parametrize("name", SEEDED + ROTATED + MIXED + FIXED)
@pytest.mark.parametrize("seed", [0, 7])
def test_the_optimum_is_attained_and_not_undercut(name, seed):
    problem = problems.make(name, seed)
    problem.space.check(problem.argmin)
    assert problem.function(problem.argmin) == pytest.approx(problem.optimum, abs=1e-8)
    rng = np.random.default_rng(seed)
    place = problem.space.encode(problem.argmin)
    for row in rng.random((200, len(problem.space))):
        near = np.clip(place + 0.02 * (row - 0.5), 0, 1)
        assert problem.function(problem.space.decode(row)) >= problem.optimum - 1e-9
        assert problem.function(problem.space.decode(near)) >= problem.optimum - 1e-9


@pytest.mark.parametrize(
    ("function", "x", "value"),
    [
        (f.branin, [0, 0], 55.602112642270262),
        (f.branin, [-math.pi, 12.275], 0.39788735772973816),
        (f.branin, [9.42477796076938, 2.475], 0.39788735772973816),
        (f.rosenbrock, [0, 0, 0], 2.0),
        (f.rosenbrock, [2, 1], 901.0),
        (f.rastrigin, [0.5, 0.5], 40.5),
        (f.ackley, [1, 1], 20 - 20 * math.exp(-0.2)),
        (f.levy, [1, 5], 1.0),  # w = (1, 2): only the last term, 1 + sin^2(4 pi), remains
        (f.levy, [3, 1], 1 + 0.25 * (1 + 10 * math.cos(1) ** 2)),  # w = (3/2, 1)
        (f.styblinski_tang, [0, 1], -5.0),
        (f.michalewicz, [2.20290552, 1.57079633], -1.8013034100985537),
        (f.shekel, [4, 4, 4, 4], -10.536283726219603),
        (f.hartmann3, [0, 0, 0], -0.06797411659013514),
        (f.hartmann6, [0.40465313, 0.88244493, 0.84610160, 0.57398969, 0.13892673, 0.03849589], -3.2031619),  # its second minimum
    ],
)
def test_values_from_elsewhere(function, x, value):
    assert function(np.array(x, dtype=float)) == pytest.approx(value, rel=1e-6)


def test_michalewicz_has_its_published_optima():
    assert problems.make("michalewicz2", 0).optimum == pytest.approx(-1.8013034, abs=1e-6)
    assert problems.make("michalewicz5", 0).optimum == pytest.approx(-4.687658, abs=1e-6)
    assert problems.make("michalewicz10", 0).optimum == pytest.approx(-9.66015, abs=1e-5)


def test_a_centred_optimum_is_moved_by_seed_and_stays_inside():
    places = []
    for seed in range(5):
        problem = problems.make("ackley5", seed)
        unit = problem.space.encode(problem.argmin)
        assert np.all((unit >= 0.2) & (unit <= 0.8))
        assert problem.function(problem.space.decode([0.5] * 5)) > 1  # the centre is no good first guess
        places.append(unit)
    assert len({tuple(np.round(place, 6)) for place in places}) == 5
    again = problems.make("ackley5", 3)
    assert np.array_equal(again.space.encode(again.argmin), places[3])


def test_a_rotation_is_orthogonal_and_changes_the_function():
    q = problems.random_rotation(6, np.random.default_rng(1))
    assert q @ q.T == pytest.approx(np.eye(6), abs=1e-12)
    turned = problems.make("rastrigin5rot", 0)
    best = np.array([turned.argmin[f"x{i + 1}"] for i in range(5)])
    step = dict(zip(turned.argmin, best + np.eye(5)[0], strict=True))
    # One unit along an axis is the next ripple's minimum, regret 1, unless the function is turned.
    assert turned.function(step) > 2
    straight = problems.make("rastrigin5", 0)
    step = {name: value + (name == "x1") for name, value in straight.argmin.items()}
    assert straight.function(step) == pytest.approx(1, abs=1e-9)


def test_only_six_coordinates_of_the_embedded_function_matter():
    problem = problems.make("hartmann6in100", 2)
    base = problem.function(problem.argmin)
    moved = [problem.function({**problem.argmin, name: 0.9}) != base for name in problem.argmin]
    assert sum(moved) == 6


def test_the_second_best_choices_of_interacting_are_worse():
    problem = problems.make("interacting", 0)
    assert problem.function({**problem.argmin, "activation": "tanh"}) > 0.25
    assert problem.function({**problem.argmin, "optimizer": "sgd"}) > 0.25


def test_bbob_agrees_with_its_archive():
    pytest.importorskip("cocoex")
    assert problems.make("bbob-f1", 0).optimum == pytest.approx(79.48, abs=1e-9)
    assert problems.make("bbob-f1", 1).optimum != problems.make("bbob-f1", 0).optimum
    problem = problems.make("bbob-f15", 2)
    for row in np.random.default_rng(0).random((100, 5)):
        assert problem.function(problem.space.decode(row)) > problem.optimum


def test_every_suite_names_problems_that_can_be_made():
    for cases in SUITES.values():
        for case in cases:
            if case.problem.startswith(("tuning-", "bbob-")):
                continue
            problem = problems.make(case.problem, 0)
            assert case.design < case.budget
            assert case.design >= 5  # SciPy's differential evolution starts from it
            assert len(problem.space) >= 2
    with pytest.raises(ValueError, match="no problem 'ackley'"):
        problems.make("ackley", 0)


def test_a_space_decodes_what_it_encodes():
    space = Space([Float("a", 1e-3, 10, log=True), Int("n", 1, 7), Int("m", 1, 1000, log=True), Categorical("c", ("x", "y", "z"))])
    rng = np.random.default_rng(0)
    for row in rng.random((300, 4)):
        point = space.decode(row)
        space.check(point)
        back = space.decode(space.encode(point))
        assert back["a"] == pytest.approx(point["a"])
        assert (back["n"], back["m"], back["c"]) == (point["n"], point["m"], point["c"])
    shares = [space.decode([0, u, 0, u]) for u in (np.arange(2100) + 0.5) / 2100]
    assert [sum(point["n"] == n for point in shares) for n in range(1, 8)] == [300] * 7
    assert [sum(point["c"] == c for point in shares) for c in "xyz"] == [700] * 3
    with pytest.raises(ValueError, match="n = 8"):
        space.check({"a": 1.0, "n": 8, "m": 1, "c": "x"})
