"""TuRBO's parts against finite differences, a naive computation and the paper's rules."""

import numpy as np
import pytest
from quality.methods import turbo
from quality.protocol import Setup
from quality.space import cube


def data(n=25, d=3):
    rng = np.random.default_rng(0)
    x = rng.random((n, d))
    y = np.sin(4 * x).sum(axis=1)
    return rng, x, (y - np.median(y)) / y.std()


def test_the_likelihood_and_its_gradient():
    _, x, y = data()
    theta = np.array([0.4, 0.9, 0.6, 1.7, 0.02])
    value, by_mean, by_theta = turbo.negative_likelihood(x, y, 0.3, theta)
    distance = np.sqrt((((x[:, None] - x[None]) / theta[:3]) ** 2).sum(axis=2))
    covariance = 1.7 * (1 + 5**0.5 * distance + 5 * distance**2 / 3) * np.exp(-(5**0.5) * distance) + 0.02 * np.eye(25)
    residual = y - 0.3
    direct = residual @ np.linalg.solve(covariance, residual) + np.linalg.slogdet(covariance)[1] + 25 * np.log(2 * np.pi)
    assert value == pytest.approx(direct / 50)
    for i in range(5):
        step = np.zeros(5)
        step[i] = 1e-5
        high, low = (turbo.negative_likelihood(x, y, 0.3, theta + sign * step)[0] for sign in (1, -1))
        assert by_theta[i] == pytest.approx((high - low) / 2e-5, rel=1e-5, abs=1e-8)
    high, low = (turbo.negative_likelihood(x, y, 0.3 + e, theta)[0] for e in (1e-5, -1e-5))
    assert by_mean == pytest.approx((high - low) / 2e-5, rel=1e-6)


def test_the_fit_improves_the_likelihood_inside_of_its_bounds():
    _, x, y = data()
    mean, theta = turbo.fit(x, y)
    start = turbo.negative_likelihood(x, y, 0.0, np.array([0.5, 0.5, 0.5, 1.0, 0.005]))[0]
    assert turbo.negative_likelihood(x, y, mean, theta)[0] < start - 0.01
    bounded = turbo.Bounded(3)
    assert np.all((theta > bounded.low) & (theta < bounded.high))
    assert bounded.value(bounded.raw(theta)) == pytest.approx(theta)


def test_samples_have_the_posterior_mean_and_covariance():
    rng, x, y = data()
    theta = np.array([0.5, 0.5, 0.5, 1.0, 0.01])
    places = rng.random((4, 3))
    draws = turbo.sample(x, y, 0.1, theta, places, 40_000, rng)
    k = lambda a, b: turbo.matern(np.sqrt((((a[:, None] - b[None]) / 0.5) ** 2).sum(axis=2)))  # noqa: E731
    gain = np.linalg.solve(k(x, x) + 0.01 * np.eye(25), k(x, places)).T
    assert draws.mean(axis=0) == pytest.approx(0.1 + gain @ (y - 0.1), abs=0.01)
    assert np.cov(draws.T) == pytest.approx(k(places, places) - gain @ k(x, places) + 0.01 * np.eye(4), abs=0.01)


def turbo_after_design(d=4, batch=1):
    method = turbo.Turbo(Setup(cube(d, 0, 1), 0, 100, batch))
    rng = np.random.default_rng(1)
    points = [method.space.decode(row) for row in rng.random((2 * d, d))]
    method.tell(points, [1.0 + i for i in range(2 * d)])
    return method


def test_the_region_doubles_after_three_successes_and_halves_after_failures():
    method = turbo_after_design()
    best = 1.0
    for _ in range(3):
        best -= 0.1
        method.tell(method.ask(1), [best])
    assert method.side == pytest.approx(1.6)
    for _ in range(3):
        method.tell(method.ask(1), [5.0])
    assert method.side == pytest.approx(1.6)
    method.tell(method.ask(1), [best - 1e-5])  # too small an improvement is a failure
    assert method.side == pytest.approx(0.8)


def test_a_region_that_has_shrunk_is_given_up_for_a_new_design():
    method = turbo_after_design()
    method.side = 0.5**7 * 1.01
    for _ in range(4):
        method.tell(method.ask(1), [9.0])
    assert len(method.y) == 0
    assert method.side == 0.8
    for i in range(8):
        method.tell(method.ask(1), [float(i)])
    assert len(method.y) == 8
    assert method.side == 0.8
    assert method.waiting == []
    method.tell(method.ask(1), [3.0])
    assert len(method.y) == 9


def test_candidates_lie_in_the_region_and_move_few_coordinates():
    method = turbo_after_design(d=40)
    method.side = 0.1
    places = method._candidates(np.ones(40))
    centre = method.x[np.argmin(method.y)]
    assert len(places) == 4000
    assert np.all(np.abs(places - centre) <= 0.05 + 1e-12)
    moved = np.sum(places != centre, axis=1)
    assert moved.min() >= 1
    assert 18 < moved.mean() < 22


def test_a_batch_takes_no_candidate_twice():
    method = turbo_after_design(batch=30)
    chosen = method.ask(30)
    assert len({tuple(point.values()) for point in chosen}) == 30
