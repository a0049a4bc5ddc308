"""Checks of the arguments of a task from parts, with errors that say what there is instead."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from neurodyn.common.checks import number
from neurodyn.tasks.laws import ByCode, FromCondition
from neurodyn.tasks.parts.assembly import Code, Uniform
from neurodyn.tasks.parts.outputs import Classes
from neurodyn.tasks.parts.terms import AbstractTerm
from neurodyn.tasks.timeline import Duration, Timeline, check_step, whole_steps


def one_of(argument: str, name: Any, known: Iterable[str]) -> None:
    """Refuse a name that there is not."""
    if name not in tuple(known):
        raise ValueError(f"`{argument}`: {name!r} is none of {', '.join(known) or 'nothing'}.")


def by_name(argument: str, given: Any) -> None:
    """Refuse what names no epochs, or no groups of channels."""
    if not isinstance(given, Mapping):
        raise ValueError(f"`{argument}` must be a dictionary of names, got {given!r}.")


def terms(argument: str, given: Any) -> None:
    """Refuse groups of channels that are no terms."""
    by_name(argument, given)
    for name, term in given.items():
        if not isinstance(term, AbstractTerm):
            raise ValueError(
                f"`{argument}[{name!r}]` must be a term, such as during('stimulus', value=1.0), "
                f"got {term!r}."
            )


def whole_durations(
    dt: Any, conditions: Mapping[Any, Any], epochs: Mapping[str, Any], nearest: bool
) -> dict[Any, Any]:
    """The conditions, of which those that are durations have whole steps.

    Raises
    ------
    ValueError
        If one has not, and is not to be taken to the nearest step.
    """
    check_step(dt)
    lasting = {name for name in epochs.values() if isinstance(name, str)}

    def counted(name: str, ms: Any) -> Any:
        if name not in lasting:
            return ms
        return max(round(ms / dt), 1) * float(dt) if nearest else whole_steps(name, ms, dt, 0) * dt

    found = dict(conditions)
    for names, levels in conditions.items():
        if isinstance(levels, Uniform) or callable(levels):
            continue
        if isinstance(names, tuple) and lasting & {*names}:
            found[names] = [tuple(map(counted, names, row)) for row in levels]
        elif names in lasting:
            found[names] = list(dict.fromkeys(counted(names, float(ms)) for ms in levels))
    return found


def timeline(
    dt: Any,
    epochs: Mapping[str, Duration | str],
    align: str | None,
    conditions: Mapping[str, Any],
    nearest: bool,
) -> Timeline:
    """The epochs in whole steps; the name of a condition becomes the range of its values."""
    durations: dict[str, Any] = {}
    for name, given in epochs.items():
        durations[name] = given
        if isinstance(given, ByCode) and given.condition in conditions:
            _check_codes(name, given, conditions[given.condition])
        if isinstance(given, str):
            one_of(f"epochs[{name!r}]", given, conditions)
            bounds = _bounds(name, given, conditions[given])
            durations[name] = FromCondition(given, *bounds)
    if not durations:
        raise ValueError("`epochs` must name one epoch at least.")
    align = next(iter(durations)) if align is None else align
    one_of("align", align, durations)
    return Timeline.build(dt, align, durations, {}, may_be_zero=tuple(durations), nearest=nearest)


def _check_codes(epoch: str, law: ByCode, values: Any) -> None:
    """Refuse codes without a duration: JAX would take the last one."""
    if callable(values):
        return
    most = values.bounds[1] if isinstance(values, (Uniform, Code)) else float(values.max())
    if most >= len(law.durations):
        raise ValueError(
            f"`epochs[{epoch!r}]` has {len(law.durations)} durations by the codes of "
            f"{law.condition!r}, which go from 0 to {most:g}."
        )


def _bounds(epoch: str, name: str, values: Any) -> tuple[float, float]:
    if isinstance(values, Uniform):
        return values
    if callable(values):
        raise ValueError(
            f"`epochs[{epoch!r}]` lasts as long as {name!r}, which a function draws: say between "
            f"which bounds [ms], FromCondition({name!r}, low, high)."
        )
    return float(values.min()), float(values.max())


def noise(given: Any, inputs: Mapping[str, Any]) -> Any:
    """Noise of all inputs, of some groups, or none."""
    if given is None or (isinstance(given, Mapping) and not given):
        return None
    if not isinstance(given, Mapping):
        return number("noise", given, low=0)
    for name in given:
        one_of("noise", name, inputs)
    return {name: number(f"noise[{name!r}]", std, low=0) for name, std in given.items()}


def weights(
    argument: str, given: Mapping[str, Any] | None, names: tuple[str, ...]
) -> dict[str, Any]:
    """Weights by name: numbers, or conditions and functions that say them."""
    found = {}
    for name, weight in (given or {}).items():
        one_of(argument, name, names)
        said = isinstance(weight, str) or callable(weight)
        found[name] = weight if said else number(f"{argument}[{name!r}]", weight, low=0)
    zero = [name for name, weight in (given or {}).items() if _is_zero(weight)]
    if names and set(zero) == set(names):
        raise ValueError(f"`{argument}` are all 0, so that nothing is scored.")
    return found


def _is_zero(weight: Any) -> bool:
    return isinstance(weight, (int, float)) and weight == 0


def grace(given: Mapping[str, float], line: Timeline, nearest: bool) -> tuple[tuple[str, int], ...]:
    """Steps at the start of epochs that are not scored."""
    found = []
    for name, ms in given.items():
        one_of("grace", name, line.names)
        shortest = line.shortest[line.names.index(name)]
        if nearest:
            steps = max(0, min(round(ms / line.dt), shortest - 1))
        else:
            steps = whole_steps(f"grace[{name!r}]", ms, line.dt, 0)
        if steps >= max(shortest, 1):
            raise ValueError(
                f"`grace[{name!r}]` ({ms:g} ms) must be shorter than the shortest {name!r} "
                f"({shortest * line.dt:g} ms), or nothing of it is scored."
            )
        found.append((name, steps))
    return tuple(found)


def trial(task: Any, nearest: bool) -> None:
    """Go through a trial and its score without computing them: what does not fit is refused now."""
    parts = task.parts()
    outputs = {"class": parts.outputs.target} if isinstance(parts.outputs, Classes) else None
    for term in (*parts.inputs.values(), *(outputs or parts.outputs).values()):
        for name in term.epochs:
            one_of("during", name, task.timeline.names)
        for ms in () if nearest else term.times:
            whole_steps("skip or first", ms, task.dt, 0)
        _check_hash(term)
    _check_unlike("inputs", task.input_names)
    _check_unlike("outputs", task.output_names)

    def go(key: Any) -> Any:
        trials = jax.tree.map(lambda x: jnp.asarray(x)[None], task.sample(key))
        shown = jnp.zeros((*trials.targets.shape[:-1], task.n_outputs), trials.mask.dtype)
        return task.score(shown, trials)

    scores = jax.eval_shape(go, jax.random.key(0))
    if not isinstance(scores, Mapping) or "correct" not in scores:
        raise ValueError("`score` must return a dictionary with 'correct' in it.")


def _check_unlike(argument: str, names: tuple[str, ...]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"`{argument}` have two channels with the name {twice[0]!r}.")


def _check_hash(term: Any) -> None:
    try:
        hash(term)
    except TypeError as error:
        raise ValueError(
            "terms of an EpochTask hold no arrays, because they are compiled in: give a tuple of "
            "numbers or the name of a condition, or derive a class from AbstractEpochTask."
        ) from error
