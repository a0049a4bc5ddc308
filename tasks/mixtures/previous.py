"""What a network sees of the trial before."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.task import AbstractTask, Trial


def check(names: Sequence[str], task: AbstractTask, trial: Trial) -> None:
    """Refuse conditions that trials of the task do not have."""
    for name in names:
        if name not in trial.conditions:
            known = ", ".join(trial.conditions) or "none"
            raise ValueError(
                f"`previous` names conditions of {type(task).__name__}, which are {known}; got "
                f"{name!r}. What the network did is no condition: inputs are drawn before it runs."
            )
        if jnp.issubdtype(trial.conditions[name].dtype, jnp.integer) and not _codes(name, task):
            raise ValueError(f"The codes of {name!r} have no names, so their number is not known.")


def _codes(name: str, task: AbstractTask) -> list[int]:
    return [code for code in task.labels().get(name, {}) if code >= 0]


def channels(names: Sequence[str], task: AbstractTask) -> tuple[str, ...]:
    """Names of the channels that show the conditions of the trial before."""
    found = []
    for name in names:
        codes = _codes(name, task)
        found += [f"previous_{name}_{code}" for code in codes] or [f"previous_{name}"]
    return tuple(found)


def shown(
    names: Sequence[str], task: AbstractTask, conditions: Mapping[str, Array], dtype: Any
) -> Float[Array, "part channel"]:
    """What each trial shows of the one before; 0 in the first."""
    columns = []
    for name in names:
        values, codes = conditions[name], _codes(name, task)
        columns += [values == code for code in codes] or [values]
    if not columns:
        return jnp.zeros((0, 0), dtype)
    now = jnp.stack([column.astype(dtype) for column in columns], axis=1)
    return jnp.concatenate([jnp.zeros((1, now.shape[1]), dtype), now[:-1]])
