"""The search space: what may be varied, between which limits, and under which conditions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, SupportsIndex, TypeAlias, Union

from . import _core
from ._checks import integer, listed, named, real, text
from ._errors import InvalidArgumentError, NotFoundError
from ._trial import Value

_float: TypeAlias = float  # inside Space, float and int are methods
_int: TypeAlias = int


def _shown(parameter: Any) -> str:
    """The parameter as it would be written: what is left at its default is left out."""
    parts = []
    for field in dataclasses.fields(parameter):
        value = getattr(parameter, field.name)
        if field.default is dataclasses.MISSING:
            parts.append(repr(list(value) if isinstance(value, tuple) else value))
        elif value != field.default:
            parts.append(f"{field.name}={value!r}")
    return f"{type(parameter).__name__}({', '.join(parts)})"


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Float:
    """A real parameter in [low, high].

    Attributes:
        low: Lower bound, inclusive.
        high: Upper bound, inclusive. With a step that does not divide the range, the last multiple below it.
        log: Search uniformly in the logarithm; needs low > 0.
        step: Only low, low + step, ...
        when: The parameter exists only when this holds, for example "opt == 'sgd'" (see `Space`).
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: str | None = None

    def __repr__(self) -> str:
        return _shown(self)


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Int:
    """An integer parameter in [low, high], both within +-2**53; otherwise like `Float`. With `log`, low must be at least 1."""

    low: int
    high: int
    log: bool = False
    step: int | None = None
    when: str | None = None

    def __repr__(self) -> str:
        return _shown(self)


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Categorical:
    """One of `choices` (bool, int, float or str; 1, 1.0, "1" and True are different), without order."""

    choices: Sequence[Value]
    when: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(listed("choices", self.choices, "choices")))

    def __repr__(self) -> str:
        return _shown(self)


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Ordinal:
    """One of `choices`, ordered as listed, lowest first."""

    choices: Sequence[Value]
    when: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(listed("choices", self.choices, "choices")))

    def __repr__(self) -> str:
        return _shown(self)


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Constant:
    """A fixed value that every trial carries; unknown to the model."""

    value: Value
    when: str | None = None

    def __repr__(self) -> str:
        return _shown(self)


def Boolean(when: str | None = None) -> Categorical:
    """A categorical parameter with the choices False and True."""
    return Categorical((False, True), when)


Parameter: TypeAlias = Union[Float, Int, Categorical, Ordinal, Constant]


class Space:
    """A search space: named parameters, conditions between them, and linear constraints.

        space = warpbo.Space({
            "lr": warpbo.Float(1e-5, 1e-1, log=True),
            "width": warpbo.Int(16, 256, step=16),
            "opt": ["sgd", "adam"],                                  # short for warpbo.Categorical(["sgd", "adam"])
            "momentum": warpbo.Float(0.0, 0.99, when="opt == 'sgd'"),
        }, constraints=["lr + 0.001 * width <= 0.2"])

    or, parameter by parameter, `Space().float("lr", 1e-5, 1e-1, log=True).int("width", 16, 256, step=16)`.

    Conditions: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in [...]`, joined with `and`, over parameters declared before; if one of those
    is absent, so is this one. Constraints: linear inequalities and equations over real and integer parameters. A name that is
    not an identifier stands in backticks there. Names have 1 to 200 bytes of UTF-8 without control characters.

    Every value that warpbo hands out lies exactly in its domain.

    Args:
        parameters: Parameters by name, in order; a list of values is short for `Categorical`.
        constraints: Linear constraints, such as "x1 + x2 <= 1".

    Raises:
        InvalidArgumentError: Something does not fit; the text names the parameter and the fix.
    """

    __slots__ = ("_core",)

    def __init__(
        self, parameters: Mapping[str, Parameter | Sequence[Value]] | None = None, constraints: Iterable[str] = ()
    ) -> None:
        self._core = _core.Space()
        if parameters is not None and not isinstance(parameters, Mapping):
            raise InvalidArgumentError(f"parameters is {parameters!r}; expected a dict of parameters by name")
        for name, parameter in (parameters or {}).items():
            self.add(name, parameter)
        for constraint in listed("constraints", constraints, "constraints"):
            self.constrain(constraint)

    def add(self, name: str, parameter: Parameter | Sequence[Value]) -> Space:
        """Adds a parameter and returns the space itself.

        Raises:
            InvalidArgumentError: The name is taken or not allowed, or the parameter is wrong.
        """
        text("the parameter's name", name)
        if isinstance(parameter, (list, tuple)):
            parameter = Categorical(parameter)
        if not isinstance(parameter, (Float, Int, Categorical, Ordinal, Constant)):
            raise InvalidArgumentError(
                f"'{name}' is {parameter!r}; expected a warpbo.Float, Int, Categorical, Ordinal or Constant, or a list of choices"
            )
        when = "" if parameter.when is None else text(f"when of '{name}'", parameter.when)
        if isinstance(parameter, Float):
            step = None if parameter.step is None else real(f"step of '{name}'", parameter.step)
            low, high = real(f"low of '{name}'", parameter.low), real(f"high of '{name}'", parameter.high)
            self._core.add_real(name, low, high, bool(parameter.log), step, when)
        elif isinstance(parameter, Int):
            low, high = (_whole(name, what, getattr(parameter, what)) for what in ("low", "high"))
            whole_step = None if parameter.step is None else _whole(name, "step", parameter.step)
            self._core.add_integer(name, low, high, bool(parameter.log), whole_step, when)
        elif isinstance(parameter, Constant):
            self._core.add_choice(name, "constant", [parameter.value], when)
        else:
            kind = "ordinal" if isinstance(parameter, Ordinal) else "categorical"
            self._core.add_choice(name, kind, list(parameter.choices), when)
        return self

    def float(
        self, name: str, low: _float, high: _float, *, log: bool = False, step: _float | None = None, when: str | None = None
    ) -> Space:
        """Adds a real parameter (see `Float`) and returns the space itself."""
        return self.add(name, Float(low, high, log, step, when))

    def int(
        self, name: str, low: _int, high: _int, *, log: bool = False, step: _int | None = None, when: str | None = None
    ) -> Space:
        """Adds an integer parameter (see `Int`) and returns the space itself."""
        return self.add(name, Int(low, high, log, step, when))

    def categorical(self, name: str, choices: Sequence[Value], *, when: str | None = None) -> Space:
        """Adds a choice without order and returns the space itself."""
        return self.add(name, Categorical(choices, when))

    def ordinal(self, name: str, choices: Sequence[Value], *, when: str | None = None) -> Space:
        """Adds an ordered choice, lowest first, and returns the space itself."""
        return self.add(name, Ordinal(choices, when))

    def boolean(self, name: str, *, when: str | None = None) -> Space:
        """Adds a categorical parameter with the choices False and True and returns the space itself."""
        return self.add(name, Boolean(when))

    def constant(self, name: str, value: Value, *, when: str | None = None) -> Space:
        """Adds a fixed value that every trial carries and returns the space itself."""
        return self.add(name, Constant(value, when))

    def constrain(self, constraint: str) -> Space:
        """Adds a linear constraint, such as "x1 + x2 <= 1" or "x + y == 1", and returns the space itself.

        A constraint that mentions an absent conditional parameter does not apply to that trial.

        Raises:
            InvalidArgumentError: It cannot be read, is not linear, or names an unknown or a categorical parameter.
        """
        self._core.constrain(text("the constraint", constraint))
        return self

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name, in order (a copy). A parameter with one value only may come back as declared or as `Constant`."""
        return {row[0]: _parameter(row) for row in self._core.parameters()}

    @property
    def constraints(self) -> list[str]:
        """The linear constraints, as given."""
        return self._core.constraints()

    @property
    def cardinality(self) -> _int | None:
        """How many distinct points the space has; None when infinite or beyond 2**62. Constraints are not counted out."""
        return self._core.cardinality()

    def validate(self) -> None:
        """Checks the whole: at least one parameter, constraints satisfiable. `Study` calls it.

        Raises:
            InvalidArgumentError: With the fix.
        """
        self._core.validate()

    def check(self, params: Mapping[str, Any]) -> str | None:
        """Why these values are not a point of the space, or None if they are."""
        return self._core.check(named("params", params))

    def copy(self) -> Space:
        """An independent copy."""
        return Space._from_core(self._core.copy())

    def to_json(self) -> str:
        """The space as one line of JSON."""
        return self._core.to_json()

    @classmethod
    def from_json(cls, json: str) -> Space:
        """Reads what `to_json` wrote.

        Raises:
            InvalidArgumentError: The text is no space.
        """
        return cls._from_core(_core.Space.from_json(text("json", json)))

    @classmethod
    def _from_core(cls, core: _core.Space) -> Space:
        space = cls.__new__(cls)
        space._core = core
        return space

    def __len__(self) -> _int:
        return len(self._core.parameters())

    def __iter__(self) -> Iterator[str]:
        return iter([row[0] for row in self._core.parameters()])

    def __contains__(self, name: object) -> bool:
        return any(row[0] == name for row in self._core.parameters())

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self.parameters[name]
        except KeyError:
            raise NotFoundError(f"the space has no parameter {name!r}; it has {', '.join(self)}") from None

    def __eq__(self, other: object) -> bool:
        return self._core.equals(other._core) if isinstance(other, Space) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        lines = ", ".join(f"{name!r}: {parameter!r}" for name, parameter in self.parameters.items())
        constraints = f", constraints={self.constraints!r}" if self.constraints else ""
        return f"Space({{{lines}}}{constraints})"

    def __copy__(self) -> Space:
        return self.copy()

    def __deepcopy__(self, memo: dict[_int, Any]) -> Space:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Space.from_json, (self.to_json(),))


def _whole(name: str, what: str, given: SupportsIndex | float) -> int:
    if isinstance(given, float) and given.is_integer():
        return int(given)
    return integer(f"{what} of '{name}'", given, -(2**63), 2**63 - 1)


def _parameter(row: tuple[Any, ...]) -> Parameter:
    _, kind, low, high, log, step, choices, condition = row
    when = condition or None
    if kind == "real":
        return Float(low, high, log, step, when)
    if kind == "integer":
        return Int(low, high, log, step, when)
    if kind == "categorical":
        return Categorical(choices, when)
    if kind == "ordinal":
        return Ordinal(choices, when)
    return Constant(choices[0], when)
