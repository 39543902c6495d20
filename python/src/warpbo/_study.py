"""A study: one search space, one objective, and the trials made so far."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, SupportsFloat, SupportsIndex, TypeAlias, overload

import numpy.typing as npt

from . import _core
from ._checks import as_json, integer, listed, named, result, store_url, text
from ._errors import Error, ExhaustedError, InvalidArgumentError
from ._notices import warn
from ._sampler import SamplerKind, SamplerOptions, sampler_options
from ._space import Parameter, Space
from ._study_view import Direction, StudyView
from ._trial import Trial, Value

Notice: TypeAlias = Callable[[str], None]
SpaceLike: TypeAlias = Space | Mapping[str, Parameter | Sequence[Value]]
Objective: TypeAlias = Callable[[Trial], SupportsFloat]


def _space(space: SpaceLike) -> Space:
    if isinstance(space, Space):
        return space
    if isinstance(space, Mapping):
        return Space(space)
    raise InvalidArgumentError(f"space is {space!r}; expected a warpbo.Space or a dict of parameters by name")


def _notice(given: Notice | None) -> Notice:
    if given is not None and not callable(given):
        raise InvalidArgumentError(f"on_notice is {given!r}; expected a function of a str")
    return given or warn


def _number(trial: Trial | SupportsIndex) -> int:
    return trial.number if isinstance(trial, Trial) else integer("trial", trial, 0)


class Study(StudyView):
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
        self._start(_core.Study.open_or_create, space, name, store, direction, sampler, seed, device, on_notice)

    def _start(
        self,
        make: Callable[[str, _core.Space, str, _core.SamplerOptions, Notice | None, str], _core.Study],
        space: SpaceLike,
        name: str,
        store: str | os.PathLike[str],
        direction: Direction,
        sampler: SamplerKind | SamplerOptions,
        seed: int | None,
        device: str | None,
        on_notice: Notice | None,
    ) -> Study:
        options, url = sampler_options(sampler, seed, device), store_url(store)
        text("name", name), text("direction", direction)
        core = make(name, _space(space)._core, direction, options._to_core(), _notice(on_notice), url)
        return self._init(core, options, url, on_notice, read_only=False)

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
        study = cls.__new__(cls)
        return study._start(_core.Study.create, space, name, store, direction, sampler, seed, device, on_notice)

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
        options, url = sampler_options(sampler, seed, device), store_url(store)
        core = _core.Study.open(text("name", name), options._to_core(), _notice(on_notice), url, bool(read_only))
        return cls.__new__(cls)._init(core, options, url, on_notice, bool(read_only))

    def _init(
        self, core: _core.Study, options: SamplerOptions, store: str, on_notice: Notice | None, read_only: bool
    ) -> Study:
        self._core = core
        self._options = options
        self._store = store
        self._on_notice = on_notice
        self._read_only = read_only
        self._name = core.name()
        self._in_block: list[int] | None = None  # numbers of the trials asked for inside the `with` block
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
        trials = self._ask(1 if count is None else integer("count", count, 1, 1_000_000), fixed, attributes)
        return trials[0] if count is None else trials

    def _ask(
        self,
        count: int,
        fixed: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
        keep: list[int] | None = None,
    ) -> list[Trial]:
        """Adds the trials' numbers to `keep`, and to those of the `with` block, before an interruption can be noticed."""
        texts = [(key, as_json(f"attributes[{key!r}]", value)) for key, value in named("attributes", attributes).items()]
        keeps = [numbers for numbers in (keep, self._in_block) if numbers is not None]
        return [Trial._from_core(row) for row in self._core.ask(count, named("fixed", fixed), texts, keeps)]

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
            self._core.tell([(_number(trial), result("value", value))])  # type: ignore[arg-type]
            return
        numbers = [_number(each) for each in listed("trial", trial, "trials")]
        if not isinstance(value, Iterable):
            raise InvalidArgumentError(f"value is {value!r}; expected {len(numbers)} numbers, one per trial")
        values = [result(f"value[{index}]", each) for index, each in enumerate(value)]
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
        self._core.fail(_number(trial), text("reason", reason))

    def enqueue(self, params: Mapping[str, Any]) -> int:
        """Queues a known-good point: the next asks hand it out first. Missing parameters are proposed. Returns its number.

        Raises:
            InvalidArgumentError: It does not fit the space.
        """
        return self._core.enqueue(named("params", params))

    def add(self, params: Mapping[str, Any], value: SupportsFloat) -> int:
        """Adds a point with a known result, evaluated elsewhere; the rules of `tell` hold. Returns the trial's number.

        Raises:
            InvalidArgumentError: It does not fit the space, or the value is no number.
        """
        return self._core.add(named("params", params), result("value", value))

    def requeue(self, trial: Trial | SupportsIndex) -> bool:
        """Puts a running trial (of a worker that died) back into the queue. False if it was not running."""
        return self._core.requeue(_number(trial))

    def set_attribute(self, trial: Trial | SupportsIndex, key: str, value: Any) -> None:
        """Stores a value (anything that JSON can hold) with a trial."""
        self._core.set_attribute(_number(trial), text("key", key), as_json("value", value))

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
                trials = self._ask(min(size, n_trials - made))
            except ExhaustedError:
                return
            made += len(trials)
            yield trials

    def optimize(
        self,
        function: Objective,
        n_trials: int,
        *,
        n_jobs: int | None = None,
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
                Default: 1 or, with an executor, as many as it has workers.
            batch: Propose this many jointly and finish them all before the next. Default: as workers become free.
            executor: Run the function here (a process pool, say) instead of in threads; trials are pickled then.
            catch: Exceptions of the function that only make its trial fail.
            timeout: Seconds after which no more trials are started; running ones are finished.
            on_trial: Called after each trial with its final state, in the calling thread.

        Raises:
            InvalidArgumentError: An argument is wrong, or the function returned no number (its trial failed).
        """
        from ._optimize import Loop

        Loop(self, function, n_trials, n_jobs, batch, executor, catch, timeout, on_trial).run()

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
        numbers, self._in_block = self._in_block or [], None
        try:
            if error is not None:
                self._give_back(numbers)
        finally:
            self.close()

    def _give_back(self, numbers: Iterable[int]) -> None:
        """Puts those that still run back into the queue; whatever the store says to that is of no help to the caller."""
        try:
            running = {row[0] for row in self._core.pending()}
            for number in running.intersection(numbers):
                self._core.requeue(number)
        except Error:
            pass

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
    return _core.study_names(store_url(store))


def delete_study(name: str, store: str | os.PathLike[str]) -> None:
    """Deletes a study with all its trials.

    Raises:
        NotFoundError: There is no such study.
    """
    _core.delete_study(text("name", name), store_url(store))
