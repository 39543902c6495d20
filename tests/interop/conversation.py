"""What Optuna 5 and warpbo say to each other over one SQLite file. Runs where Optuna is installed; see run.py."""
import datetime
import json
import math
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

TOOL = sys.argv[1]
optuna.logging.set_verbosity(optuna.logging.WARNING)

STATES = {
    "complete": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "pruned": TrialState.PRUNED,
    "running": TrialState.RUNNING,
    "waiting": TrialState.WAITING,
}


def tool(*arguments):
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def warpbo_trials(*arguments):
    return [json.loads(line) for line in tool(*arguments).splitlines()]


def schema(path):
    """Tables, columns with types and constraints, and indexes, without the white space."""
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        plain = lambda text: re.sub(r"\s*([(),])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()
        return {(kind, name): plain(sql) for kind, name, sql in rows}


def same_value(ours, theirs):
    assert type(ours) is type(theirs), (ours, theirs)
    assert ours == theirs, (ours, theirs)


def same_trial(ours, theirs):
    """A trial as warpbo printed it, and as Optuna loaded it."""
    assert ours["number"] == theirs.number
    assert STATES[ours["state"]] == theirs.state, (ours, theirs)
    if theirs.state == TrialState.COMPLETE:
        assert float(ours["value"]) == theirs.value, (ours, theirs)
    assert set(ours["parameters"]) == set(theirs.params), (ours, theirs)
    for name, value in theirs.params.items():
        same_value(ours["parameters"][name], value)


def test_fresh_schema_is_optunas(directory):
    tool("write", directory / "ours.db")
    optuna.create_study(storage=f"sqlite:///{directory}/theirs.db")
    assert schema(directory / "ours.db") == schema(directory / "theirs.db")
    with sqlite3.connect(directory / "ours.db") as ours, sqlite3.connect(directory / "theirs.db") as theirs:
        for query in ("SELECT * FROM alembic_version", "SELECT version_info_id, schema_version FROM version_info"):
            assert ours.execute(query).fetchall() == theirs.execute(query).fetchall()


def test_optuna_loads_what_warpbo_wrote(directory):
    path = directory / "a.db"
    written = warpbo_trials("write", path)
    study = optuna.load_study(study_name="from-warpbo", storage=f"sqlite:///{path}")
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    trials = study.trials
    assert [t.number for t in trials] == list(range(len(written)))
    for ours, theirs in zip(written, trials):
        same_trial(ours, theirs)
        for name, distribution in theirs.distributions.items():
            assert distribution._contains(distribution.to_internal_repr(theirs.params[name])), (name, theirs.params[name], distribution)
        if theirs.state not in (TrialState.WAITING, TrialState.RUNNING):
            theirs._validate()
    d = trials[0].distributions
    assert d["lr"] == FloatDistribution(1e-5, 1e-1, log=True)
    assert d["drop"] == FloatDistribution(0.0, 0.9, step=0.3)
    assert d["width"] == IntDistribution(16, 256, step=16)
    assert d["depth"] == IntDistribution(1, 100, log=True)
    assert d["opt"] == CategoricalDistribution(["sgd", "adam"])
    assert d["mixed"] == CategoricalDistribution([1, 1.5, False, "é\"\\\n"])
    assert d["size"] == CategoricalDistribution(["s", "m", "l"])
    assert d["seed"] == IntDistribution(7, 7)
    assert all(("momentum" in t.params) == (t.params["opt"] == "sgd") for t in trials if "opt" in t.params and t.state == TrialState.COMPLETE)
    states = [t.state for t in trials]
    assert states.count(TrialState.COMPLETE) == 13 and states.count(TrialState.FAIL) == 1
    assert states.count(TrialState.RUNNING) == 1 and states.count(TrialState.WAITING) == 2
    failed = next(t for t in trials if t.state == TrialState.FAIL)
    assert failed.user_attrs["warpbo:failure"] == 'exit status 1: "CUDA\xa0out of memory"\n', failed.user_attrs
    assert next(t for t in trials if t.state == TrialState.RUNNING).user_attrs["host"] == "node-1"
    assert any(t.value == -math.inf for t in trials)
    now = datetime.datetime.now()
    for trial in trials:
        if trial.state != TrialState.WAITING:
            assert abs(now - trial.datetime_start) < datetime.timedelta(minutes=5), "times are UTC"
    assert study.best_value == max(t.value for t in trials if t.value is not None)


def every_parameter(trial):
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    trial.suggest_float("drop", 0.0, 0.9, step=0.3)
    trial.suggest_int("width", 16, 256, step=16)
    trial.suggest_int("depth", 1, 100, log=True)
    opt = trial.suggest_categorical("opt", ["sgd", "adam"])
    trial.suggest_categorical("mixed", [1, 1.5, False, "é\"\\\n"])
    trial.suggest_categorical("size", ["s", "m", "l"])
    trial.suggest_categorical("bias", [False, True])
    trial.suggest_int("seed", 7, 7)
    trial.suggest_categorical("note", ["fixed"])
    if opt == "sgd":
        trial.suggest_float("momentum", 0.0, 0.99)
    return -((math.log10(lr) + 3) ** 2)


def test_optuna_continues_and_warpbo_continues_after_it(directory):
    path = directory / "a.db"
    before = len(warpbo_trials("write", path))
    study = optuna.load_study(study_name="from-warpbo", storage=f"sqlite:///{path}")
    study.optimize(every_parameter, n_trials=5)
    # The two queued trials came first, with the values they were queued with.
    done = {t.number: t for t in study.trials}
    queued = [done[n] for n in (before - 2, before - 1)]
    assert [t.state for t in queued] == [TrialState.COMPLETE] * 2
    assert queued[0].params["lr"] == 0.001 and queued[0].params["opt"] == "adam"
    assert queued[1].params["lr"] == 0.002 and queued[1].params["mixed"] == 1.5
    assert len(done) == before + 3
    for ours, theirs in zip(warpbo_trials("read", path, "from-warpbo"), study.trials):
        same_trial(ours, theirs)
    after = warpbo_trials("continue", path, "from-warpbo", 4)
    assert [t["number"] for t in after] == list(range(before + 7))
    for ours, theirs in zip(after, study.trials):
        same_trial(ours, theirs)


def test_plots(directory):
    path = directory / "a.db"
    tool("write", path)
    study = optuna.load_study(study_name="from-warpbo", storage=f"sqlite:///{path}")
    import optuna.visualization as visualization

    finite = lambda t: t.value if math.isfinite(t.value) else -100.0
    for plot in (
        visualization.plot_optimization_history,
        visualization.plot_slice,
        visualization.plot_parallel_coordinate,
        visualization.plot_contour,
        visualization.plot_edf,
        visualization.plot_rank,
        visualization.plot_timeline,
        visualization.plot_intermediate_values,
    ):
        if plot is visualization.plot_contour or plot is visualization.plot_rank:
            figure = plot(study, params=["lr", "depth"], target=finite, target_name="value")
        else:
            figure = plot(study)
        figure.to_json()
    visualization.plot_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()).to_json()
    frame_columns = {c for t in study.trials for c in t.user_attrs}
    assert "warpbo:failure" in frame_columns


def optunas_objective(trial):
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    trial.suggest_float("drop", 0, 1, step=0.25)
    trial.suggest_int("width", 1, 10, step=3)
    trial.suggest_int("depth", 1, 64, log=True)
    kind = trial.suggest_categorical("kind", ["a", 1, 2.5, True, None, "é\"\\\n"])
    trial.suggest_float("fixed", 3, 3)
    trial.report(0.5, 1)
    if kind == "a":
        trial.suggest_float("only_a", 0, 1)
    if trial.number == 2:
        raise optuna.TrialPruned()
    if trial.number == 3:
        raise ValueError("boom")
    if trial.number == 4:
        return -math.inf
    if trial.number == 5:
        return math.nan
    return -((math.log10(lr) + 3) ** 2)


def same_foreign_trial(ours, theirs):
    assert ours["number"] == theirs.number and STATES[ours["state"]] == theirs.state, (ours, theirs)
    if theirs.state == TrialState.COMPLETE:
        assert float(ours["value"]) == theirs.value
    for name, value in theirs.params.items():
        same_value(ours["parameters"][name], "None" if value is None else value)
    assert "warpbo:unread" not in ours["attributes"], ours


def test_warpbo_reads_and_continues_what_optuna_wrote(directory):
    path = directory / "b.db"
    study = optuna.create_study(study_name="from-optuna", storage=f"sqlite:///{path}", direction="maximize")
    study.enqueue_trial({"lr": 1e-3, "kind": "a"}, user_attrs={"memo": "é"})
    study.optimize(optunas_objective, n_trials=10, catch=(ValueError,))
    running = study.ask()
    running.suggest_float("lr", 1e-5, 1e-1, log=True)
    study.enqueue_trial({"lr": 2e-3, "width": 4, "kind": None})
    space = {p["name"]: p for p in json.loads(tool("space", path, "from-optuna"))["parameters"]}
    assert set(space) == {"lr", "drop", "width", "depth", "kind", "fixed", "only_a"}, space

    read = warpbo_trials("read", path, "from-optuna")
    assert len(read) == 12
    for ours, theirs in zip(read[:11], study.trials):
        same_foreign_trial(ours, theirs)
    assert read[0]["attributes"]["memo"] == '"\\u00e9"'
    assert read[11]["state"] == "waiting" and read[11]["parameters"] == {"lr": 2e-3, "width": 4, "kind": "None"}, read[11]

    after = warpbo_trials("continue", path, "from-optuna", 6)
    assert len(after) == 17, "the queued trial is one of the six"
    assert after[11]["state"] == "complete" and after[11]["parameters"]["lr"] == 2e-3 and after[11]["parameters"]["kind"] == "None"
    trials = study.trials
    for ours, theirs in zip(after, trials):
        same_foreign_trial(ours, theirs)
    assert trials[11].params["kind"] is None and trials[11].distributions["kind"] == trials[0].distributions["kind"]
    # And Optuna goes on again, with every distribution still compatible.
    study.optimize(optunas_objective, n_trials=3)
    assert len(warpbo_trials("read", path, "from-optuna")) == 20


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def test_dashboard_answers_while_warpbo_works(directory):
    path = directory / "a.db"
    tool("write", path)
    worker = subprocess.Popen([TOOL, "hold", path, "from-warpbo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    dashboard = None
    try:
        assert worker.stdout.readline() == "ready\n"
        port = 20000 + time.time_ns() % 20000
        command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()", f"sqlite:///{path}", "--port", str(port), "--server", "wsgiref", "--quiet"]
        dashboard = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while True:
            try:
                studies = json.loads(get(base + "/api/studies"))["study_summaries"]
                break
            except OSError:
                assert time.monotonic() < deadline and dashboard.poll() is None, "the dashboard does not start"
                time.sleep(0.2)
        assert [s["study_name"] for s in studies] == ["from-warpbo"], studies
        detail = json.loads(get(f"{base}/api/studies/{studies[0]['study_id']}"))
        first = len(detail["trials"])
        assert first >= 17, first
        assert {t["state"] for t in detail["trials"]} >= {"Complete", "Fail", "Running"}, {t["state"] for t in detail["trials"]}
        csv = get(f"{base}/csv/{studies[0]['study_id']}").decode()
        assert csv.count("\n") >= first, csv[:300]
        get(f"{base}/api/studies/{studies[0]['study_id']}/param_importances")
        # It is live: more trials appear while both have the file open.
        while len(json.loads(get(f"{base}/api/studies/{studies[0]['study_id']}"))["trials"]) <= first:
            assert time.monotonic() < deadline, "no new trial appears"
            time.sleep(0.3)
        note = json.dumps({"body": "from the dashboard", "version": 1}).encode()
        urllib.request.urlopen(
            urllib.request.Request(f"{base}/api/studies/{studies[0]['study_id']}/note", data=note, method="PUT", headers={"Content-Type": "application/json"}),
            timeout=20,
        ).close()
    finally:
        if dashboard is not None:
            dashboard.terminate()
            dashboard.wait()
        output, _ = worker.communicate("", timeout=60)
    assert worker.returncode == 0, output
    numbers = [json.loads(line)["number"] for line in output.splitlines()]
    assert numbers == list(range(len(numbers)))


def main():
    print(f"Optuna {optuna.__version__}")
    failed = 0
    for name, test in [item for item in globals().items() if item[0].startswith("test_")]:
        with tempfile.TemporaryDirectory() as directory:
            start = time.monotonic()
            try:
                test(pathlib.Path(directory))
                verdict = "ok"
            except Exception:
                import traceback

                traceback.print_exc()
                verdict = "FAILED"
                failed += 1
            print(f"{verdict:7} {name} ({time.monotonic() - start:.1f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
