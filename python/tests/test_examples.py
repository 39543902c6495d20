"""What the README and examples/python show, run as they stand (with few trials)."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import types
import warnings
from typing import Any

import optuna
import pytest

import warpbo

ROOT = pathlib.Path(__file__).parents[2]


def load(name: str) -> types.ModuleType:
    specification = importlib.util.spec_from_file_location(f"example_{name}", ROOT / "examples" / "python" / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def run_block(text: str, heading: str, **names: Any) -> dict[str, Any]:
    """Runs the first Python block after `heading`."""
    section = text[text.index(heading) :]
    block = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert block is not None
    exec(compile(block.group(1), heading, "exec"), names)
    return names


def test_the_readme(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.chdir(tmp_path)

    def measure(x: float, n: int, kind: str) -> float:
        return (x - 3) ** 2 + abs(n - 10) + (kind == "a")

    names = run_block((ROOT / "README.md").read_text(encoding="utf-8"), "## From Python", measure=measure)
    assert isinstance(names["study"], warpbo.Study) and len(names["study"]) == 40 + 16 and names["study"].best_value < 1
    assert (tmp_path / "first.db").exists()


def test_the_sampler_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"`(optuna\.create_study\(sampler=warpbo\.optuna\.Sampler\(\)\))`", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        eval("optuna.create_study(sampler=warpbo.optuna.Sampler())", {"optuna": optuna, "warpbo": warpbo})


def test_the_support_vector_machine(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = load("svm")
    store = f"sqlite:{tmp_path}/svm.db"
    study = module.main(["--trials", "10", "--jobs", "2", "--store", store])
    assert study.count("complete") == 10 and study.best_value < 0.1
    study.close()
    study = module.main(["--trials", "4", "--jobs", "2", "--store", store])  # goes on
    assert study.count("complete") == 14
    assert "best of 14 trials" in capsys.readouterr().out


def test_the_random_forest(capsys: pytest.CaptureFixture[str]) -> None:
    study = load("forest").main(["--trials", "8"])
    assert len(study.trials) == 8 and study.best_value <= study.trials[0].value
    assert "lengthscales" in capsys.readouterr().out
