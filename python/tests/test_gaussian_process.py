from __future__ import annotations

import math
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import warpbo

rng = np.random.default_rng(7)
POINTS = rng.random((40, 3))
TARGETS = np.sin(6 * POINTS[:, 0]) + POINTS[:, 1]
QUERIES = rng.random((25, 3))


@pytest.fixture(scope="module")
def gp() -> warpbo.GaussianProcess:
    return warpbo.GaussianProcess.fit(POINTS, TARGETS, seed=1, device="cpu")


def covariance(gp: warpbo.GaussianProcess, a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Matern-5/2, from the formula (Rasmussen & Williams 2006, eq. 4.17)."""
    r = np.sqrt((((a[:, None, :] - b[None, :, :]) / gp.lengthscales) ** 2).sum(axis=2))
    return np.asarray(gp.outputscale * (1 + math.sqrt(5) * r + 5 / 3 * r**2) * np.exp(-math.sqrt(5) * r))


def test_agrees_with_the_formulas(gp: warpbo.GaussianProcess) -> None:
    noise = gp.noise_variance + gp.jitter * gp.outputscale
    k = covariance(gp, POINTS, POINTS) + noise * np.eye(len(POINTS))
    cross = covariance(gp, QUERIES, POINTS)
    residual = TARGETS - gp.mean
    mean = gp.mean + cross @ np.linalg.solve(k, residual)
    variance = gp.outputscale - np.einsum("ij,ji->i", cross, np.linalg.solve(k, cross.T))
    prediction = gp.predict(QUERIES)
    np.testing.assert_allclose(prediction.mean, mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(prediction.variance, variance, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(prediction.standard_deviation**2, prediction.variance)
    likelihood = -0.5 * (residual @ np.linalg.solve(k, residual) + np.linalg.slogdet(k)[1] + 40 * math.log(2 * math.pi))
    assert gp.log_marginal_likelihood == pytest.approx(likelihood, rel=1e-6)
    inverse = np.linalg.inv(k)
    loo = gp.leave_one_out()
    np.testing.assert_allclose(loo.mean, TARGETS - (inverse @ residual) / np.diag(inverse), rtol=1e-5, atol=1e-7)


def test_samples_have_the_posterior_moments(gp: warpbo.GaussianProcess) -> None:
    samples = gp.sample(QUERIES[:5], 4000, seed=3)
    assert samples.shape == (4000, 5) and samples.dtype == np.float64
    mean, variance = gp.predict(QUERIES[:5])
    np.testing.assert_allclose(samples.mean(axis=0), mean, atol=5 * np.sqrt(variance.max() / 4000))
    np.testing.assert_allclose(samples.var(axis=0), variance, rtol=0.2)
    np.testing.assert_array_equal(samples, gp.sample(QUERIES[:5], 4000, seed=3))
    assert (samples != gp.sample(QUERIES[:5], 4000, seed=4)).any()


def test_append_is_a_fit_without_new_hyperparameters() -> None:
    gp = warpbo.GaussianProcess.fit(POINTS[:30], TARGETS[:30], device="cpu")
    lengthscales = gp.lengthscales
    gp.append(POINTS[30:], TARGETS[30:])
    assert gp.observations == 40
    np.testing.assert_array_equal(gp.lengthscales, lengthscales)
    np.testing.assert_allclose(gp.predict(POINTS).mean, TARGETS, atol=0.02)


@pytest.mark.parametrize("make", [np.asfortranarray, lambda x: x.astype(np.float32), lambda x: x.tolist(), lambda x: x[::1]])
def test_other_arrays_are_converted(gp: warpbo.GaussianProcess, make: Any) -> None:
    np.testing.assert_allclose(gp.predict(make(QUERIES)).mean, gp.predict(QUERIES).mean, rtol=1e-4, atol=1e-5)
    gp.predict(np.array([[0, 1, 0]]))
    assert gp.predict(np.empty((0, 3))).mean.shape == (0,)


def test_results_outlive_the_process() -> None:
    mean = warpbo.GaussianProcess.fit(POINTS, TARGETS, device="cpu").predict(QUERIES).mean
    assert mean.flags.writeable and np.isfinite(mean).all()
    mean += 1


def test_known_noise_kernel_and_categorical() -> None:
    points = np.column_stack([POINTS[:, 0], rng.integers(0, 3, 40)])
    gp = warpbo.GaussianProcess.fit(points, points[:, 1], categorical=[1], kernel="rbf", noise_variance=0.25, device="cpu")
    assert gp.noise_variance == pytest.approx(0.25, rel=0.01)
    assert "rbf" in repr(gp)


def test_pickle_gives_the_same_process(gp: warpbo.GaussianProcess) -> None:
    gp = warpbo.GaussianProcess.fit(POINTS[:30], TARGETS[:30], seed=5, device="cpu")
    gp.append(POINTS[30:], TARGETS[30:])
    twin = pickle.loads(pickle.dumps(gp))
    np.testing.assert_array_equal(twin.predict(QUERIES).mean, gp.predict(QUERIES).mean)
    assert repr(twin) == repr(gp)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda gp: gp.predict(QUERIES[:, :2]), "queries has shape (25, 2); expected (n, 3)"),
        (lambda gp: gp.predict(QUERIES[0]), "queries has shape (3,); expected (n, 3)"),
        (lambda gp: gp.predict([["a", "b", "c"]]), "queries has dtype <U1"),
        (lambda gp: gp.predict(QUERIES + 1j), "queries has dtype complex128"),
        (lambda gp: gp.predict([[1, 2, 3], [1]]), "queries is not an array"),
        (lambda gp: gp.predict(np.full((1, 3), np.nan)), "finite"),
        (lambda gp: gp.sample(QUERIES, 0), "count is 0"),
        (lambda gp: gp.sample(QUERIES, 1.5), "count is 1.5; expected an int"),
        (lambda gp: gp.append(QUERIES, TARGETS[:3]), "targets has shape (3,); expected (25,), one value per row of points"),
        (lambda gp: gp.fit(TARGETS, TARGETS), "reshape(-1, 1)"),
        (lambda gp: gp.fit(POINTS, TARGETS[:, None]), "targets has shape (40, 1); expected (40,)"),
        (lambda gp: gp.fit(POINTS, TARGETS, kernel="cosine"), "kernel is 'cosine'"),
        (lambda gp: gp.fit(POINTS, TARGETS, categorical=[3]), "categorical is 3"),
        (lambda gp: gp.fit(POINTS, TARGETS, seed=-1), "seed is -1"),
        (lambda gp: gp.fit(POINTS, TARGETS, device="tpu"), "tpu"),
        (lambda gp: gp.fit(POINTS, TARGETS, noise_variance=-1.0), "noise"),
        (lambda gp: gp.fit(np.empty((0, 2)), []), "point"),
    ],
)
def test_mistakes_are_named(gp: warpbo.GaussianProcess, call: Any, says: str) -> None:
    with pytest.raises(warpbo.InvalidArgumentError) as caught:
        call(gp)
    assert says in str(caught.value)


def test_constructor_says_what_to_use() -> None:
    with pytest.raises(TypeError, match="fit"):
        warpbo.GaussianProcess()


def test_threads_share_a_process(gp: warpbo.GaussianProcess) -> None:
    """Readers beside an appender: no answer is torn, and the interpreter's lock is free meanwhile."""
    shared = warpbo.GaussianProcess.fit(POINTS[:20], TARGETS[:20], device="cpu")
    problems: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(50):
                assert np.isfinite(shared.predict(QUERIES).mean).all()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for index in range(20, 40):
        shared.append(POINTS[index : index + 1], TARGETS[index : index + 1])
    for thread in threads:
        thread.join()
    assert not problems and shared.observations == 40


def test_other_threads_run_meanwhile() -> None:
    points = rng.random((700, 6))
    ticks = 0
    done = threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.wait(0.002):
            ticks += 1

    counter = threading.Thread(target=count)
    counter.start()
    warpbo.GaussianProcess.fit(points, np.sin(points.sum(axis=1)), device="cpu")
    done.set()
    counter.join()
    assert ticks > 5
