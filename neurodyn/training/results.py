"""Results of training, made from the state of the members."""

import dataclasses
import textwrap
import warnings
from typing import Any, NamedTuple

import equinox as eqx
import xarray as xr
from jaxtyping import PyTree

from neurodyn.common.reprs import brief
from neurodyn.training.ensemble import Ensemble
from neurodyn.training.history import History
from neurodyn.training.plan import Plan
from neurodyn.training.step import copied


@dataclasses.dataclass(frozen=True)
class Fit:
    """The result of training.

    Attributes
    ----------
    model
        The trained model, or an :class:`Ensemble` of them.
    history
        Losses and gradient norms on ``step``, evaluations on ``evaluation`` (``validation_...``),
        both counted in steps taken before; with ``seed`` for an ensemble.
    task
        The task as the curriculum left it; a list of them for an ensemble.
    seconds
        Wall time spent on ``compile``, ``train``, ``evaluate`` and ``checkpoint`` [s], kept apart
        from the history, which is the same in every run.
    """

    model: Any
    history: xr.Dataset
    task: Any
    seconds: dict[str, float]

    def __repr__(self) -> str:
        model, *_ = repr(self.model).splitlines()
        last = {name: x.values[..., -1].mean() for name, x in self.history.items() if x.size}
        last.pop("grad_norm", None)
        numbers = ", ".join(f"{name} {float(x):.4g}" for name, x in sorted(last.items()))
        took = ", ".join(f"{what} {s:.3g} s" for what, s in self.seconds.items())
        lines = (
            f"Fit: {self.history.sizes.get('step', 0):,} steps",
            f"model {model}",
            f"at the end {numbers}",
            f"took {took}",
        )
        return "\n  ".join(textwrap.shorten(line, 98, placeholder=" ...") for line in lines)


class Snapshot(NamedTuple):
    """The state of a run after an evaluation, for callbacks.

    Attributes
    ----------
    step
        Number of steps taken.
    metrics
        The last loss and the numbers of the evaluation, named as in ``Fit.history`` (``loss``,
        ``validation_loss``, ``validation_correct``...); for an ensemble their means over members.
    model
        The model as it is, or an :class:`Ensemble`; it may be kept.
    """

    step: int
    metrics: dict[str, float]
    model: Any

    def __repr__(self) -> str:
        return brief(self)


def models_of(plan: Plan, run: Any, *, best: bool) -> Any:
    """The model or ensemble, as it is or as it was at its best evaluation."""
    models = [model_of(*run.member(i), best=best, seed=i) for i in range(len(plan.models))]
    return models[0] if plan.how is None else Ensemble(models)


def model_of(constants: Any, member: Any, *, best: bool, seed: int) -> PyTree:
    """One member's model."""
    params = member.params
    if best and int(member.best_step) >= 0:
        params = member.best
    elif best:
        warnings.warn(
            f"seed {seed}: no evaluation gave the metric of `select` a number, so the last model "
            "is returned.",
            stacklevel=4,
        )
    # Copies, since the buffers are given away when training goes on.
    return eqx.combine(copied(params), constants.rest)


def tasks_of(plan: Plan, run: Any) -> Any:
    """The task, or each member's, as the curriculum left it."""
    tasks = [
        eqx.combine(run.member(i)[1].task, run.setup_of(i).task) for i in range(len(plan.models))
    ]
    return tasks[0] if plan.how is None else tasks


def history_of(plan: Plan, history: History) -> xr.Dataset:
    """The labelled history."""
    attrs = {
        "model": type(plan.models[0]).__name__,
        "task": type(plan.task).__name__,
        "objective": type(plan.setup.objective).__name__,
        "select": plan.select,
    }
    if (protocol := getattr(plan.setup.evaluate, "protocol", None)) is not None:
        attrs["evaluation"] = str(protocol)
    return history.dataset(ensemble=plan.how is not None, attrs=attrs)
