from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import pytest

import warpbo

from .conftest import BRANIN, branin


def quick(trial: warpbo.Trial) -> float:
    return float(trial["x"])


def whose_process(trial: warpbo.Trial) -> float:
    return float(os.getpid())


def kills_its_process(trial: warpbo.Trial) -> float:
    os._exit(3)


def test_threads_work_at_the_same_time() -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    barrier = threading.Barrier(4, timeout=30)

    def function(trial: warpbo.Trial) -> float:
        barrier.wait()  # passes only when four run at once
        return branin(trial)

    study.optimize(function, 8, n_jobs=4)
    assert study.count("complete") == 8 and not study.pending


def test_a_free_worker_gets_its_next_trial_at_once() -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    slow = threading.Event()

    def function(trial: warpbo.Trial) -> float:
        if trial.number == 0:
            assert slow.wait(30)
        elif trial.number == 5:
            slow.set()  # trial 0 still runs
        return branin(trial)

    study.optimize(function, 6, n_jobs=2)
    assert study.count("complete") == 6


def test_batches_are_finished_before_the_next() -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    running: list[int] = []

    def function(trial: warpbo.Trial) -> float:
        running.append(trial.number)
        return branin(trial)

    study.optimize(function, 7, n_jobs=2, batch=3)
    assert [sorted(running[i : i + 3]) for i in (0, 3, 6)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert study.count("complete") == 7


def test_an_executor_decides_how_many_run() -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        study.optimize(whose_process, 6, executor=pool)
    assert study.count("complete") == 6
    assert os.getpid() not in {trial.value for trial in study.trials}


def test_all_workers_of_an_executor_work() -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    barrier = threading.Barrier(3, timeout=30)

    def function(trial: warpbo.Trial) -> float:
        barrier.wait()
        return branin(trial)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        study.optimize(function, 6, executor=pool)
    assert study.count("complete") == 6


def test_a_broken_executor_is_an_error() -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        with pytest.raises(concurrent.futures.BrokenExecutor):
            study.optimize(kills_its_process, 3, executor=pool)
    assert study.count("running") == 0 and study.count("failed") >= 1
    assert "Broken" in next(trial.failure for trial in study.trials if trial.state == "failed")


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_an_exception_fails_its_trial_and_goes_on(n_jobs: int) -> None:
    study = warpbo.Study(BRANIN, sampler="random")

    def function(trial: warpbo.Trial) -> float:
        if trial.number == 2:
            raise ZeroDivisionError("at two")
        return branin(trial)

    with pytest.raises(ZeroDivisionError, match="at two"):
        study.optimize(function, 10, n_jobs=n_jobs)
    assert study.trial(2).state == "failed" and study.trial(2).failure == "ZeroDivisionError: at two"
    assert study.count("running") == study.count("waiting") == 0
    study.optimize(function, 3, n_jobs=n_jobs)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_a_caught_exception_only_fails_its_trial(n_jobs: int) -> None:
    study = warpbo.Study(BRANIN, sampler="random")

    def function(trial: warpbo.Trial) -> float:
        if trial.number % 2:
            raise ValueError("odd")
        return branin(trial)

    study.optimize(function, 6, n_jobs=n_jobs, catch=ValueError)
    assert study.count("failed") == study.count("complete") == 3


@pytest.mark.parametrize("value", [None, "0.3", [1.0, 2.0], 1j])
def test_what_is_no_number_is_named(value: Any) -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    with pytest.raises(warpbo.InvalidArgumentError, match="the function's result for trial 0 is"):
        study.optimize(lambda trial: value, 3)
    assert study.trial(0).state == "failed" and len(study) == 1


def test_nan_only_fails_its_trial() -> None:
    study = warpbo.Study(BRANIN, sampler="random", on_notice=lambda text: None)
    study.optimize(lambda trial: float("nan") if trial.number else 1.0, 3)
    assert study.count("failed") == 2


def test_on_trial_sees_the_final_state_in_the_calling_thread() -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    seen: list[warpbo.Trial] = []
    threads: set[int] = set()

    def see(trial: warpbo.Trial) -> None:
        seen.append(trial)
        threads.add(threading.get_ident())

    study.optimize(quick, 5, n_jobs=2, on_trial=see)
    assert sorted(trial.number for trial in seen) == list(range(5)) and all(trial.state == "complete" for trial in seen)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("options", [{}, {"batch": 50}, {"n_jobs": 2}, {"n_jobs": 2, "batch": 50}])
def test_the_time_is_kept(options: dict[str, int]) -> None:
    study = warpbo.Study(BRANIN, sampler="random")
    start = time.monotonic()

    def function(trial: warpbo.Trial) -> float:
        time.sleep(0.05)
        return branin(trial)

    study.optimize(function, 400, timeout=0.4, **options)  # type: ignore[arg-type]
    assert time.monotonic() - start < 10
    assert 1 <= study.count("complete") < 40 and study.count("running") == 0
    assert len(study) == study.count("complete") + study.count("waiting")  # the rest of a batch is back in the queue


def test_an_interrupted_trial_goes_back_into_the_queue() -> None:
    study = warpbo.Study(BRANIN, sampler="random")

    def function(trial: warpbo.Trial) -> float:
        if trial.number == 2:
            raise KeyboardInterrupt
        return branin(trial)

    with pytest.raises(KeyboardInterrupt):
        study.optimize(function, 10)
    assert [trial.state for trial in study.trials] == ["complete", "complete", "waiting"]
    assert study.ask().number == 2


SCRIPT = """
    import os, signal, sys, threading, warpbo
    from warpbo._optimize import Loop
    signal.signal(signal.SIGINT, signal.default_int_handler)
    drain = Loop.drain
    def announced(self, running):
        os.write(1, b"draining\\n")
        drain(self, running)
    Loop.drain = announced
    released = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline() and released.set()), daemon=True).start()
    started = 0
    def function(trial):
        global started
        started += 1
        if started == 2:
            os.write(1, b"ready\\n")
        released.wait()
        return 1.0
    study = warpbo.Study({"x": warpbo.Float(0, 1)}, store=sys.argv[1], sampler="random")
    try:
        study.optimize(function, 100, n_jobs=2)
    except KeyboardInterrupt:
        os.write(1, b"interrupted\\n")
        os._exit(0)
"""


def run_and_interrupt(store: str, signals: int) -> warpbo.Study:
    """Two trials run until they are released, which they are unless a second Ctrl-C comes instead."""
    script = textwrap.dedent(SCRIPT)
    process = subprocess.Popen([sys.executable, "-c", script, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "draining\n"
        if signals == 2:  # sent any earlier, it could become one with the first
            process.send_signal(signal.SIGINT)
        else:
            print("go", file=process.stdin, flush=True)
        assert process.stdout.readline() == "interrupted\n" and process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    return warpbo.Study.open("study", store)


def test_ctrl_c_lets_running_trials_finish(store: str) -> None:
    study = run_and_interrupt(store, signals=1)
    assert study.count("complete") == 2 and len(study) == 2


def test_a_second_ctrl_c_puts_them_back(store: str) -> None:
    study = run_and_interrupt(store, signals=2)
    assert study.count("waiting") == 2 and len(study) == 2
