"""Optuna's own tests of samplers, over warpbo.optuna.Sampler. All cases for samplers of one objective run; those for several
objectives do not apply, and SingleOnlySamplerTestCase checks that the sampler says so."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase

import warpbo.optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestSampler(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture(params=["auto", "random"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        warnings.simplefilter("default", warpbo.NoticeWarning)
        return lambda: warpbo.optuna.Sampler(request.param, seed=0)
