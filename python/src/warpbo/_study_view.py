"""What can be read of a study."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias

from . import _core
from ._checks import integer, text
from ._errors import NeedMoreDataError
from ._sampler import ModelSummary, SamplerOptions
from ._space import Space
from ._trial import Trial, TrialState

if TYPE_CHECKING:
    import pandas

Direction: TypeAlias = Literal["minimize", "maximize"]


class StudyView:
    """The part of `Study` that changes nothing."""

    _core: _core.Study
    _options: SamplerOptions
    _store: str
    _name: str

    @property
    def best(self) -> Trial:
        """The best complete trial with a finite value; of equal ones the first.

        Raises:
            NeedMoreDataError: There is none.
        """
        return Trial._from_core(self._core.best())

    @property
    def best_value(self) -> float:
        """The value of `best`.

        Raises:
            NeedMoreDataError: There is no complete trial with a finite value.
        """
        value = self.best.value
        assert value is not None
        return value

    @property
    def best_params(self) -> dict[str, Any]:
        """The parameters of `best`.

        Raises:
            NeedMoreDataError: There is no complete trial with a finite value.
        """
        return self.best.params

    @property
    def trials(self) -> list[Trial]:
        """All trials by number."""
        return [Trial._from_core(row) for row in self._core.history()]

    @property
    def pending(self) -> list[Trial]:
        """Running and waiting trials."""
        return [Trial._from_core(row) for row in self._core.pending()]

    def trial(self, number: SupportsIndex) -> Trial:
        """The trial of this number.

        Raises:
            NotFoundError: There is none.
        """
        return Trial._from_core(self._core.trial(integer("number", number, 0)))

    def count(self, state: TrialState | None = None) -> int:
        """How many trials there are, or how many in a state: "running", "complete", "pruned", "failed" or "waiting"."""
        return self._core.count(None if state is None else text("state", state))

    def to_dataframe(self) -> pandas.DataFrame:
        """All trials as a pandas table, one row each: number, state, value, params_NAME..., started, finished, duration, failure.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("to_dataframe needs pandas; pip install pandas") from None
        trials = self.trials
        columns: dict[str, list[Any]] = {
            "number": [trial.number for trial in trials],
            "state": [trial.state for trial in trials],
            "value": [math.nan if trial.value is None else trial.value for trial in trials],
        }
        for name in self.space:
            columns[f"params_{name}"] = [trial.params.get(name) for trial in trials]
        frame = pandas.DataFrame(columns)
        frame["started"] = pandas.Series([trial.started for trial in trials], dtype="datetime64[us, UTC]")
        frame["finished"] = pandas.Series([trial.finished for trial in trials], dtype="datetime64[us, UTC]")
        frame["duration"] = frame["finished"] - frame["started"]
        frame["failure"] = [trial.failure for trial in trials]
        return frame

    @property
    def name(self) -> str:
        """The study's name within the store."""
        return self._name

    @property
    def store(self) -> str:
        """Where it is kept, for example "sqlite:runs/digits.db"."""
        return self._core.url()

    @property
    def space(self) -> Space:
        """A copy of the search space."""
        return Space._from_core(self._core.space())

    @property
    def direction(self) -> Direction:
        """ "minimize" or "maximize"."""
        return "minimize" if self._core.direction() == "minimize" else "maximize"

    @property
    def sampler(self) -> SamplerOptions:
        """How proposals are made."""
        return self._options

    @property
    def model(self) -> ModelSummary:
        """The model behind the last proposals of this object."""
        return ModelSummary(*self._core.model())

    def __len__(self) -> int:
        return self._core.count(None)

    def __bool__(self) -> bool:
        return True  # also without trials

    def __repr__(self) -> str:
        if self._core.closed():
            return f"<Study {self._name!r} ({self._store}), closed>"
        try:
            best = f"best {self.best_value!r}"
        except NeedMoreDataError:
            best = "no result yet"
        trials = "1 trial" if len(self) == 1 else f"{len(self)} trials"
        return f"<Study {self._name!r} ({self._store}), {self.direction}, {trials}, {best}>"
