"""Batch Bayesian optimization on CPU and GPU.

    import warpbo

    study = warpbo.Study({"x": warpbo.Float(-5, 10), "n": warpbo.Int(1, 100, log=True), "kind": ["a", "b"]})
    study.optimize(lambda trial: measure(trial["x"], trial["n"], trial["kind"]), n_trials=40)
    print(study.best)

`Study` proposes trials and keeps them, `Space` says what may be varied, `GaussianProcess` is the model by itself, and
`warpbo.optuna.Sampler` brings the proposals to Optuna. All exceptions derive from `Error`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import _errors
from ._core import version as __version__
from ._errors import *  # noqa: F403
from ._gaussian_process import GaussianProcess, Prediction
from ._sampler import ModelSummary, SamplerOptions
from ._space import Boolean, Categorical, Constant, Float, Int, Ordinal, Space
from ._study import Study, delete_study, study_names
from ._trial import Trial

__all__ = [
    "Boolean",
    "Categorical",
    "Constant",
    "Float",
    "GaussianProcess",
    "Int",
    "ModelSummary",
    "Ordinal",
    "Prediction",
    "SamplerOptions",
    "Space",
    "Study",
    "Trial",
    "__version__",
    "delete_study",
    "study_names",
]
__all__ += _errors.__all__

for _name in __all__:
    if hasattr(globals()[_name], "__module__"):
        globals()[_name].__module__ = "warpbo"
del _name

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "optuna":  # imported only when wanted: Optuna may not be installed
            return importlib.import_module(".optuna", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
