"""One run: what is counted, what is paired, and that every light method keeps the rules."""

import importlib.util

import numpy as np
import pytest
from quality import problems, protocol
from quality.methods import METHODS, entry
from quality.suites import Case
from quality.traces import TraceFile, curve, steps


class Scripted:
    """Proposes random points and remembers what it was told."""

    made = []

    def __init__(self, setup):
        self.space, self.rng = setup.space, np.random.default_rng(setup.seed)
        self.told, self.asked = [], []
        Scripted.made.append(self)

    def ask(self, count):
        self.asked.append(count)
        return [self.space.decode(row) for row in self.rng.random((count, len(self.space)))]

    def tell(self, points, values):
        self.told.append((points, values))


def scripted_run(case, seed=0, **options):
    Scripted.made.clear()
    run = protocol.run(Scripted, problems.make(case.problem, seed), case, seed, **options)
    return run, Scripted.made[0]


def test_evaluations_are_counted_and_the_last_batch_is_cut():
    run, method = scripted_run(Case("branin", 20, 8, 5, 1))
    assert len(run.regret) == 20
    assert method.asked == [8, 7]
    assert [len(points) for points, _ in method.told] == [5, 8, 7]
    assert run.asks == 2


def test_the_curve_is_the_best_regret_so_far():
    case = Case("branin", 20, 8, 5, 1)
    run, method = scripted_run(case)
    problem = problems.make("branin", 0)
    regrets = [problem.regret(point) for points, _ in method.told for point in points]
    assert run.regret == pytest.approx(np.minimum.accumulate(regrets))


def test_the_design_is_the_same_for_all_and_differs_by_seed():
    case = Case("ackley5", 12, 1, 10, 1)
    first = scripted_run(case, 3)[1].told[0]
    assert scripted_run(case, 3)[1].told[0] == first
    assert scripted_run(case, 4)[1].told[0] != first
    own = scripted_run(case, 3, own_start=True)[1]
    assert own.asked == [1] * 12
    unit = np.array([problems.make("ackley5", 3).space.encode(p) for p in protocol.design(problems.make("ackley5", 3).space, 16, "x", 0)])
    assert sorted(np.floor(16 * unit[:, 0])) == list(range(16))  # Sobol': one in each sixteenth


def test_too_many_points_are_refused():
    budget = protocol.Budget(problems.make("branin", 0), Case("branin", 3, 1, 2, 1), 0)
    points = protocol.design(budget.problem.space, 4, "branin", 0)
    with pytest.raises(RuntimeError, match="4 evaluations after 0 of 3"):
        budget(points)
    assert budget.points == []

    class Greedy(Scripted):
        def ask(self, count):
            return super().ask(count + 1)

    with pytest.raises(RuntimeError, match="asked for 1 points, the method gave 2"):
        protocol.run(Greedy, budget.problem, Case("branin", 10, 1, 5, 1), 0)


def test_a_point_outside_of_the_space_is_refused():
    class Outside(Scripted):
        def ask(self, count):
            return [{"x1": 11.0, "x2": 3.0}]

    with pytest.raises(ValueError, match="x1 = 11"):
        protocol.run(Outside, problems.make("branin", 0), Case("branin", 10, 1, 5, 1), 0)


def test_noise_is_seen_by_the_method_and_not_by_the_score():
    problem = problems.make("hartmann6noisy", 0)
    case = Case("hartmann6noisy", 30, 1, 12, 1)
    run, method = scripted_run(case)
    points = [point for points, _ in method.told for point in points]
    observed = np.array([value for _, values in method.told for value in values])
    exact = np.array([problem.function(point) for point in points])
    assert 0.03 < np.std(observed - exact) < 0.2
    for i in (0, 11, 20, 29):
        leader = int(np.argmin(observed[: i + 1]))
        assert run.regret[i] == pytest.approx(exact[leader] - problem.optimum)
    assert run.recommended in [pytest.approx(value - problem.optimum) for value in exact]
    assert scripted_run(case)[0].regret == pytest.approx(run.regret)  # the noise is the seed's


def installed(name):
    needed = {"cma-es": "cma", "tpe": "optuna", "tpe-independent": "optuna", "scipy-de": "scipy"}.get(name)
    return needed is None or importlib.util.find_spec(needed) is not None


@pytest.mark.parametrize("name", ["random", "sobol", "scipy-de", "cma-es", "tpe", "turbo-1"])
@pytest.mark.parametrize(
    "case", [Case("ackley5", 26, 1, 10, 1), Case("interacting", 30, 8, 8, 1), Case("levy4", 45, 10, 15, 1)], ids=lambda c: c.problem
)
def test_light_methods_spend_the_budget_and_repeat(name, case):
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    known = entry(name)
    runs = [protocol.run(known.maker(), problems.make(case.problem, 1), case, 1, known.own_start) for _ in range(2)]
    assert len(runs[0].regret) == case.budget
    assert np.array_equal(runs[0].regret, runs[1].regret)
    assert np.all(np.diff(runs[0].regret) <= 0)
    assert runs[0].regret[-1] < runs[0].regret[0]


@pytest.mark.parametrize(("name", "budget", "seeds"), [("scipy-de", 200, 3), ("cma-es", 100, 3), ("turbo-1", 40, 2)])
def test_methods_beat_random_search_in_a_valley(name, budget, seeds):
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    case = Case("rosenbrock6", budget, 1, 12, 1)

    def mean_log(method):
        known = entry(method)
        runs = [protocol.run(known.maker(), problems.make(case.problem, s), case, s, known.own_start) for s in range(seeds)]
        return np.mean([np.log(run.regret[-1]) for run in runs])

    assert mean_log(name) < mean_log("random") - np.log(1.5)


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="no method 'tbe'.*turbo-1"):
        entry("tbe")
    assert all(known.note for known in METHODS.values())


def test_a_curve_is_stored_by_its_steps():
    original = np.array([3.0, 3.0, 2.0, 2.0, 2.5, 1e-9])
    assert steps(original) == [[0, 3.0], [2, 2.0], [4, 2.5], [5, 1e-9]]
    assert np.array_equal(curve(steps(original), 6), original)


def test_traces_are_kept_and_found_again(tmp_path):
    file = TraceFile(tmp_path, "sequential", "random")
    file.put("branin", 2, protocol.Run(np.array([2.0, 1.23456789]), 0.5, 0.25, 2))
    file.describe(versions={"numpy": "2"})
    file.describe(versions={"numpy": "2"})
    file.save()
    again = TraceFile(tmp_path, "sequential", "random")
    assert again.has("branin", 2)
    assert not again.has("branin", 1)
    assert again.runs["branin"]["2"]["regret"] == [[0, 2.0], [1, 1.23457]]
    assert again.data["about"] == [{"versions": {"numpy": "2"}}]
    stored = again.path.read_bytes()
    again.save()
    assert again.path.read_bytes() == stored  # the same bytes: a repeated freeze makes no diff


def test_traces_of_another_state_are_forgotten(tmp_path):
    file = TraceFile(tmp_path, "sequential", "warpbo")
    file.put("branin", 0, protocol.Run(np.ones(2), 1, 1, 1))
    file.restart("abc")
    assert not file.has("branin", 0)
    file.save()
    assert TraceFile(tmp_path, "sequential", "warpbo").data["state"] == "abc"
