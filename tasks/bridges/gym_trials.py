"""Environments of neurogym and gymnasium as tasks."""

import importlib
import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neurodyn.common.checks import plain_number, whole
from neurodyn.tasks.bridges import gym_source as source
from neurodyn.tasks.bridges.gym_columns import condition_columns, epoch_columns, warn_of_cut
from neurodyn.tasks.bridges.gym_spaces import channel_names, checked, n_classes
from neurodyn.tasks.bridges.stored import StoredTrials
from neurodyn.tasks.timeline import whole_steps


def from_gym(
    env: Any,
    n: int = 2000,
    seed: int = 0,
    conditions: Mapping[str, Any] | None = None,
    *,
    n_validation: int = 512,
    weights: Mapping[str, float] | None = None,
    grace: float | int = 0.0,
    decision: str = "decision",
    go_cue: bool = False,
    **options: Any,
) -> StoredTrials:
    """Turn an environment with ground truth into a task of stored trials.

    The environment is one of neurogym, or any with its few attributes: ``new_trial()`` makes a
    trial and sets ``ob`` (time, input) and ``gt`` (time,) or (time, output); ``dt`` [ms],
    ``observation_space`` and ``action_space`` describe them; ``start_ind`` and ``end_ind`` hold the
    steps of its epochs, if it has any, and ``mask`` the weights of ``gt``. Observation k and ground
    truth k belong to the same step. No copy is made: durations that an environment draws by a
    function would be drawn by that of the original.

    Parameters
    ----------
    env
        The environment, wrapped or not. Or its id in neurogym, which must be installed then.
    n
        Trials to train on.
    seed
        Seed. Trial i depends on it and on i only, as long as the environment carries nothing from
        one trial to the next; trials of different seeds have nothing in common.
    conditions
        Conditions of all trials, by their names in the environment. A list or an array holds
        several values: all combinations then come equally often, in turn.
    n_validation
        Trials that are held out for validation, besides those to train on.
    weights
        Weights of epochs in the loss, such as ``{"decision": 5.0}``; 1 elsewhere.
    grace
        Time at the start of the decision that is not scored [ms].
    decision
        The epoch at whose last step the answer is read, see
        :meth:`neurodyn.tasks.StoredTrials.score`.
    go_cue
        Whether to add an input, ``go``, that is 1 during the decision: for environments in which no
        input says when to answer.
    **options
        Options of the environment, such as ``dt=20``, if it is given by its id.

    Returns
    -------
    StoredTrials
        Discrete actions become classes, actions in a box numbers. Numbers and texts that describe a
        trial become its conditions, and ``choice_correct`` says which response is right.

    Warns
    -----
    UserWarning
        If the step cuts epochs short, entries of trials become no conditions, nothing says when to
        answer, or a seed does not reproduce a trial.

    Raises
    ------
    ImportError
        If an id is given and neurogym is not installed.
    TypeError
        If the environment has no trials, or no ground truth, because it is learned from rewards.
    ValueError
        If arrays have another shape than the spaces say, the ground truth is no action, a wrapper
        changes single steps, or a condition, epoch or option is unknown.

    Notes
    -----
    Every trial is seeded, and each generator of the environment with numbers of its own.
    neurogym's ``reset(seed=)`` seeds no trials, and its ``seed`` starts the generators of some
    durations and of the answers alike.

    References
    ----------
    Molano-Mazón, Barbosa, Pastor-Ciurana, Fradera, Zhang, Forest, del Pozo Lerida, Ji-An, Cueva, de
    la Rocha, Narain & Yang, "NeuroGym: an open resource for developing and sharing neuroscience
    tasks", PsyArXiv 2022.
    """
    env = _made(env, options)
    n, n_validation = whole("n", n), whole("n_validation", n_validation)
    seed = whole("seed", seed, least=0)
    top, owner = source.top_of(env), source.name_of(env)
    designs = _designs(top, seed, conditions or {})
    if not source.is_reproducible(top, seed):
        warnings.warn(
            f"{owner}: the same seed makes another trial, because it carries something over from "
            "trial to trial, or draws from a generator that its `seed` does not reach.",
            stacklevel=2,
        )
    source.start(top, seed)
    drawn = []
    for i in range(n + n_validation):
        source.seed_all(top, seed, i)
        trial = source.draw(top, designs[i % len(designs)])
        drawn.append(checked(owner, trial, *_spaces(top)))
    return _task(top, owner, drawn, n_validation, weights or {}, grace, decision, go_cue)


def _made(env: Any, options: Mapping[str, Any]) -> Any:
    """The environment itself, made from its id if need be."""
    if not isinstance(env, str):
        if options:
            raise ValueError(
                f"from_gym: {sorted(options)} are options of an environment that is given by its "
                f"id; this {source.name_of(env)} is made already: give it its options there."
            )
        return env
    try:
        neurogym = importlib.import_module("neurogym")
    except ImportError as error:
        lacks = f" ({error})" if "neurogym" not in str(error) else ""
        raise ImportError(
            f"from_gym({env!r}) needs neurogym{lacks}: pip install 'neurodyn[neurogym]' (pins "
            "numpy 2.2), or pass an environment."
        ) from error
    return neurogym.make(env, **options)


def _spaces(top: Any) -> tuple[Any, Any]:
    """Spaces of the observations and actions: a wrapper may widen them."""
    base = source.base_of(top)
    return (
        getattr(top, "observation_space", base.observation_space),
        getattr(top, "action_space", base.action_space),
    )


def _designs(top: Any, seed: int, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All combinations of the conditions that are given."""
    if given:
        source.seed_all(top, seed)
        known = source.known_conditions(top, source.draw(top, {}).about)
        if unknown := sorted(set(given) - known):
            raise ValueError(
                f"{source.name_of(top)} has no condition {', '.join(map(repr, unknown))}; its "
                f"trials have: {', '.join(sorted(known))}."
            )
    levels = [list(x) if isinstance(x, (list, np.ndarray)) else [x] for x in given.values()]
    if not all(levels):
        raise ValueError(f"from_gym: a list of `conditions` is empty: {dict(given)}.")
    return [dict(zip(given, row, strict=True)) for row in itertools.product(*levels)]


def _task(
    top: Any,
    owner: str,
    drawn: Sequence[source.Drawn],
    n_validation: int,
    weights: Mapping[str, float],
    grace: float | int,
    decision: str,
    go_cue: bool,
) -> StoredTrials:
    """The task of the trials that were drawn."""
    base, (seen, acted) = source.base_of(top), _spaces(top)
    dt = plain_number("dt", base.dt, above=0)
    spans = [trial.epochs for trial in drawn]
    epochs = epoch_columns(spans, dt)
    warn_of_cut(owner, getattr(base, "timing", {}), spans, dt)
    needed = set(weights) | ({decision} if go_cue or grace else set())
    if unknown := sorted(needed - set(epochs)):
        raise ValueError(
            f"{owner} has no epoch {', '.join(map(repr, unknown))} to give a weight, a grace or a "
            f"cue; its epochs are: {', '.join(epochs) or 'none'}."
        )
    masks = [_mask(trial, weights, whole_steps("grace", grace, dt, 0), decision) for trial in drawn]
    spaces = [seen, *(each.observation_space for each in source.bases_of(top))]
    names = channel_names("input", spaces, drawn[0].inputs.shape[1])
    inputs = [trial.inputs for trial in drawn]
    if go_cue:
        inputs = [np.column_stack([trial.inputs, _during(trial, decision)]) for trial in drawn]
        names = (*names, "go")
    elif "fixation" in names:
        _warn_of_no_cue(owner, drawn, decision, names.index("fixation"))
    columns, labels = condition_columns(owner, [trial.about for trial in drawn], list(epochs))
    m = n_classes(acted)
    outputs = channel_names("output", (acted,), m or drawn[0].targets.shape[1])
    if m and decision in epochs and "choice_correct" not in columns:
        columns["choice_correct"] = np.array([_answer(trial, decision) for trial in drawn])
        labels["choice_correct"] = {-1: "none"} | dict(enumerate(outputs[1:]))
    return StoredTrials(
        _padded(inputs),
        _padded([trial.targets for trial in drawn]),
        dt=dt,
        n_validation=n_validation,
        lengths=[len(trial.inputs) for trial in drawn],
        mask=_padded(masks),
        conditions=columns,
        epochs=epochs,
        input_names=names,
        output_names=outputs,
        labels=labels,
        decision=decision,
    )


def _padded(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of different lengths, one after the other, with zeros after the end of each."""
    longest = max(len(a) for a in arrays)
    found = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, a in zip(found, arrays, strict=True):
        row[: len(a)] = a
    return found


def _during(trial: source.Drawn, epoch: str, skip: int = 0) -> np.ndarray:
    """1 in the steps of an epoch, but for the first ones."""
    first, stop = trial.epochs.get(epoch, (0, 0))
    step = np.arange(len(trial.inputs))
    return ((step >= first + skip) & (step < stop)).astype(float)


def _mask(
    trial: source.Drawn, weights: Mapping[str, float], grace: int, decision: str
) -> np.ndarray:
    """Weights of the steps of a trial, shaped as its targets."""
    steps = np.ones(len(trial.inputs))
    for name, weight in weights.items():
        steps = np.where(_during(trial, name) > 0, float(weight), steps)
    steps = steps * (1 - _during(trial, decision) + _during(trial, decision, grace))
    steps = steps.reshape(-1, *[1] * (trial.targets.ndim - 1))
    return np.broadcast_to(steps, trial.targets.shape) * (1 if trial.mask is None else trial.mask)


def _answer(trial: source.Drawn, decision: str) -> int:
    """The right response at the last step of the decision, from 0; -1: none."""
    first, stop = trial.epochs.get(decision, (0, 0))
    return int(trial.targets[stop - 1]) - 1 if stop > first else -1


def _warn_of_no_cue(owner: str, drawn: Sequence[source.Drawn], decision: str, channel: int) -> None:
    """Warn if the fixation cue never changes with the start of the decision."""
    changes = [
        trial.inputs[first, channel] != trial.inputs[first - 1, channel]
        for trial in drawn
        for first, stop in [trial.epochs.get(decision, (0, 0))]
        if 0 < first < stop
    ]
    if changes and not any(changes):
        warnings.warn(
            f"{owner}: the input 'fixation' does not change at the start of {decision!r}, so that "
            "it never says when to answer. Pass go_cue=True for an input that does.",
            stacklevel=4,
        )
