"""Rule algebra: whether a rule can be asked for by the sum of other rules."""

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.experiments.yang2019.performance import scored
from neurodyn.experiments.yang2019.settings import Settings
from neurodyn.models import CTRNN
from neurodyn.tasks import Yang2019

#: Rule that is asked for, and the signed sum of rules that asks for it.
SUMS: dict[str, dict[str, float]] = {
    "delayanti": {"fdanti": 1.0, "delaygo": 1.0, "fdgo": -1.0},
    "contextdelaydm1": {"contextdelaydm2": 1.0, "contextdm1": 1.0, "contextdm2": -1.0},
    "dmsgo": {"dmcgo": 1.0, "dmsnogo": 1.0, "dmcnogo": -1.0},
}


def rule_algebra(settings: Settings, model: CTRNN) -> xr.Dataset | None:
    """Correct trials of a rule by its own input, by the sum of three rules, and by parts of it.

    Returns
    -------
    xr.Dataset
        ``correct`` on `mixture`, with the rule that is asked for; None where no sum is among the
        rules in use.
    """
    task = Yang2019(settings.dt, rules=settings.rules_in_use())
    rows = []
    for rule, whole in SUMS.items():
        if not {rule, *whole} <= set(task.rules):
            continue
        plus, other, minus = whole
        parts = [{rule: 1.0}, whole, {plus: 1.0}, {other: 1.0}]
        parts += [{plus: 1.0, other: 1.0}, {plus: 1.0, minus: -1.0}, {other: 1.0, minus: -1.0}]
        for part in parts:
            scores = scored(model, task.with_rule_input(rule, part), rule, settings.n_trials, 10)
            rows.append((rule, part, scores["correct"].mean()))
    if not rows:
        return None
    rules, parts, correct = zip(*rows, strict=True)
    return labels.dataset(
        {"correct": ("mixture", np.array(correct), "1", "correct trials")},
        {"mixture": [f"{r}: {spelled(p)}" for r, p in zip(rules, parts, strict=True)]}
        | {"asked": ("mixture", list(rules)), "n_rules": ("mixture", [len(p) for p in parts])},
        source="analysis",
        dims=("mixture",),
    )


def spelled(mixture: dict[str, float]) -> str:
    """A mixture in words, such as ``fdanti + delaygo - fdgo``."""
    signs = [("- " if size < 0 else "+ ") + name for name, size in mixture.items()]
    return " ".join(signs).removeprefix("+ ")
