from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import warpbo


def full_space() -> warpbo.Space:
    return warpbo.Space(
        {
            "lr": warpbo.Float(1e-5, 1e-1, log=True),
            "width": warpbo.Int(16, 256, step=16),
            "opt": ["sgd", "adam"],
            "momentum": warpbo.Float(0.0, 0.99, step=0.01, when="opt == 'sgd'"),
            "size": warpbo.Ordinal(["s", "m", "l"]),
            "bias": warpbo.Boolean(),
            "layers": warpbo.Int(1, 64, log=True),
            "version": warpbo.Constant(3),
        },
        constraints=["lr + 0.001 * width <= 0.2"],
    )


def test_parameters_come_back_as_declared() -> None:
    parameters = full_space().parameters
    assert parameters["lr"] == warpbo.Float(1e-5, 1e-1, log=True)
    assert parameters["width"] == warpbo.Int(16, 256, step=16)
    assert parameters["opt"] == warpbo.Categorical(["sgd", "adam"])
    assert parameters["momentum"] == warpbo.Float(0.0, 0.99, step=0.01, when="opt == 'sgd'")
    assert parameters["size"] == warpbo.Ordinal(("s", "m", "l"))
    assert parameters["bias"] == warpbo.Categorical((False, True))
    assert parameters["version"] == warpbo.Constant(3)
    assert list(full_space()) == list(parameters) and len(full_space()) == 8 and "opt" in full_space()


def test_builders_say_the_same() -> None:
    built = (
        warpbo.Space()
        .float("lr", 1e-5, 1e-1, log=True)
        .int("width", 16, 256, step=16)
        .categorical("opt", ["sgd", "adam"])
        .float("momentum", 0.0, 0.99, step=0.01, when="opt == 'sgd'")
        .ordinal("size", ["s", "m", "l"])
        .boolean("bias")
        .int("layers", 1, 64, log=True)
        .constant("version", 3)
        .constrain("lr + 0.001 * width <= 0.2")
    )
    assert built == full_space()
    assert built != warpbo.Space({"x": [1, 2]}) and built != 3


def test_repr_can_be_evaluated() -> None:
    space = full_space()
    assert eval(repr(space), {**vars(warpbo)}) == space
    assert repr(warpbo.Float(0, 1, log=True)) == "Float(0, 1, log=True)"


def test_copies() -> None:
    space = full_space()
    for twin in (pickle.loads(pickle.dumps(space)), copy.copy(space), copy.deepcopy(space), space.from_json(space.to_json())):
        assert twin == space
        twin.float("new", 0, 1)
        assert twin != space


def test_values_keep_their_type() -> None:
    choices: list[bool | int | float | str] = [1, 1.0, "1", True]
    space = warpbo.Space({"c": choices})
    assert [type(choice) for choice in space.parameters["c"].choices] == [int, float, str, bool]  # type: ignore[union-attr]
    assert space.cardinality == 4
    assert warpbo.Space({"x": warpbo.Float(0, 1)}).cardinality is None


def test_numpy_scalars_are_numbers() -> None:
    space = warpbo.Space({"x": warpbo.Float(np.float32(0), np.float64(1)), "n": warpbo.Int(np.int64(1), np.int8(9))})  # type: ignore[arg-type]
    space.categorical("c", [np.int64(3), np.float64(2.5), np.str_("a"), np.bool_(True)])  # type: ignore[list-item]
    assert space.parameters["c"] == warpbo.Categorical([3, 2.5, "a", True])
    assert space.check({"x": np.float64(0.5), "n": np.int32(4), "c": "a"}) is None


def test_check_says_why() -> None:
    space = full_space()
    params: dict[str, Any] = {"lr": 1e-3, "width": 32, "opt": "adam", "size": "m", "bias": False, "layers": 2, "version": 3}
    assert space.check(params) is None
    assert "width" in str(space.check({**params, "width": 33}))
    assert "momentum" in str(space.check({**params, "momentum": 0.5}))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: warpbo.Space({"x": warpbo.Float(1, 0)}), "x"),
        (lambda: warpbo.Space({"x": warpbo.Float(0, 1, log=True)}), "x"),
        (lambda: warpbo.Space({"x": warpbo.Float("0", 1)}), "low of 'x' is '0'"),  # type: ignore[arg-type]
        (lambda: warpbo.Space({"n": warpbo.Int(0.5, 3)}), "low of 'n' is 0.5"),  # type: ignore[arg-type]
        (lambda: warpbo.Space({"n": warpbo.Int(0, 2**70)}), "high of 'n'"),
        (lambda: warpbo.Space({"c": [None]}), "choice 0 of 'c' is None"),  # type: ignore[list-item]
        (lambda: warpbo.Space({"c": "abc"}), "'c' is 'abc'"),
        (lambda: warpbo.Space({"c": [[1]]}), "choice 0 of 'c'"),  # type: ignore[list-item]
        (lambda: warpbo.Categorical("abc"), "choices is 'abc'"),
        (lambda: warpbo.Space({1: [1]}), "name is 1"),  # type: ignore[dict-item]
        (lambda: full_space().float("lr", 0, 1), "lr"),
        (lambda: full_space().float("z", 0, 1, when="nosuch == 1"), "nosuch"),
        (lambda: full_space().constrain("lr * width <= 1"), "linear"),
        (lambda: warpbo.Space({"x": [1, 2]}, constraints="x <= 1"), "expected a list"),
        (lambda: warpbo.Space().validate(), "parameter"),
        (lambda: warpbo.Space.from_json("{"), ""),
    ],
)
def test_mistakes_are_named(make: Any, says: str) -> None:
    with pytest.raises(warpbo.InvalidArgumentError) as caught:
        make()
    assert says in str(caught.value)
    assert isinstance(caught.value, ValueError) and caught.value.code == "invalid_argument"
