"""The loop behind Study.optimize: asks, runs the function here or in workers, tells."""

from __future__ import annotations

import concurrent.futures
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ._checks import integer, result, seconds
from ._errors import ExhaustedError, InvalidArgumentError
from ._study import Objective, Study
from ._trial import Trial

Future = concurrent.futures.Future[Any]


def _exceptions(given: tuple[type[Exception], ...] | type[Exception]) -> tuple[type[Exception], ...]:
    classes = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(each, type) and issubclass(each, Exception) for each in classes):
        raise InvalidArgumentError(f"catch is {given!r}; expected an exception class or a tuple of them")
    return classes


class Loop:
    """One call of Study.optimize."""

    def __init__(
        self,
        study: Study,
        function: Objective,
        n_trials: int,
        n_jobs: int | None,
        batch: int | None,
        executor: concurrent.futures.Executor | None,
        catch: tuple[type[Exception], ...] | type[Exception],
        timeout: float | None,
        on_trial: Callable[[Trial], object] | None,
    ) -> None:
        for name, given in (("function", function), ("on_trial", on_trial)):
            if given is not None and not callable(given) or name == "function" and given is None:
                raise InvalidArgumentError(f"{name} is {given!r}; expected a function of a trial")
        if executor is not None and not isinstance(executor, concurrent.futures.Executor):
            raise InvalidArgumentError(f"executor is {executor!r}; expected a concurrent.futures.Executor")
        self.study = study
        self.function = function
        self.left = integer("n_trials", n_trials, 1)
        if n_jobs is None and executor is not None:
            n_jobs = getattr(executor, "_max_workers", -1)
        self.n_jobs = (os.cpu_count() or 1) if n_jobs == -1 else integer("n_jobs", 1 if n_jobs is None else n_jobs, 1, 10_000)
        self.batch = None if batch is None else integer("batch", batch, 1, 1_000_000)
        self.executor = executor
        self.catch = _exceptions(catch)
        self.end = time.monotonic() + seconds("timeout", timeout)
        self.on_trial = on_trial
        self.open: list[int] = []  # numbers of the trials handed out that may still run

    def run(self) -> None:
        try:
            if self.executor is not None:
                self.run_in(self.executor)
            elif self.n_jobs > 1:
                self.run_in_threads()
            else:
                self.run_here()
        finally:
            if self.open:  # interrupted, or the time was up in the middle of a batch
                self.study._give_back(self.open)

    def ask(self, count: int) -> list[Trial]:
        """Up to `count` more trials; none when the budget, the time or the space is used up."""
        count = min(count, self.left)
        if count <= 0 or self.late():
            return []
        try:
            trials = self.study._ask(count, keep=self.open)
        except ExhaustedError:
            trials = []
        self.left = self.left - len(trials) if len(trials) == count else 0
        return trials

    def late(self) -> bool:
        return time.monotonic() >= self.end

    def run_here(self) -> None:
        while trials := self.ask(self.batch or 1):
            for trial in trials:
                if self.late():
                    return
                try:
                    value = self.function(trial)
                except Exception as error:
                    self.failed(trial, error)
                else:
                    self.told(trial, value)

    def run_in_threads(self) -> None:
        pool = concurrent.futures.ThreadPoolExecutor(self.n_jobs, thread_name_prefix="warpbo")
        try:
            self.run_in(pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def run_in(self, pool: concurrent.futures.Executor) -> None:
        running: dict[Future, Trial] = {}
        try:
            while True:
                free = (self.batch or self.n_jobs) - len(running)
                if self.batch is None or not running:
                    for trial in self.ask(free):
                        running[pool.submit(self.function, trial)] = trial
                if not running:
                    return
                when = concurrent.futures.FIRST_COMPLETED if self.batch is None else concurrent.futures.ALL_COMPLETED
                left = None if self.late() or math.isinf(self.end) else min(self.end - time.monotonic(), threading.TIMEOUT_MAX)
                self.collect(running, concurrent.futures.wait(running, left, when).done)
                if self.late():
                    self.cancel(running)
        except BaseException:
            self.cancel(running)
            self.drain(running)
            raise

    def cancel(self, running: dict[Future, Trial]) -> None:
        """Forgets those that have not started; run() gives them back."""
        for future in list(running):
            if future.cancel():
                del running[future]

    def drain(self, running: dict[Future, Trial]) -> None:
        """Lets what runs finish and keeps its results; the exception that ended the loop is the one to report."""
        while running:
            done = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done
            try:
                self.collect(running, done)
            except Exception:
                pass

    def collect(self, running: dict[Future, Trial], done: set[Future]) -> None:
        """Takes all finished ones, then raises what the first of them raised."""
        problem: BaseException | None = None
        for future in sorted(done, key=lambda each: running[each].number):
            trial = running.pop(future)
            try:
                error = future.exception()
                if error is None:
                    self.told(trial, future.result())
                elif isinstance(error, Exception):
                    self.failed(trial, error)
                else:
                    raise error  # a worker was interrupted: the trial is given back
            except BaseException as raised:
                problem = problem or raised
        if problem is not None:
            raise problem

    def told(self, trial: Trial, value: Any) -> None:
        try:
            number = result(f"the function's result for trial {trial.number}", value)
        except Exception as error:
            self.study.fail(trial, str(error))
            raise
        self.study.tell(trial, number)
        self.finished(trial)

    def failed(self, trial: Trial, error: Exception) -> None:
        self.study.fail(trial, f"{type(error).__name__}: {error}")
        if not isinstance(error, self.catch):
            raise error
        self.finished(trial)

    def finished(self, trial: Trial) -> None:
        self.open.remove(trial.number)
        if self.on_trial is not None:
            self.on_trial(self.study.trial(trial.number))
