"""What the tasks of a mixture have in common, and what each calls by a name of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.mixtures.columns import united
from neurodyn.tasks.mixtures.given import limits_of, table_of

#: What stands for a code that a trial does not have; absent numbers are 0.
NO_CODE = -1
#: What was found by the structure of tasks, because they draw and score trials for it.
_FOUND: dict[Any, Any] = {}
_MOST = 256


@dataclass(frozen=True)
class Part:
    """One task of a mixture.

    Attributes
    ----------
    inputs, outputs
        Where its channels are among those of the mixture.
    n_steps
        Steps of its buffer.
    conditions, scores
        The name that each of its conditions and scores has in the mixture.
    given
        Its conditions that can be given.
    ragged
        Whether its trials say how many steps they have.
    example
        Shapes of two of its trials.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    n_steps: int
    conditions: dict[str, str]
    scores: dict[str, str]
    given: tuple[str, ...]
    ragged: bool
    example: Trial


@dataclass(frozen=True)
class Layout:
    """The trials of a mixture.

    Attributes
    ----------
    inputs, outputs
        Names of the channels, without those that say which task it is.
    n_steps
        Steps of the longest task.
    conditions
        Types of the conditions besides the task.
    epochs
        Names of the epochs.
    ragged
        Whether trials end before the buffer does.
    items
        Whether some tasks have stored items.
    dtype
        Type of the numbers.
    classes
        Whether targets are classes.
    parts
        The tasks.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    n_steps: int
    conditions: dict[str, Any]
    epochs: tuple[str, ...]
    ragged: bool
    items: bool
    dtype: Any
    classes: bool
    parts: tuple[Part, ...]


def layout(
    tasks: Sequence[AbstractTask], names: tuple[str, ...], inputs: str, outputs: str
) -> Layout:
    """The layout of a mixture of tasks, found once for tasks of the same structure."""
    return _once(_layout, tuple(tasks), names, inputs, outputs)


def _once(find: Callable[..., Any], about: Any, *options: Any) -> Any:
    """What ``find(about, *options)`` returns, found once for the content of ``about``."""
    leaves, structure = jax.tree.flatten(about)
    kinds = tuple(map(_content, leaves))
    of = (find, structure, kinds, options, jnp.result_type(float))
    if of not in _FOUND:
        if len(_FOUND) >= _MOST:
            _FOUND.clear()
        _FOUND[of] = find(about, *options)
    return _FOUND[of]


def _content(leaf: Any) -> Any:
    """What tells a leaf of a task from others: names and steps may depend on its values."""
    if isinstance(leaf, jax.core.Tracer):  # on whose values nothing of this can depend
        return leaf.shape, leaf.dtype
    values = np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
    return values.shape, values.dtype, values.tobytes()


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _layout(tasks: Sequence[AbstractTask], names: Any, inputs: str, outputs: str) -> Layout:
    pairs = list(zip(names, tasks, strict=True))
    examples = [_once(_example, task) for task in tasks]
    scores = [_once(_scores, task) for task in tasks]
    found = [example.conditions for example in examples]
    known = [own | ours for own, ours in zip(scores, found, strict=True)]
    named = _united(pairs, known, found)
    conditions_in = [{n: new[n] for n in own} for new, own in zip(named, found, strict=True)]
    scores_in = [{n: new[n] for n in own} for new, own in zip(named, scores, strict=True)]
    all_inputs, input_places = united(names, [t.input_names for t in tasks], inputs == "shared")
    all_outputs, output_places = united(names, [t.output_names for t in tasks], outputs == "shared")
    n_steps = max(task.n_steps for task in tasks)
    parts = tuple(
        Part(
            tuple(input_places[i]),
            tuple(output_places[i]),
            task.n_steps,
            conditions_in[i],
            scores_in[i],
            tuple(table_of(task) | limits_of(task)),
            examples[i].n_valid is not None or examples[i].length is not None,
            examples[i],
        )
        for i, task in enumerate(tasks)
    )
    types = {
        conditions_in[i][name]: value.dtype
        for i in range(len(tasks))
        for name, value in found[i].items()
    }
    return Layout(
        all_inputs,
        all_outputs,
        n_steps,
        types,
        tuple(dict.fromkeys(epoch for example in examples for epoch in example.epochs)),
        any(p.ragged or p.n_steps != n_steps for p in parts),
        any(example.item is not None for example in examples),
        jnp.result_type(*(example.inputs.dtype for example in examples)),
        not jnp.issubdtype(examples[0].targets.dtype, jnp.floating),
        parts,
    )


def refuse_strangers(tasks: Mapping[str, AbstractTask]) -> None:
    """Refuse tasks that cannot be mixed with the first one.

    Raises
    ------
    ValueError
        If two of them differ in their step or its unit, or in the kind of their targets; or if one
        is scored at its last step only, starts from an observation, or answers by several classes.
    """
    examples = {name: _once(_example, task) for name, task in tasks.items()}
    first = next(iter(tasks))
    for name, task in tasks.items():
        what, example = f"`{name}` ({type(task).__name__})", examples[name]
        reason = _alone(task, example)
        if reason:
            raise ValueError(f"{what} {reason}")
        for about, words in (
            (_step, "have one step: make both with the same `dt`"),
            (_kind, "have one kind of targets, classes or numbers: mix each kind by itself"),
        ):
            mine, other = about(task, example), about(tasks[first], examples[first])
            if mine != other:
                raise ValueError(
                    f"Tasks of a mixture {words}, but `{first}` "
                    f"({type(tasks[first]).__name__}) has {other} and {what} has {mine}."
                )


def _alone(task: AbstractTask, example: Trial) -> str | None:
    """Why a task cannot be mixed with any other."""
    if task.scored != "every":
        return (
            "is scored at its last step only, which is another one in each task: a mixture takes "
            "tasks with a target at every step."
        )
    if example.from_first:
        return "is a series that starts from an observation: train on it by itself."
    n = example.targets.shape[-1]
    if not jnp.issubdtype(example.targets.dtype, jnp.floating) and n > 1:
        return f"answers by {n} classes at a time: a mixture takes tasks of one class at a time."
    return None


def _step(task: AbstractTask, example: Trial) -> str:
    unit = task.units().get("time", "ms")
    return f"dt = {task.dt:g}" + (" ms" if unit == "ms" else " (a step without a duration)")


def _kind(task: AbstractTask, example: Trial) -> str:
    floats = jnp.issubdtype(example.targets.dtype, jnp.floating)
    return "numbers as targets" if floats else "classes as targets"


def _example(task: AbstractTask) -> Trial:
    """Shapes of two of its trials."""
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 2))
    return eqx.filter_eval_shape(eqx.filter_vmap(task.sample), keys)


def _scores(task: AbstractTask) -> dict[str, Any]:
    """Shapes of their scores."""
    example = _once(_example, task)
    shape = (*example.targets.shape[:-1], task.n_outputs)
    outputs = jax.ShapeDtypeStruct(shape, example.inputs.dtype)
    return eqx.filter_eval_shape(task.score, outputs, example)


def _united(
    pairs: Any, found: Sequence[Mapping[str, Any]], conditions: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Names in the mixture; those that are something else in another task name their own task.

    Conditions and scores are united together, because both label the trials of a run.
    """

    def about(i: int, name: str) -> tuple:
        value = found[i][name]
        unit = pairs[i][1].units().get(name, "1")
        codes = jnp.issubdtype(value.dtype, jnp.integer)
        return name in conditions[i], codes, value.shape[1:], unit

    kinds: dict[str, set] = {"task": {None}}
    for i, own in enumerate(found):
        for name in own:
            kinds.setdefault(name, set()).add(about(i, name))
    return [
        {name: f"{pairs[i][0]}_{name}" if len(kinds[name]) > 1 else name for name in own}
        for i, own in enumerate(found)
    ]
