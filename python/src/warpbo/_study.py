"""A study: one search space, one objective, and the trials made so far."""

from __future__ import annotations

import concurrent.futures
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, SupportsFloat, SupportsIndex, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import integer
from ._errors import Error, ExhaustedError, InvalidArgumentError, NeedMoreDataError, NoticeWarning
from ._sampler import ModelSummary, SamplerKind, SamplerOptions, sampler_options
from ._space import Parameter, Space
from ._trial import Trial, TrialState, Value

if TYPE_CHECKING:
    import pandas

Direction: TypeAlias = Literal["minimize", "maximize"]
Notice: TypeAlias = Callable[[str], None]
SpaceLike: TypeAlias = Space | Mapping[str, Parameter | Sequence[Value]]
Objective: TypeAlias = Callable[[Trial], SupportsFloat]


def _warn(text: str) -> None:
    warnings.warn(text, NoticeWarning, stacklevel=3)


def _space(space: SpaceLike) -> Space:
    if isinstance(space, Space):
        return space
    if isinstance(space, Mapping):
        return Space(space)
    raise InvalidArgumentError(f"space is {space!r}; expected a warpbo.Space or a dict of parameters by name")


def _number(trial: Trial | SupportsIndex) -> int:
    return trial.number if isinstance(trial, Trial) else integer("trial", trial, 0)


def _value(given: SupportsFloat, what: str = "value") -> float:
    if isinstance(given, (str, bytes, bool)):
        raise InvalidArgumentError(f"{what} is {given!r}; expected a number (use fail() for a trial without a result)")
    try:
        return float(given)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{what} is {given!r}; expected a number (use fail() for a trial without a result)") from None


class Study:
    """A study: one search space, one objective, and the trials made so far.

        study = warpbo.Study({"x": warpbo.Float(-5, 10), "y": warpbo.Float(0, 15)}, store="sqlite:branin.db", name="branin")
        for _ in range(40):
            trial = study.ask()
            study.tell(trial, branin(trial["x"], trial["y"]))
        print(study.best)

    The constructor opens the study if the store has it and creates it otherwise; `create` and `open` do only one of these.

    A trial is durable before `ask` returns it and a result before `tell` returns. Several threads may use one object, several
    processes one store (but not one object: open it after forking). The interpreter's lock is released while the library works.
    A run repeats exactly when its asks, results and options, the seed among them, do.

    As a context manager it closes the store at the end; if the block raises (Ctrl-C too), trials that were asked for in the
    block and neither told nor failed go back into the queue first, and later asks hand them out.

    Pickling a study that is kept in a file gives one that opens the same file again.

    A store is "memory:" or "sqlite:PATH". The file has Optuna's schema. This package brings its own SQLite: do not open the same
    file with Python's `sqlite3` (Optuna's RDBStorage does) in the same process while the study is open, since closing one of the
    two connections would drop the other's locks. Other processes may.

    Args:
        space: The search space, or a dict of parameters.
        name: The study's name within the store.
        store: Where it is kept, "memory:" or "sqlite:PATH".
        direction: "minimize" or "maximize".
        sampler: How proposals are made: a name such as "auto", "gp" or "random", or `SamplerOptions`. Not kept in the store:
            give the same when you continue.
        seed: Takes the place of the sampler's.
        device: Takes the place of the sampler's: "auto", "cpu", "cuda" or "cuda:1".
        on_notice: Called once per cause with a sentence that a person should read (a degraded proposal, an exhausted space),
            perhaps from another thread; what it raises is ignored. Default: `warnings.warn` with `NoticeWarning`.

    Raises:
        InvalidArgumentError: An argument is wrong, or the file is no store.
        ConflictError: The stored study has another space or direction; the text names the difference.
        UnavailableError: The store cannot be reached.
    """

    def __init__(
        self,
        space: SpaceLike,
        *,
        name: str = "study",
        store: str | os.PathLike[str] = "memory:",
        direction: Direction = "minimize",
        sampler: SamplerKind | SamplerOptions = "auto",
        seed: int | None = None,
        device: str | None = None,
        on_notice: Notice | None = None,
    ) -> None:
        options = sampler_options(sampler, seed, device)
        core = _core.Study.open_or_create(
            name, _space(space)._core, direction, options._to_core(), on_notice or _warn, os.fspath(store)
        )
        self._init(core, options, os.fspath(store), on_notice, read_only=False)

    @classmethod
    def create(
        cls,
        space: SpaceLike,
        *,
        name: str = "study",
        store: str | os.PathLike[str] = "memory:",
        direction: Direction = "minimize",
        sampler: SamplerKind | SamplerOptions = "auto",
        seed: int | None = None,
        device: str | None = None,
        on_notice: Notice | None = None,
    ) -> Study:
        """Creates a study; the arguments are the constructor's.

        Raises:
            ConflictError: The store has one of this name.
        """
        options = sampler_options(sampler, seed, device)
        core = _core.Study.create(name, _space(space)._core, direction, options._to_core(), on_notice or _warn, os.fspath(store))
        return cls.__new__(cls)._init(core, options, os.fspath(store), on_notice, read_only=False)

    @classmethod
    def open(
        cls,
        name: str,
        store: str | os.PathLike[str],
        *,
        sampler: SamplerKind | SamplerOptions = "auto",
        seed: int | None = None,
        device: str | None = None,
        read_only: bool = False,
        on_notice: Notice | None = None,
    ) -> Study:
        """Opens an existing study with the space and direction it was created with.

        A study of another program (Optuna) gets the space that its trials span. With `read_only`, a file on read-only media
        can be read.

        Raises:
            NotFoundError: There is no such study; the text lists those there are.
        """
        options = sampler_options(sampler, seed, device)
        core = _core.Study.open(name, options._to_core(), on_notice or _warn, os.fspath(store), read_only)
        return cls.__new__(cls)._init(core, options, os.fspath(store), on_notice, read_only)

    def _init(
        self, core: _core.Study, options: SamplerOptions, store: str, on_notice: Notice | None, read_only: bool
    ) -> Study:
        self._core = core
        self._options = options
        self._store = store
        self._on_notice = on_notice
        self._read_only = read_only
        self._name = core.name()
        self._in_block: list[tuple[Any, ...]] | None = None  # rows of the trials asked for inside the `with` block
        return self

    # Proposals and results.

    @overload
    def ask(
        self, count: None = None, *, fixed: Mapping[str, Any] | None = None, attributes: Mapping[str, Any] | None = None
    ) -> Trial: ...

    @overload
    def ask(
        self, count: int, *, fixed: Mapping[str, Any] | None = None, attributes: Mapping[str, Any] | None = None
    ) -> list[Trial]: ...

    def ask(
        self,
        count: int | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Trial | list[Trial]:
        """Proposes one trial or, given `count`, a list of trials chosen jointly; waiting (enqueued) ones come first.

        Never fails for numeric reasons: where a model fails, quasi-random points take its place and a notice says so.

        Args:
            count: How many trials, 1 to 1,000,000. Fewer come back only when a finite space has no unproposed point left.
            fixed: Values that each of them must take; waiting trials are then left to other asks.
            attributes: Stored with each trial; anything that JSON can hold.

        Raises:
            ExhaustedError: Every point of a finite space was proposed.
            InvalidArgumentError: `fixed` is no part of a point of the space, or count is out of range.
        """
        trials = self._ask([], 1 if count is None else integer("count", count, 1, 1_000_000), fixed, attributes)
        return trials[0] if count is None else trials

    def _ask(
        self,
        sink: list[tuple[Any, ...]],
        count: int,
        fixed: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> list[Trial]:
        """The trials are in `sink` before an interruption can be noticed, and in that of the `with` block."""
        if self._in_block is not None and not sink:
            sink = self._in_block
        known = len(sink)
        texts = [(key, json.dumps(value)) for key, value in (attributes or {}).items()]
        self._core.ask(sink, count, dict(fixed or {}), texts)
        return [Trial._from_core(row) for row in sink[known:]]

    @overload
    def tell(self, trial: Trial | SupportsIndex, value: SupportsFloat) -> None: ...

    @overload
    def tell(self, trial: Iterable[Trial | SupportsIndex], value: Iterable[SupportsFloat] | npt.NDArray[Any]) -> None: ...

    def tell(
        self,
        trial: Trial | SupportsIndex | Iterable[Trial | SupportsIndex],
        value: SupportsFloat | Iterable[SupportsFloat] | npt.NDArray[Any],
    ) -> None:
        """Reports the result of a trial, or the results of several in one transaction.

        NaN makes a trial failed. An infinity in the bad direction (+inf when minimizing) is kept as "worse than everything".
        Telling the same value twice is harmless.

        Args:
            trial: A trial or its number, or several of them.
            value: A number, or as many numbers as trials.

        Raises:
            AlreadyFinishedError: There is another result already; it was kept. Of several, the others were recorded.
            NotFoundError: There is no such trial.
            InvalidArgumentError: The value is no number, or an infinity in the good direction. Nothing was recorded.
        """
        if isinstance(trial, Trial) or not isinstance(trial, Iterable):
            self._core.tell([(_number(trial), _value(value))])  # type: ignore[arg-type]
            return
        numbers = [_number(each) for each in trial]
        if not isinstance(value, Iterable):
            raise InvalidArgumentError(f"value is {value!r}; expected {len(numbers)} numbers, one per trial")
        values = [_value(each, f"value[{index}]") for index, each in enumerate(value)]
        if len(values) != len(numbers):
            raise InvalidArgumentError(f"value has {len(values)} numbers; expected {len(numbers)}, one per trial")
        if numbers:
            self._core.tell(list(zip(numbers, values)))

    def fail(self, trial: Trial | SupportsIndex, reason: str = "") -> None:
        """Reports that a trial gave no value, and why. Its region is avoided from then on. Failing it twice is harmless.

        Raises:
            AlreadyFinishedError: The trial is complete.
            NotFoundError: There is no such trial.
        """
        self._core.fail(_number(trial), reason)

    def enqueue(self, params: Mapping[str, Any]) -> int:
        """Queues a known-good point: the next asks hand it out first. Missing parameters are proposed. Returns its number.

        Raises:
            InvalidArgumentError: It does not fit the space.
        """
        return self._core.enqueue(dict(params))

    def add(self, params: Mapping[str, Any], value: SupportsFloat) -> int:
        """Adds a point with a known result, evaluated elsewhere; the rules of `tell` hold. Returns the trial's number.

        Raises:
            InvalidArgumentError: It does not fit the space, or the value is no number.
        """
        return self._core.add(dict(params), _value(value))

    def requeue(self, trial: Trial | SupportsIndex) -> bool:
        """Puts a running trial (of a worker that died) back into the queue. False if it was not running."""
        return self._core.requeue(_number(trial))

    def set_attribute(self, trial: Trial | SupportsIndex, key: str, value: Any) -> None:
        """Stores a value (anything that JSON can hold) with a trial."""
        self._core.set_attribute(_number(trial), key, json.dumps(value))

    # Loops.

    def batches(self, size: int, n_trials: int) -> Iterator[list[Trial]]:
        """Proposes `n_trials` trials, `size` at a time, each batch chosen jointly.

            for trials in study.batches(16, n_trials=160):
                study.tell(trials, evaluate([trial.params for trial in trials]))

        The last batch may be smaller. Ends early when a finite space is exhausted. Trials that were not told when the next
        batch is made are pending for it.

        Raises:
            InvalidArgumentError: A number below 1.
        """
        size, n_trials = integer("size", size, 1, 1_000_000), integer("n_trials", n_trials, 1)
        return self._batches(size, n_trials)

    def _batches(self, size: int, n_trials: int) -> Iterator[list[Trial]]:
        made = 0
        while made < n_trials:
            try:
                trials = self._ask([], min(size, n_trials - made))
            except ExhaustedError:
                return
            made += len(trials)
            yield trials

    def optimize(
        self,
        function: Objective,
        n_trials: int,
        *,
        n_jobs: int = 1,
        batch: int | None = None,
        executor: concurrent.futures.Executor | None = None,
        catch: tuple[type[Exception], ...] | type[Exception] = (),
        timeout: float | None = None,
        on_trial: Callable[[Trial], object] | None = None,
    ) -> None:
        """Proposes and evaluates `n_trials` trials.

            study.optimize(lambda trial: (trial["x"] - 2) ** 2, n_trials=50)

        Ends early when a finite space is exhausted. When the function raises, its trial fails; other running trials are
        finished and told, and the exception goes on unless it is in `catch`. At Ctrl-C running trials are finished and told
        too (where the function itself was interrupted, its trial goes back into the queue); a second Ctrl-C puts them back.

        Args:
            function: Takes a trial and returns a number; called by several threads when n_jobs > 1.
            n_trials: How many trials to evaluate in this call.
            n_jobs: How many at the same time, in threads; -1 for one per processor. A free worker gets its next trial at once.
            batch: Propose this many jointly and finish them all before the next. Default: as workers become free.
            executor: Run the function here (a process pool, say) instead of in threads; trials are pickled then.
            catch: Exceptions of the function that only make its trial fail.
            timeout: Seconds after which no more trials are started.
            on_trial: Called after each trial with its final state, in the calling thread.

        Raises:
            InvalidArgumentError: An argument is wrong, or the function returned no number (its trial failed).
        """
        from ._optimize import Loop

        n_trials = integer("n_trials", n_trials, 1)
        if not callable(function):
            raise InvalidArgumentError(f"function is {function!r}; expected a function of a trial")
        jobs = (os.cpu_count() or 1) if n_jobs == -1 else integer("n_jobs", n_jobs, 1, 10_000)
        size = None if batch is None else integer("batch", batch, 1, 1_000_000)
        end = math.inf if timeout is None else time.monotonic() + timeout
        Loop(self, function, n_trials, jobs, size, executor, catch, end, on_trial).run()

    # What there is.

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
        return self._core.count(state)

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

    # Its life.

    def close(self) -> None:
        """Closes the store. A study in memory is gone then. Closing twice is harmless; other calls raise `UnavailableError`."""
        self._core.close()

    def __enter__(self) -> Study:
        self._in_block = []
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        rows, self._in_block = self._in_block or [], None
        try:
            if error is not None:
                self._give_back(row[0] for row in rows)
        finally:
            self.close()

    def _give_back(self, numbers: Iterable[int]) -> None:
        """Puts those that still run back into the queue; whatever the store says to that is of no help to the caller."""
        for number in numbers:
            try:
                self._core.requeue(number)
            except Error:
                return

    def __reduce__(self) -> tuple[Any, ...]:
        if self._store == "memory:":
            raise TypeError("a study in memory cannot be pickled; keep it in a file (store='sqlite:PATH')")
        return (_reopened, (self._name, self._store, self._options, self._read_only, self._on_notice))


def _reopened(name: str, store: str, options: SamplerOptions, read_only: bool, on_notice: Notice | None) -> Study:
    return Study.open(name, store, sampler=options, read_only=read_only, on_notice=on_notice)


def study_names(store: str | os.PathLike[str]) -> list[str]:
    """The names of the studies in a store.

    Raises:
        UnavailableError, InvalidArgumentError: It cannot be opened.
    """
    return _core.study_names(os.fspath(store))


def delete_study(name: str, store: str | os.PathLike[str]) -> None:
    """Deletes a study with all its trials.

    Raises:
        NotFoundError: There is no such study.
    """
    _core.delete_study(name, os.fspath(store))
