"""Trials: proposed, running or finished evaluations of the objective."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from ._errors import NotFoundError

Value: TypeAlias = bool | int | float | str
"""A parameter's value. Types are kept apart: 1, 1.0, True and "1" are four different values."""

Params: TypeAlias = dict[str, Any]
"""Values by parameter name, in the order of the space; absent conditional parameters are left out."""

TrialState: TypeAlias = Literal["running", "complete", "pruned", "failed", "waiting"]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # another program's
        return text


def _time(seconds: float | None) -> datetime.datetime | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc)


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """One evaluation of the objective. A plain value: it can be copied, pickled and sent to another process.

    `trial["lr"]` is short for `trial.params["lr"]`.

    Attributes:
        number: 0, 1, 2, ... within the study, without gaps.
        state: "running", "complete", "pruned", "failed" or "waiting".
        params: The values, in the order of the space; absent conditional parameters are left out.
        value: The objective as told, in the user's direction; None unless complete.
        failure: Why it failed; empty otherwise.
        started: Wall clock (UTC), informational only.
        finished: Likewise.
        attributes: Free-form values. "warpbo:origin" tells how the proposal was made, "warpbo:degraded" what had to be given up.
        id: Unique in the store.
    """

    number: int
    state: TrialState
    params: Params
    value: float | None = None
    failure: str = ""
    started: datetime.datetime | None = None
    finished: datetime.datetime | None = None
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    id: int = 0

    def __getitem__(self, name: str) -> Any:
        try:
            return self.params[name]
        except KeyError:
            raise NotFoundError(f"trial {self.number} has no parameter {name!r}; it has {', '.join(self.params)}") from None

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a parameter, or `default` where the trial has none of this name (a conditional one that is absent)."""
        return self.params.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self.params

    def __hash__(self) -> int:
        return hash((self.id, self.number))

    def __repr__(self) -> str:
        value = "" if self.value is None else f", value={self.value!r}"
        failure = f", failure={self.failure!r}" if self.failure else ""
        return f"Trial({self.number}, {self.state}, {self.params!r}{value}{failure})"

    @property
    def origin(self) -> str:
        """How the proposal was made, for example "sobol" or "gp/logei"; empty when unknown."""
        return str(self.attributes.get("warpbo:origin", ""))

    @classmethod
    def _from_core(cls, row: tuple[Any, ...]) -> Trial:
        number, state, params, value, failure, started, finished, attributes, id_ = row
        parsed = {key: _parsed(text) for key, text in attributes.items()}
        return cls(number, state, params, value, failure, _time(started), _time(finished), parsed, id_)
