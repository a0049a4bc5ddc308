"""Models as users pass them to `fit`: one for each member, and checked."""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PRNGKeyArray, PyTree

from neurodyn.common.random import as_key, split
from neurodyn.params import trainable
from neurodyn.params.use import indexed_parameters
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractDataTask, AbstractTask
from neurodyn.training.ensemble import Ensemble, Seeds
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.objectives.supervised import Supervised
from neurodyn.training.objectives.variational import Variational


def seeds_of(model: Any, ensemble: Any) -> Seeds | None:
    """Seeds of an ensemble as a user gives it; None without an ensemble."""
    if ensemble is None and isinstance(model, Ensemble):
        return Seeds(len(model))
    if type(ensemble) is int:
        return Seeds(ensemble)
    if ensemble is not None:
        expect("ensemble", ensemble, Seeds, "a number of seeds, or neurodyn.training.Seeds(n)")
    return ensemble


def members_of(
    model: Any, ensemble: Seeds | None, key: PRNGKeyArray
) -> tuple[list[PyTree], list[PRNGKeyArray]]:
    """Model and key of each member."""
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
            f"`model` is {name_of(model)}: pass one, or a function of a key that makes one, e.g. "
            f"lambda key: {model.__name__}(..., key=key)."
        )
    elif callable(model):
        models = [_made(model, k) for k in init_keys]
    else:
        models = [model]
    models = [on_device(m) for m in models]
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


def default_objective(model: Any, task: AbstractTask) -> AbstractObjective:
    """The loss of the task; refused for series, whose objective depends on the model."""
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


def check_model(model: Any, task: AbstractTask, objective: AbstractObjective) -> None:
    """Refuse a model that cannot be trained, or that does not fit the task or the objective."""
    if not isinstance(model, AbstractSystem):
        raise TypeError(
            "`model` must be a system (neurodyn.models), an Ensemble of them, or a function of a "
            f"key that makes one, got {name_of(model)}"
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


def on_device(tree: PyTree) -> PyTree:
    """NumPy's arrays as those of JAX."""
    return jax.tree.map(lambda x: jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x, tree)


def count(name: str, value: Any, of: str = "steps") -> int:
    """A whole number of at least 1, checked."""
    if isinstance(value, (bool, float)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` is a whole number of {of}, at least 1; got {value!r}.")
    return int(value)


def expect(name: str, value: Any, kind: type, example: str) -> None:
    """Refuse an argument of another class, with an example of the right one."""
    if not isinstance(value, kind):
        raise TypeError(f"`{name}` must be {example}, got {name_of(value)}.")


def name_of(x: Any) -> str:
    """An object in an error message."""
    return f"the class {x.__name__} itself" if isinstance(x, type) else f"a {type(x).__name__}"
