"""The arguments of `fit`, checked before compilation, as the plan of a run."""

import dataclasses
import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import optax
from jaxtyping import PRNGKeyArray, PyTree

from neurodyn.common.arrays import as_array
from neurodyn.common.random import as_key
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractTask, Trial
from neurodyn.training.curriculum import AbstractCurriculum
from neurodyn.training.fingerprint import fingerprint
from neurodyn.training.given import (
    check_model,
    count,
    default_objective,
    expect,
    members_of,
    name_of,
    on_device,
    seeds_of,
)
from neurodyn.training.gradients import BPTT, AbstractGradient
from neurodyn.training.history import evaluated
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.samplers import make_sampler
from neurodyn.training.sharing import Sharing, sharing_of
from neurodyn.training.step import Setup

#: Metrics of which it is known which way is better.
_LARGER = ("validation_correct", "validation_accuracy", "validation_r2")
_SMALLER = ("validation_loss", "validation_mse", "validation_error")


class Plan(NamedTuple):
    """A checked run.

    Attributes
    ----------
    models, keys
        Model and key of each member.
    how
        ``"map"`` or ``"vmap"``; None without an ensemble.
    settings
        Settings that a checkpoint must have too. The mesh is none of them, so that a run may go on
        with other devices.
    sharing
        Where arrays lie on a mesh; None without one.
    """

    setup: Setup
    task: AbstractTask
    models: list[PyTree]
    keys: list[PRNGKeyArray]
    how: str | None
    steps: int
    evaluate_every: int | None
    settings: dict[str, Any]
    select: str
    sharing: Sharing | None

    def evaluates_at(self, step: int) -> bool:
        """Whether there is an evaluation after so many steps."""
        every = self.evaluate_every
        return every is not None and (step % every == 0 or step == self.steps)

    def next_stop(self, step: int) -> int:
        """The next step that is followed by an evaluation, or the last."""
        every = self.evaluate_every
        return self.steps if every is None else min((step // every + 1) * every, self.steps)


@functools.cache
def default_optimizer() -> optax.GradientTransformation:
    """Adam at 1e-3 after clipping the norm of the gradient to 1: made once, compiled once."""
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))


def make_plan(
    model: Any,
    task: Any,
    *,
    objective: Any,
    gradient: Any,
    optimizer: Any,
    steps: Any,
    batch_size: Any,
    sampler: Any,
    evaluate: Any,
    evaluate_every: Any,
    select: Any,
    patience: Any,
    curriculum: Any,
    ensemble: Any,
    key: Any,
    mesh: Any = None,
) -> Plan:
    """Check all arguments of `fit`."""
    if not isinstance(task, AbstractTask):
        raise TypeError(f"`task` must be a task (neurodyn.tasks), got {name_of(task)}{_fix(task)}.")
    task = on_device(task)
    steps = count("steps", steps)
    batch_size = 64 if batch_size is None else batch_size
    sampler = "random" if sampler is None else sampler
    select = "last" if select is None else select
    evaluate_every = _evaluations(evaluate, evaluate_every, steps)
    objective = default_objective(model, task) if objective is None else objective
    gradient = BPTT() if gradient is None else gradient
    optimizer = default_optimizer() if optimizer is None else optimizer
    example = "an objective, e.g. neurodyn.training.Supervised()"
    expect("objective", objective, AbstractObjective, example)
    expect("gradient", gradient, AbstractGradient, "a gradient, e.g. neurodyn.training.BPTT()")
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise TypeError(
            "`optimizer` must be an optax optimiser, e.g. optax.adam(1e-3), got "
            f"{name_of(optimizer)}."
        )
    if curriculum is not None:
        example = "a curriculum, e.g. neurodyn.training.Threshold(...)"
        expect("curriculum", curriculum, AbstractCurriculum, example)
        if evaluate_every is None:
            raise ValueError("A curriculum goes by evaluations: leave out evaluate=False.")
        curriculum.check(task)
    ensemble = seeds_of(model, ensemble)
    models, keys = members_of(model, ensemble, as_key(key, needed_for="Training"))
    for one in models:
        check_model(one, task, objective)
    chosen = make_sampler(sampler, task, batch_size)
    sharing = sharing_of(mesh, models[0], task, chosen, ensemble)
    if ensemble is not None and sharing is not None and sharing.seeds:
        ensemble = dataclasses.replace(ensemble, how="vmap")
    how = None if ensemble is None else ensemble.resolved()
    setup = Setup(
        objective=objective,
        gradient=gradient,
        optimizer=optimizer,
        sampler=chosen,
        curriculum=curriculum,
        task=eqx.partition(task, eqx.is_array)[1],
        evaluate=None if evaluate is False else evaluate,
        watch=_watched(select, patience, evaluate_every),
        patience=None if patience is None else (_int32(patience), _int32(evaluate_every)),
        mesh=None if sharing is None else sharing.mesh,
    )
    settings = {
        "model": fingerprint(models),
        "task": fingerprint(task),
        "objective": fingerprint(objective),
        "gradient": fingerprint(gradient),
        "optimizer": fingerprint(optimizer),
        "curriculum": fingerprint(curriculum),
        "evaluate": fingerprint(evaluate),
        "key": fingerprint(keys),
        "sampler": sampler,
        "batch_size": None if sampler == "full" else batch_size,
        "select": select,
        "patience": patience,
        "evaluate_every": evaluate_every,
        "ensemble": None if ensemble is None else ensemble.described(),
    }
    return Plan(setup, task, models, keys, how, steps, evaluate_every, settings, select, sharing)


def _evaluations(evaluate: Any, every: Any, steps: int) -> int | None:
    if evaluate is False:
        if every is not None:
            raise ValueError("evaluate=False and evaluate_every=... contradict each other.")
        return None
    if evaluate is not None and not callable(evaluate):
        raise TypeError(
            "`evaluate` is a function (model, task, *, key) -> dict of numbers, None for the "
            f"objective's own, or False for none; got {name_of(evaluate)}."
        )
    return max(1, steps // 20) if every is None else count("evaluate_every", every)


def _watched(select: Any, patience: Any, evaluate_every: int | None) -> tuple[str, int] | None:
    """The metric by which a model is selected, or training ends, and its sign."""
    if patience is not None:
        count("patience", patience, "evaluations")
        if evaluate_every is None:
            raise ValueError("`patience` goes by evaluations: leave out evaluate=False.")
    if select == "last":
        return None if patience is None else ("validation_loss", -1)
    which, _, name = select.partition(":") if isinstance(select, str) else ("", "", "")
    if which not in ("best", "max", "min") or not name:
        raise ValueError(
            "`select` is 'last', 'best:NAME', 'max:NAME' or 'min:NAME' with a metric of the "
            f"evaluation, e.g. 'best:validation_correct'; got {select!r}."
        )
    if evaluate_every is None:
        raise ValueError(f"select={select!r} goes by evaluations: leave out evaluate=False.")
    if name != evaluated(name):
        raise ValueError(
            f"select={select!r}: metrics of evaluations are named as in `fit.history`, write "
            f"'{which}:{evaluated(name)}'."
        )
    if which == "best" and name not in _LARGER + _SMALLER:
        raise ValueError(
            f"select={select!r}: whether a larger {name!r} is better is not known; write "
            f"'max:{name}' or 'min:{name}'. Known are {', '.join(_LARGER + _SMALLER)}."
        )
    return name, 1 if which == "max" or (which == "best" and name in _LARGER) else -1


def _int32(x: Any) -> Any:
    return as_array(x, jax.numpy.int32)


def _fix(x: Any) -> str:
    """Advice on an argument that is no task."""
    if isinstance(x, AbstractSystem):
        return ": the model comes first, fit(model, task)"
    if isinstance(x, Trial):
        return ": pass the task that drew the trials, or tasks.Sequences(trials.targets)"
    if isinstance(x, type):
        return f": call it, {x.__name__}()"
    if isinstance(x, (tuple, list)) or hasattr(x, "shape") or hasattr(x, "dims"):
        return ": tasks.Sequences and tasks.Windows make tasks of arrays and recordings"
    return ""
