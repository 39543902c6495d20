"""What the trials of a define-by-run objective say about its search space: which parameters always exist, and what explains
the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial


@dataclasses.dataclass(frozen=True)
class Rule:
    """A parameter exists exactly when its parent does and has one of `values` (a choice) or passes a limit (a number).

    Values are Optuna's internal ones: a choice's index, a number as float.
    """

    parent: str
    kind: Literal["in", ">=", "<="]
    values: tuple[float, ...]

    def holds(self, value: float) -> bool:
        if self.kind == "in":
            return value in self.values
        return value >= self.values[0] if self.kind == ">=" else value <= self.values[0]

    def condition(self, parent: str, distribution: BaseDistribution) -> str:
        """The rule in warpbo's words, where the parent is called `parent` and its choices are their indices."""
        if isinstance(distribution, CategoricalDistribution):
            return f"{parent} in [{', '.join(str(int(value)) for value in self.values)}]"
        return f"{parent} {self.kind} {distribution.to_external_repr(self.values[0])!r}"


class Structure:
    """Learns from complete trials, in any order. A rule is kept until a trial contradicts it."""

    def __init__(self) -> None:
        self.rules: dict[str, Rule] = {}
        self.distributions: dict[str, BaseDistribution] = {}
        """What can be proposed: the parameters of all trials, then those with a rule, parents first."""
        self._trials: dict[int, dict[str, float]] = {}  # internal values by trial number
        self._latest: dict[str, tuple[int, BaseDistribution]] = {}

    def update(self, complete: Sequence[FrozenTrial]) -> bool:
        """Takes what is new. False, and nothing is taken, when a trial seen earlier is missing."""
        fresh = [trial for trial in complete if trial.number not in self._trials]
        if len(fresh) + len(self._trials) != len(complete):
            return False
        if not fresh:
            return True
        for trial in fresh:
            self._take(trial)
        if not self._explained(self._trials[trial.number] for trial in fresh):
            self._explain()
        self.distributions = {name: self._latest[name][1] for name in self.distributions}
        return True

    def _take(self, trial: FrozenTrial) -> None:
        values = {}
        for name, distribution in trial.distributions.items():
            values[name] = float(distribution.to_internal_repr(trial.params[name]))
            number, known = self._latest.get(name, (-1, distribution))
            if trial.number > number:
                if isinstance(known, CategoricalDistribution) and known != distribution:
                    self.distributions = {}  # the indices of its choices mean something else: explain anew
                self._latest[name] = (trial.number, distribution)
        self._trials[trial.number] = values

    def _explained(self, fresh: Iterable[dict[str, float]]) -> bool:
        """Whether the new trials have what the known structure says, and nothing else."""
        for values in fresh:
            expected = set()
            for name in self.distributions:
                rule = self.rules.get(name)
                if rule is None or (rule.parent in values and rule.holds(values[rule.parent])):
                    expected.add(name)
            if values.keys() != expected:
                return False
        return True

    def _explain(self) -> None:
        trials = list(self._trials.values())
        names = list(self._latest)
        always = [name for name in names if all(name in values for values in trials)]
        self.rules = {}
        settled = dict.fromkeys(always)
        waiting = [name for name in names if name not in settled]
        progress = True
        while waiting and progress:
            progress = False
            for name in list(waiting):
                rule = self._find_rule(name, list(settled), trials)
                if rule is not None:
                    self.rules[name] = rule
                    settled[name] = None
                    waiting.remove(name)
                    progress = True
        self.distributions = {name: self._latest[name][1] for name in settled}

    def _find_rule(self, name: str, parents: Iterable[str], trials: list[dict[str, float]]) -> Rule | None:
        """The first choice that explains the parameter's existence, or else the first number."""
        numeric: Rule | None = None
        for parent in parents:
            choice = isinstance(self._latest[parent][1], CategoricalDistribution)
            if not choice and numeric is not None:
                continue
            rule = _rule(name, parent, choice, trials)
            if rule is not None and choice:
                return rule
            numeric = numeric or rule
        return numeric


def _rule(name: str, parent: str, choice: bool, trials: list[dict[str, float]]) -> Rule | None:
    present: set[float] = set()
    absent: set[float] = set()
    for values in trials:
        if parent in values:
            (present if name in values else absent).add(values[parent])
        elif name in values:
            return None
    if not present or not absent or present & absent:
        return None
    if choice:
        return Rule(parent, "in", tuple(sorted(present)))
    if min(present) > max(absent):
        return Rule(parent, ">=", (min(present),))
    if max(present) < min(absent):
        return Rule(parent, "<=", (max(present),))
    return None
