"""Arrays in: float64 and C-contiguous ones are taken as they are, others are converted, and what cannot be is refused by name."""

from __future__ import annotations

import operator
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from ._errors import InvalidArgumentError

Array = npt.NDArray[np.float64]


def _numbers(name: str, given: npt.ArrayLike) -> Array:
    try:
        array = np.asarray(given)
    except ValueError as error:  # rows of different lengths
        raise InvalidArgumentError(f"{name} is not an array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise InvalidArgumentError(f"{name} has dtype {array.dtype}; it must hold real numbers (float64 is taken without a copy)")
    return np.ascontiguousarray(array, dtype=np.float64) if array.ndim else np.asarray(array, dtype=np.float64)


def matrix(name: str, given: npt.ArrayLike, columns: int | None = None) -> Array:
    """`given` as a float64 array of shape (n, columns), C-contiguous; a copy only where it is something else."""
    array = _numbers(name, given)
    if array.ndim == 2 and (columns is None or array.shape[1] == columns) and array.shape[1] > 0:
        return array
    wanted = f"(n, {columns})" if columns is not None else "(n, d), one row per point"
    hint = "; for points of one dimension use reshape(-1, 1)" if array.ndim == 1 and columns in (None, 1) else ""
    raise InvalidArgumentError(f"{name} has shape {array.shape}; expected {wanted}{hint}")


def vector(name: str, given: npt.ArrayLike, size: int, of: str) -> Array:
    """`given` as a float64 array of shape (size,); `of` names the argument that decides the size."""
    array = _numbers(name, given)
    if array.shape != (size,):
        raise InvalidArgumentError(f"{name} has shape {array.shape}; expected ({size},), one value per row of {of}")
    return array


def integer(name: str, given: SupportsIndex, low: int, high: int = 2**63 - 1) -> int:
    """`given` as an int in [low, high]."""
    try:
        value = operator.index(given)
    except TypeError:
        raise InvalidArgumentError(f"{name} is {given!r}; expected an int") from None
    if not low <= value <= high:
        bounds = f"at least {low}" if high >= 2**31 - 1 else f"in [{low}, {high}]"
        raise InvalidArgumentError(f"{name} is {value}; expected an int {bounds}")
    return value
