"""Spaces of environments: checks of trials against them, and the names of their channels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from neurodyn.tasks.bridges.gym_source import Drawn


def n_classes(space: Any) -> int:
    """Number of discrete actions; 0 for actions in a box."""
    return int(getattr(space, "n", 0))


def checked(owner: str, trial: Drawn, seen: Any, acted: Any) -> Drawn:
    """A trial whose arrays are what the spaces say, with classes that count from 0.

    Raises
    ------
    TypeError
        If there is no ground truth, or the actions are neither discrete nor one axis of numbers.
    ValueError
        If arrays have other shapes, or the ground truth is none of the actions.
    """
    if trial.targets is None:
        raise TypeError(
            f"{owner} needs rewards: its trials have no ground truth (`gt`), so that there is "
            "nothing to train outputs on. from_gym takes environments for supervised learning."
        )
    shape = getattr(seen, "shape", None)
    if trial.inputs.ndim != 2 or not len(trial.inputs) or trial.inputs.shape[1:] != shape:
        raise ValueError(
            f"{owner}: `ob` must be (time, input) with one row of the observation space "
            f"{shape} for each step, got shape {trial.inputs.shape}. Observations with several "
            "axes, such as images, must be made flat."
        )
    n_steps, m = len(trial.inputs), n_classes(acted)
    shape = () if m else getattr(acted, "shape", None)
    if not m and (shape is None or len(shape) != 1):
        raise TypeError(f"{owner}: actions must be discrete or a box with one axis, got {acted!r}.")
    targets = trial.targets
    if targets.shape != (n_steps, *shape):
        raise ValueError(
            f"{owner}: `gt` must have one action of shape {shape} for each of the {n_steps} steps "
            f"of `ob`, got shape {targets.shape}."
        )
    if trial.mask is not None and trial.mask.shape != targets.shape:
        raise ValueError(
            f"{owner}: `mask` must have the shape {targets.shape} of `gt`, got {trial.mask.shape}."
        )
    if not m:
        return replace(trial, targets=targets.astype(float))
    start = int(getattr(acted, "start", 0))
    classes = targets - start
    if (classes != np.floor(classes)).any() or classes.min() < 0 or classes.max() >= m:
        wrong = targets[(classes != np.floor(classes)) | (classes < 0) | (classes >= m)][0].item()
        raise ValueError(
            f"{owner}: the ground truth {wrong!r} is none of its {m} actions, {start} to "
            f"{start + m - 1}: it may be a place that actions move to, step by step."
        )
    return replace(trial, targets=classes.astype(int))


def channel_names(kind: str, spaces: Sequence[Any], n: int) -> tuple[str, ...]:
    """Names of channels from ``space.name``, the first space before the next ones.

    A name of several channels is counted, as in ``stimulus_0``; what has no name is numbered.
    """
    found: dict[int, str] = {}
    for space in spaces:
        names = getattr(space, "name", None)
        for name, where in names.items() if isinstance(names, Mapping) else ():
            several = {f"{name}_{k}": i for k, i in enumerate(where)} if np.ndim(where) else {}
            for full, i in (several or {str(name): where}).items():
                # A name stands for one channel, the first that has it.
                if full not in found.values():
                    found.setdefault(int(i), full)
    return tuple(found.get(i, f"{kind} {i}") for i in range(n))
