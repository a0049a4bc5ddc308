"""From what a user passes to `fit` to what runs, with every mistake found before compilation."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import optax
from jaxtyping import PRNGKeyArray, PyTree

from neurodyn.common.arrays import as_array
from neurodyn.common.random import as_key, split
from neurodyn.params import trainable
from neurodyn.params.use import indexed_parameters
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractDataTask, AbstractTask, Trial
from neurodyn.training.curriculum import AbstractCurriculum
from neurodyn.training.ensemble import Ensemble, Seeds
from neurodyn.training.fingerprint import fingerprint
from neurodyn.training.gradients import BPTT, AbstractGradient
from neurodyn.training.history import evaluated
from neurodyn.training.objectives.supervised import AbstractObjective, Supervised
from neurodyn.training.objectives.variational import Variational
from neurodyn.training.samplers import make_sampler
from neurodyn.training.step import Setup

__all__ = ["Plan", "make_plan"]

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
        What a checkpoint must agree with.
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
) -> Plan:
    """Check all arguments of `fit`."""
    if not isinstance(task, AbstractTask):
        raise TypeError(f"`task` must be a task (neurodyn.tasks), got {_name(task)}{_fix(task)}.")
    task = _on_device(task)
    steps = _count("steps", steps)
    batch_size = 64 if batch_size is None else batch_size
    sampler = "random" if sampler is None else sampler
    select = "last" if select is None else select
    evaluate_every = _evaluations(evaluate, evaluate_every, steps)
    objective = _default_objective(model, task) if objective is None else objective
    gradient = BPTT() if gradient is None else gradient
    optimizer = default_optimizer() if optimizer is None else optimizer
    _expect(
        "objective",
        objective,
        AbstractObjective,
        "an objective, e.g. neurodyn.training.Supervised()",
    )
    _expect("gradient", gradient, AbstractGradient, "a gradient, e.g. neurodyn.training.BPTT()")
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise TypeError(
            "`optimizer` must be an optax optimiser, e.g. optax.adam(1e-3), got "
            f"{_name(optimizer)}."
        )
    if curriculum is not None:
        example = "a curriculum, e.g. neurodyn.training.Threshold(...)"
        _expect("curriculum", curriculum, AbstractCurriculum, example)
        if evaluate_every is None:
            raise ValueError("A curriculum goes by evaluations: leave out evaluate=False.")
        curriculum.check(task)
    ensemble = _seeds(model, ensemble)
    how = None if ensemble is None else ensemble.resolved()
    models, keys = _members(model, ensemble, as_key(key, needed_for="Training"))
    for one in models:
        _check_model(one, task, objective)
    chosen = make_sampler(sampler, task, batch_size)
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
    return Plan(setup, task, models, keys, how, steps, evaluate_every, settings, select)


def _seeds(model: Any, ensemble: Any) -> Seeds | None:
    if ensemble is None and isinstance(model, Ensemble):
        return Seeds(len(model))
    if type(ensemble) is int:
        return Seeds(ensemble)
    if ensemble is not None:
        _expect("ensemble", ensemble, Seeds, "a number of seeds, or neurodyn.training.Seeds(n)")
    return ensemble


def _members(
    model: Any, ensemble: Seeds | None, key: PRNGKeyArray
) -> tuple[list[PyTree], list[PRNGKeyArray]]:
    keys = [key] if ensemble is None else ensemble.keys(key)
    init_keys, keys = zip(*(split(k) for k in keys), strict=True)
    if isinstance(model, Ensemble):
        if len(model) != len(keys):
            raise ValueError(
                f"`model` is an ensemble of {len(model)}, but ensemble asks for {len(keys)}."
            )
        models = list(model)
    elif isinstance(model, AbstractSystem):
        models = [model] * len(keys)
    elif isinstance(model, type):
        raise TypeError(
            f"`model` is {_name(model)}: pass one, or a function of a key that makes one, e.g. "
            f"lambda key: {model.__name__}(..., key=key)."
        )
    elif callable(model):
        models = [_made(model, k) for k in init_keys]
    else:
        models = [model]
    models = [_on_device(m) for m in models]
    if len(models) > 1:
        Ensemble(models)  # says what differs
    return models, list(keys)


def _made(make: Callable, key: PRNGKeyArray) -> Any:
    try:
        inspect.signature(make).bind(key)
    except TypeError as error:
        raise TypeError(
            "`model` is a function, which is called with a key to make a model, but it cannot be "
            f"({error}): write lambda key: CTRNN(..., key=key)."
        ) from error
    except ValueError:  # a signature that Python cannot see
        pass
    return make(key)


def _default_objective(model: Any, task: AbstractTask) -> AbstractObjective:
    """The task's own loss, but for series, where which model it is decides what is predicted."""
    if isinstance(model, Variational):
        raise ValueError(
            f"{type(model).__name__} is variational, and is trained on a lower bound: pass "
            "objective=neurodyn.training.ELBO()."
        )
    if eqx.filter_eval_shape(task.sample, as_key(0)).from_first:
        raise ValueError(
            f"{type(task).__name__} is a series to predict: pass objective= one of neurodyn."
            "training: SparseTeacherForcing or GeneralisedTeacherForcing for maps whose state an "
            "observation points to, NextStep for networks that read the series, ELBO for "
            "variational ones; or Supervised() for free runs from the first sample of each window."
        )
    return Supervised()


def _check_model(model: Any, task: AbstractTask, objective: AbstractObjective) -> None:
    if not isinstance(model, AbstractSystem):
        raise TypeError(
            "`model` must be a system (neurodyn.models), an Ensemble of them, or a function of a "
            f"key that makes one, got {_name(model)}"
            + (": pass its model, fit.model." if type(model).__name__ == "Fit" else ".")
        )
    params = eqx.filter(model, trainable(model))
    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    if not leaves:
        raise ValueError(f"{type(model).__name__} has no parameter that may be trained.")
    for path, leaf in leaves:
        if not np.isfinite(np.asarray(leaf)).all():
            raise ValueError(
                f"{type(model).__name__}{jax.tree_util.keystr(path)} holds NaN or infinite values "
                "before training."
            )
    objective.check(model, task)
    for parameter in indexed_parameters(model):
        n, by = parameter.values.shape[0], parameter.by
        if by != "sequence":
            continue
        if not isinstance(task, AbstractDataTask):
            raise ValueError(
                f"{type(model).__name__} has a parameter for each sequence, but "
                f"{type(task).__name__} draws its trials: use a task over stored items."
            )
        if n != task.n_items:
            raise ValueError(
                f"{type(model).__name__} has a parameter for each of {n} sequences, but "
                f"{type(task).__name__} has {task.n_items} items: build it with n={task.n_items}."
            )


def _evaluations(evaluate: Any, every: Any, steps: int) -> int | None:
    if evaluate is False:
        if every is not None:
            raise ValueError("evaluate=False and evaluate_every=... contradict each other.")
        return None
    if evaluate is not None and not callable(evaluate):
        raise TypeError(
            "`evaluate` is a function (model, task, *, key) -> dict of numbers, None for the "
            f"objective's own, or False for none; got {_name(evaluate)}."
        )
    return max(1, steps // 20) if every is None else _count("evaluate_every", every)


def _watched(select: Any, patience: Any, evaluate_every: int | None) -> tuple[str, int] | None:
    """The metric by which a model is selected, or training ends, and its sign."""
    if patience is not None:
        _count("patience", patience, "evaluations")
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


def _on_device(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda x: jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x, tree)


def _count(name: str, value: Any, of: str = "steps") -> int:
    if isinstance(value, (bool, float)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` is a whole number of {of}, at least 1; got {value!r}.")
    return int(value)


def _expect(name: str, value: Any, kind: type, example: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"`{name}` must be {example}, got {_name(value)}.")


def _name(x: Any) -> str:
    return f"the class {x.__name__} itself" if isinstance(x, type) else f"a {type(x).__name__}"


def _fix(x: Any) -> str:
    """What to pass in the place of something that is no task."""
    if isinstance(x, AbstractSystem):
        return ": the model comes first, fit(model, task)"
    if isinstance(x, Trial):
        return ": pass the task that drew the trials, or tasks.Sequences(trials.targets)"
    if isinstance(x, type):
        return f": call it, {x.__name__}()"
    if isinstance(x, (tuple, list)) or hasattr(x, "shape") or hasattr(x, "dims"):
        return ": tasks.Sequences and tasks.Windows make tasks of arrays and recordings"
    return ""
