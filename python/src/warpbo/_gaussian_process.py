"""The Gaussian process by itself: fit, predict, sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _core
from ._checks import Array, device_name, integer, listed, matrix, real, text, vector


class Prediction(NamedTuple):
    """Posterior moments at m points: `mean` (m values, units of the targets) and `variance` (m values, squared units, >= 0).

    The variance is that of the latent function; add `noise_variance` for an observation.
    """

    mean: Array
    variance: Array

    @property
    def standard_deviation(self) -> Array:
        """Square root of the variance, m values in units of the targets."""
        return np.sqrt(self.variance)


class GaussianProcess:
    """A fitted Gaussian process. Made by `fit`.

        gp = warpbo.GaussianProcess.fit(points, targets)
        mean, variance = gp.predict(queries)

    Model: f ~ GP(m, s^2 k), y = f(x) + e, with k a Matern-5/2 or squared-exponential kernel with one lengthscale per dimension.
    Lengthscales and noise are fitted by maximum a posteriori from several starts.

    Arrays that are float64 and C-contiguous are used as they are; others are converted. Several threads may use one object; the
    interpreter's lock is released while it computes. Pickling keeps the data and the options, and fits again on loading: on the
    same machine that gives the same numbers.
    """

    __slots__ = ("_data", "_options", "_process")

    _data: list[tuple[Array, Array]]  # what was fitted to, then what was appended
    _options: dict[str, Any]
    _process: _core.GaussianProcess

    def __init__(self) -> None:
        raise TypeError("use warpbo.GaussianProcess.fit(points, targets)")

    @classmethod
    def fit(
        cls,
        points: npt.ArrayLike,
        targets: npt.ArrayLike,
        *,
        categorical: Sequence[int] = (),
        kernel: Literal["matern52", "rbf"] = "matern52",
        noise_variance: float | None = None,
        restarts: int = 4,
        seed: int = 0,
        device: str = "auto",
    ) -> GaussianProcess:
        """Fits to n points of d dimensions.

        Args:
            points: Shape (n, d), ideally scaled to [0, 1].
            targets: Shape (n,).
            categorical: Columns of `points` that are compared by equality.
            kernel: "matern52" or "rbf".
            noise_variance: Known variance of the noise, in units of the targets squared, kept to within 1 %; None: fitted; 0: noise-free.
            restarts: Starting points of the hyperparameter search, beside the prior's mode.
            seed: Of those starting points.
            device: "auto", "cpu", "cuda" or "cuda:1".

        Raises:
            InvalidArgumentError: Wrong shape or dtype, a number that is not finite (the text names the row), a wrong option.
            UnavailableError: There is no such device.
        """
        x = matrix("points", points)
        y = vector("targets", targets, x.shape[0], "points")
        options: dict[str, Any] = {
            "categorical": [integer("categorical", column, 0, x.shape[1] - 1) for column in listed("categorical", categorical, "columns")],
            "kernel": text("kernel", kernel),
            "noise_variance": None if noise_variance is None else real("noise_variance", noise_variance),
            "restarts": integer("restarts", restarts, 0, 2**31 - 1),
            "seed": integer("seed", seed, 0, 2**64 - 1),
            "device": text("device", device),
        }
        return cls._fit([(x, y)], options)

    @classmethod
    def _fit(cls, data: list[tuple[Array, Array]], options: dict[str, Any]) -> GaussianProcess:
        """Fits to the first part and appends the others. The parts are kept, as copies where the caller could change them."""
        gp = cls.__new__(cls)
        gp._options = options
        (x, y), *rest = data
        gp._process = _core.GaussianProcess.fit(x, y, **{**options, "device": device_name(options["device"])})
        gp._data = [(x.copy(), y.copy())]
        for x, y in rest:
            gp.append(x, y)
        return gp

    def predict(self, queries: npt.ArrayLike) -> Prediction:
        """Posterior mean and variance at `queries`, shape (m, d); two arrays of m values.

        Raises:
            InvalidArgumentError: Wrong shape or dtype, or a number that is not finite.
        """
        return Prediction(*self._process.predict(matrix("queries", queries, self.dimensions)))

    def sample(self, queries: npt.ArrayLike, count: int = 1, *, seed: int = 0) -> Array:
        """Joint samples of the latent function at `queries`, shape (m, d); the result has shape (count, m). Cost O(m^3).

        Raises:
            InvalidArgumentError: Wrong shape or dtype, a number that is not finite, or a count below 1.
        """
        count = integer("count", count, 1, 2**31 - 1)
        return self._process.sample(matrix("queries", queries, self.dimensions), count, integer("seed", seed, 0, 2**64 - 1))

    def append(self, points: npt.ArrayLike, targets: npt.ArrayLike) -> None:
        """Adds observations in O(n^2) each, without changing the hyperparameters.

        Args:
            points: Shape (k, d).
            targets: Shape (k,).

        Raises:
            InvalidArgumentError: Wrong shape or dtype, or a number that is not finite. Nothing was added then.
        """
        x = matrix("points", points, self.dimensions)
        y = vector("targets", targets, x.shape[0], "points")
        self._process.append(x, y)
        self._data.append((x.copy(), y.copy()))

    def leave_one_out(self) -> Prediction:
        """Leave-one-out predictions at the n training points, in closed form (Rasmussen & Williams 2006, eq. 5.12)."""
        return Prediction(*self._process.leave_one_out())

    @property
    def dimensions(self) -> int:
        """Columns per point, d."""
        return int(self._data[0][0].shape[1])

    @property
    def observations(self) -> int:
        """How many points it knows, n."""
        return self._process.observations()

    @property
    def lengthscales(self) -> Array:
        """One per dimension, in units of the points."""
        return self._process.lengthscales()

    @property
    def noise_variance(self) -> float:
        """In units of the targets squared."""
        return self._process.noise_variance()

    @property
    def outputscale(self) -> float:
        """s^2, in units of the targets squared."""
        return self._process.outputscale()

    @property
    def mean(self) -> float:
        """The prior's constant mean m, in units of the targets."""
        return self._process.mean()

    @property
    def log_marginal_likelihood(self) -> float:
        """Of the targets as given, without the hyperparameters' prior."""
        return self._process.log_marginal_likelihood()

    @property
    def jitter(self) -> float:
        """Added to the diagonal to make the factorization succeed, relative to the outputscale; 0 when nothing was needed."""
        return self._process.jitter()

    def __repr__(self) -> str:
        return (
            f"GaussianProcess(observations={self.observations}, dimensions={self.dimensions}, kernel={self._options['kernel']!r}, "
            f"lengthscales={np.array2string(self.lengthscales, precision=3)}, noise_variance={self.noise_variance:.3g}, "
            f"outputscale={self.outputscale:.3g})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (GaussianProcess._fit, (self._data, self._options))
