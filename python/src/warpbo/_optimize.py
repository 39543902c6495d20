"""The loop behind Study.optimize: asks, runs the function here or in workers, tells."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from typing import Any

from ._errors import ExhaustedError
from ._study import Objective, Study, _value
from ._trial import Trial

Future = concurrent.futures.Future[Any]


class Loop:
    """One call of Study.optimize."""

    def __init__(
        self,
        study: Study,
        function: Objective,
        n_trials: int,
        n_jobs: int,
        batch: int | None,
        executor: concurrent.futures.Executor | None,
        catch: tuple[type[Exception], ...] | type[Exception],
        end: float,
        on_trial: Callable[[Trial], object] | None,
    ) -> None:
        self.study = study
        self.function = function
        self.left = n_trials
        self.n_jobs = n_jobs
        self.batch = batch
        self.executor = executor
        self.catch = catch
        self.end = end
        self.on_trial = on_trial
        self.rows: list[tuple[Any, ...]] = []  # of the trials handed out that may still run

    def run(self) -> None:
        try:
            if self.executor is not None:
                self.run_in(self.executor)
            elif self.n_jobs > 1:
                self.run_in_threads()
            else:
                self.run_here()
        except BaseException:
            self.study._give_back(row[0] for row in self.rows)
            raise

    def ask(self, count: int) -> list[Trial]:
        """Up to `count` more trials; none when the budget, the time or the space is used up."""
        count = min(count, self.left)
        if count <= 0 or time.monotonic() >= self.end:
            return []
        try:
            trials = self.study._ask(self.rows, count)
        except ExhaustedError:
            trials = []
        self.left = self.left - len(trials) if len(trials) == count else 0
        return trials

    def run_here(self) -> None:
        while trials := self.ask(self.batch or 1):
            for trial in trials:
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
                self.collect(running, concurrent.futures.wait(running, return_when=when).done)
        except BaseException:
            self.drain(running)
            raise

    def drain(self, running: dict[Future, Trial]) -> None:
        """Lets what runs finish and keeps its results; the exception that ended the loop is the one to report."""
        for future in list(running):
            if future.cancel():
                del running[future]  # never started: given back by run()
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
            number = _value(value, f"the function's result for trial {trial.number}")
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
        self.rows[:] = [row for row in self.rows if row[0] != trial.number]
        if self.on_trial is not None:
            self.on_trial(self.study.trial(trial.number))
