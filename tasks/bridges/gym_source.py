"""Trials of an environment of neurogym or gymnasium, one at a time and reproducible.

What an environment needs is duck-typed: ``new_trial``, which makes ``ob`` and ``gt`` of a whole
trial, ``dt`` and the two spaces; ``start_ind`` and ``end_ind`` (steps of epochs), ``timing``,
``seed`` and ``mask`` are used where there are any.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Wrappers that check a user's calls, and change nothing.
_CHECKS = {"OrderEnforcing", "PassiveEnvChecker"}
_NEEDED = ("new_trial", "dt", "observation_space", "action_space")


@dataclass(frozen=True)
class Drawn:
    """One trial.

    Attributes
    ----------
    inputs
        ``(time, input)``.
    targets
        Classes ``(time,)`` or numbers ``(time, output)``; None: without ground truth.
    mask
        Weight of each step, shaped as the targets, if the environment says so.
    about
        What the environment says of the trial.
    epochs
        First step of each epoch, and the step after its last one.
    """

    inputs: np.ndarray
    targets: np.ndarray | None
    mask: np.ndarray | None
    about: Mapping[str, Any]
    epochs: dict[str, tuple[int, int]]


def base_of(env: Any) -> Any:
    """The environment below its wrappers."""
    return getattr(env, "unwrapped", env)


def name_of(env: Any) -> str:
    """The name of an environment in messages."""
    return type(base_of(env)).__name__


def top_of(env: Any) -> Any:
    """The outermost part of an environment that makes trials: wrappers may add to each.

    Raises
    ------
    TypeError
        If it makes none, or something that a trial needs is missing.
    ValueError
        If a wrapper changes steps, which stored trials do not have.
    """
    if isinstance(env, type):
        raise TypeError(f"from_gym takes an environment, got the class itself: {env.__name__}().")
    base = base_of(env)
    missing = [name for name in _NEEDED if not hasattr(base, name)]
    if missing:
        raise TypeError(
            f"from_gym takes environments of whole trials with ground truth, such as neurogym's, "
            f"but {name_of(env)} has no {', no '.join(missing)}. It needs `new_trial()` that sets "
            "`ob` (time, input) and `gt` (time,), `dt` [ms], `observation_space` and "
            "`action_space`; `start_ind` and `end_ind` name its epochs."
        )
    for wrapper in _chain(env)[:-1]:
        kind = type(wrapper)
        if (
            not hasattr(kind, "new_trial")
            and kind.__name__ not in _CHECKS
            and _has_own(kind, "step")
        ):
            raise ValueError(
                f"{name_of(env)}: the wrapper {kind.__name__} changes single steps, and stored "
                "trials have no steps to change: pass `env.unwrapped`, which is without it."
            )
    top = getattr(base, "_top", None)
    if top is not None:
        return top
    return next(part for part in _chain(env) if hasattr(type(part), "new_trial"))


def bases_of(top: Any) -> list[Any]:
    """Every environment inside, without wrappers: several where they take turns."""
    found = {id(base_of(top)): base_of(top)}
    for part in _chain(top):
        for each in _fields(part).get("envs", ()):
            found[id(base_of(each))] = base_of(each)
    return list(found.values())


def seed_all(top: Any, seed: int, number: int | None = None) -> None:
    """Seed everything that draws, each with numbers of its own.

    Environments, their schedules and their durations draw from generators of their own; with one
    seed for all, a duration would tell the answer. The seeds belong to the trial ``number``.
    """
    seeders = []
    for part in _chain(top)[:-1]:
        seeders += [part.seed] if hasattr(type(part), "seed") else []
        schedule = _fields(part).get("schedule")
        seeders += [schedule.seed] if hasattr(schedule, "seed") else []
    for base in bases_of(top):
        seeders.append(base.seed if hasattr(type(base), "seed") else _by_reset(base))
        timing = getattr(base, "timing", {})
        seeders += [span.seed for span in timing.values() if hasattr(span, "seed")]
    words = np.random.SeedSequence(seed, spawn_key=() if number is None else (number,))
    for seeder, word in zip(seeders, words.generate_state(len(seeders)), strict=True):
        seeder(int(word))


def start(top: Any, seed: int) -> None:
    """Bring wrappers that take turns to their first turn."""
    seed_all(top, seed)
    for part in _chain(top)[:-1]:
        schedule = _fields(part).get("schedule")
        if hasattr(schedule, "reset"):
            schedule.reset()
            if _has_own(type(part), "reset"):
                part.reset()


def draw(top: Any, conditions: Mapping[str, Any]) -> Drawn:
    """Draw the next trial.

    Raises
    ------
    ValueError
        If a condition is not in the trial as it was given.
    """
    for base in bases_of(top):
        # What a trial does not set would be that of the trial before it.
        for name in ("start_ind", "end_ind"):
            getattr(base, name, {}).clear()
        for name in ("ob", "gt", "mask"):
            _fields(base).pop(name, None)
    about = top.new_trial(**conditions)
    base = base_of(top)
    about = about if isinstance(about, Mapping) else getattr(base, "trial", None) or {}
    for name, value in conditions.items():
        if name in about and not np.array_equal(about[name], value):
            raise ValueError(
                f"{name_of(top)} does not keep to the condition {name}={value!r}: it drew a trial "
                f"with {name}={about[name]!r}."
            )
    first, stop = getattr(base, "start_ind", {}), getattr(base, "end_ind", {})
    arrays = (getattr(base, name, None) for name in ("ob", "gt", "mask"))
    ob, gt, mask = (None if a is None else np.array(a) for a in arrays)
    ob = np.zeros((0, 0)) if ob is None else ob
    epochs = {name: (int(first[name]), int(stop[name])) for name in first if name in stop}
    return Drawn(ob, gt, mask, dict(about), epochs)


def is_reproducible(top: Any, seed: int) -> bool:
    """Whether the same seed makes the same trial; not asked of wrappers, which may take turns."""
    if top is not base_of(top):
        return True
    two = []
    for _ in range(2):
        seed_all(top, seed)
        two.append(draw(top, {}))
    return all(
        np.array_equal(np.asarray(getattr(two[0], name)), np.asarray(getattr(two[1], name)))
        for name in ("inputs", "targets")
    )


def known_conditions(top: Any, about: Mapping[str, Any]) -> set[str]:
    """Names of conditions that its trials take: those that they have, and named arguments."""
    found = set(about)
    for base in bases_of(top):
        for method in (getattr(base, "_new_trial", None), base.new_trial):
            parameters = inspect.signature(method).parameters.values() if method else ()
            found |= {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
    return found


def _chain(env: Any) -> list[Any]:
    """An environment and what is inside of its wrappers, outermost first."""
    found = [env]
    while (inner := _fields(found[-1]).get("env")) is not None:
        found.append(inner)
    return found


def _has_own(kind: type, method: str) -> bool:
    """Whether a wrapper has a method of its own, and not the one that only passes on."""
    owner = next((base for base in kind.__mro__ if method in vars(base)), None)
    return owner is not None and owner.__name__ != "Wrapper"


def _by_reset(base: Any) -> Any:
    return lambda seed: base.reset(seed=seed)


def _fields(part: Any) -> dict[str, Any]:
    """Its own attributes, without those that a wrapper passes on from inside."""
    return getattr(part, "__dict__", {})
