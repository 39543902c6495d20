"""Arguments: what is right is taken, arrays without a copy where that is possible, and what is wrong is refused by name."""

from __future__ import annotations

import json
import math
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any, SupportsFloat, SupportsIndex

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


def integer(name: str, given: SupportsIndex | float, low: int, high: int = 2**63 - 1) -> int:
    """`given` as an int in [low, high]."""
    try:
        if isinstance(given, bool):
            raise TypeError
        value = operator.index(given)  # type: ignore[arg-type]  # a float raises TypeError
    except TypeError:
        raise InvalidArgumentError(f"{name} is {given!r}; expected an int") from None
    if not low <= value <= high:
        bounds = f"at least {low}" if high >= 2**31 - 1 else f"in [{low}, {high}]"
        raise InvalidArgumentError(f"{name} is {value}; expected an int {bounds}")
    return value


def real(name: str, given: SupportsFloat, hint: str = "") -> float:
    """`given` as a float, which may be NaN or infinite."""
    if not isinstance(given, (str, bytes, bool)):
        try:
            return float(given)
        except (TypeError, ValueError, OverflowError):
            pass
    raise InvalidArgumentError(f"{name} is {given!r}; expected a number{hint}")


def result(name: str, given: SupportsFloat) -> float:
    """A value of the objective."""
    return real(name, given, " (use fail() for a trial without a result)")


def seconds(name: str, given: float | None) -> float:
    """`given` as a time, at least 0; infinite when it is None."""
    value = math.inf if given is None else real(name, given)
    if not value >= 0:
        raise InvalidArgumentError(f"{name} is {given!r}; expected seconds, at least 0")
    return value


def text(name: str, given: str) -> str:
    if not isinstance(given, str):
        raise InvalidArgumentError(f"{name} is {given!r}; expected a str")
    return given


def device_name(given: str) -> str:
    """The device's name; "auto" is the CPU where the CUDA engine was not installed with the package: nothing to remark upon."""
    if text("device", given) != "auto" or os.environ.get("WARPBO_CUDA_ENGINE"):
        return given
    return given if os.path.exists(os.path.join(os.path.dirname(__file__), "libwarpbo_cuda.so")) else "cpu"


def store_url(given: str | os.PathLike[str]) -> str:
    """A path object stands for a file, a str for whatever it says."""
    return "sqlite:" + text("store", os.fspath(given)) if isinstance(given, os.PathLike) else text("store", given)


def named(name: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values by name, as a dict."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f"{name} is {given!r}; expected a dict of values by name")
    for key in given:
        text(f"{name}: a name", key)
    return dict(given)


def as_json(name: str, value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} is {value!r}, which JSON cannot hold: {error}") from None


def listed(name: str, given: Iterable[Any], of: str) -> list[Any]:
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InvalidArgumentError(f"{name} is {given!r}; expected a list of {of}")
    return list(given)
