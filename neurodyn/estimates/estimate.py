"""The front door: what training and a run would cost, asked without doing either."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from neurodyn.common.checks import whole
from neurodyn.common.random import as_key
from neurodyn.estimates import programs, runs
from neurodyn.estimates.cards import Card, as_card
from neurodyn.estimates.results import Estimate, Hardware, Part
from neurodyn.params import trainable
from neurodyn.system import AbstractSystem
from neurodyn.task import AbstractTask
from neurodyn.training.ensemble import Ensemble
from neurodyn.training.given import default_objective, expect, name_of, on_device, seeds_of
from neurodyn.training.gradients import BPTT, AbstractGradient
from neurodyn.training.members import usable_cores
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.plan import default_optimizer
from neurodyn.training.samplers import make_sampler
from neurodyn.training.step import Setup

_PARTS = ("training", "run")


def estimate(
    model: Any,
    task: Any = None,
    *,
    objective: Any = None,
    gradient: Any = None,
    optimizer: Any = None,
    steps: int | None = None,
    batch_size: int | None = None,
    sampler: str | None = None,
    ensemble: Any = None,
    n_trials: int | None = None,
    n_steps: int | None = None,
    dt: float | None = None,
    solver: Any = None,
    save: Any = None,
    spike_rate: float = 10.0,
    card: str | Card | Sequence[str | Card] = (),
    precision: str | None = None,
    parts: str | Sequence[str] | None = None,
    key: Any = 0,
) -> Estimate:
    """Operations, bytes, memory and seconds of a training step and of a run, before either.

    The programs that :func:`neurodyn.fit` and :func:`neurodyn.simulate` would run are compiled
    from the shapes of their arrays. No array is made, so a network of a million units can be asked
    about on a laptop. XLA's program is then counted as XLA's own cost analysis does, but with every
    loop as often as it runs, and with the library's own kernels, which XLA does not look into.

    Parameters
    ----------
    model
        A system; a function of a key that makes one, which is only traced; or an Ensemble.
    task
        The task, as for `fit` and `simulate`. For a run alone also inputs ``(time, *trial,
        input)``, arrays or ``jax.ShapeDtypeStruct``, or None.
    objective, gradient, optimizer, batch_size, sampler, ensemble
        Of the training, as for :func:`neurodyn.fit`. Evaluations are not counted.
    steps
        Steps of the whole training, whose seconds are then told, too.
    n_trials, n_steps, dt, solver, save
        Of the run, as for :func:`neurodyn.simulate`.
    spike_rate
        Spikes of a unit per second [Hz], which cost time in networks with spikes; default 10 Hz,
        of the order of cortical rates. The rate that a first short run shows is better.
    card
        Cards whose roofline is asked for: names such as ``"H100"``, ``"A100"``, ``"L4"``, ``"RTX
        4090"`` (:data:`neurodyn.estimates.CARDS`), or a :class:`neurodyn.estimates.Card`.
    precision
        ``"float32"``, ``"tf32"``, ``"bfloat16"`` or ``"float64"``: of the matrix products on cards.
        Default: TF32 where the card has it, which is JAX's default for single precision.
    parts
        ``"training"``, ``"run"`` or both; default: both, for a task and a model that can be
        trained.
    key
        Seed or key, of no effect on the numbers but those of tasks that draw how long trials are.

    Returns
    -------
    Estimate
        Prints as a table; ``.table()`` is a Dataset.

    Raises
    ------
    ValueError, TypeError
        If arguments do not fit each other, before anything is compiled.

    Notes
    -----
    Seconds on this machine follow from what it reaches, which is measured at the first call in a
    process (a few seconds): the cost of a launch, of an operation of each class, bandwidth, and
    matrix products of the sizes in the program. On a card they are the roofline of its data sheet
    and the time of launches: no measurement, and a lower bound. Compilation is not included. The
    program is the one for this machine, also where a card is asked about: members of
    ``Seeds(n, how="vmap")`` then count one by one where a compiled kernel runs here
    (``NEURODYN_KERNELS=xla`` counts them together).

    Examples
    --------
    >>> import neurodyn as nd
    >>> from neurodyn import models, tasks
    >>> task = tasks.PerceptualDecision()
    >>> asked = nd.estimate(
    ...     lambda key: models.CTRNN(task.n_inputs, 1_000_000, task.n_outputs, key=key),
    ...     task,
    ...     parts="run",
    ...     card="H100",
    ... )
    >>> asked.limit("run", "H100")
    'memory: does not fit'
    """
    key = as_key(key, needed_for="An estimate")
    if isinstance(spike_rate, bool) or not float(spike_rate) >= 0:
        raise ValueError(f"`spike_rate` is a number of Hz, 0 or more, got {spike_rate!r}.")
    cards = [card] if isinstance(card, (str, Card)) else list(card)
    hardware = [Hardware(each, precision) for each in map(as_card, cards)]
    seeds = seeds_of(model, ensemble)
    own, n_members = _shapes_of(model, key), 1 if seeds is None else seeds.n
    wanted = _wanted(parts, own, task)
    step = None if steps is None else whole("steps", steps)
    if step is not None and "training" not in wanted:
        raise ValueError("`steps` are those of a training: pass a task, and parts='training'.")
    rate = float(spike_rate) / 1000  # per ms
    found = []
    if "training" in wanted:
        setup, task = _setup(own, task, objective, gradient, optimizer, batch_size, sampler)
        how = None if seeds is None else seeds.resolved()
        spikes = rate * float(task.dt)
        found.append(_training(setup, own, task, key, n_members, how, spikes))
    elif any(x is not None for x in (objective, gradient, optimizer, batch_size, sampler)):
        raise ValueError(
            "`objective`, `gradient`, `optimizer`, `batch_size` and `sampler` are those of a "
            "training, which is not asked for: pass a task, and parts='training' or both."
        )
    if "run" in wanted:
        step_ms = task.dt if isinstance(task, AbstractTask) else 1.0 if dt is None else dt
        found.append(
            _run(
                runs.run(
                    own,
                    task,
                    n_trials=n_trials,
                    n_steps=n_steps,
                    dt=dt,
                    solver=solver,
                    save=save,
                    key=key,
                    spikes=rate * float(step_ms),
                ),
                n_members,
            )
        )
    here = Hardware()
    about = f"{type(own).__name__} on {_named(task)}"
    return Estimate(about, tuple(found), (here, *hardware), step)


def _named(task: Any) -> str:
    if task is None:
        return "no input"
    return type(task).__name__ if isinstance(task, AbstractTask) else "given inputs"


def _wanted(parts: Any, model: Any, task: Any) -> tuple[str, ...]:
    """Which parts to estimate."""
    able = isinstance(task, AbstractTask)
    if parts is None:
        trained = able and _has_trainable(model)
        return _PARTS if trained else ("run",)
    chosen = (parts,) if isinstance(parts, str) else tuple(parts)
    for each in chosen:
        if each not in _PARTS:
            raise ValueError(f"`parts` are 'training', 'run' or both, got {each!r}.")
    if "training" in chosen and not able:
        raise TypeError(
            f"Training needs a task (neurodyn.tasks), got {name_of(task)}: pass one, or "
            "parts='run'."
        )
    return chosen


def _has_trainable(model: Any) -> bool:
    found = eqx.filter_eval_shape(lambda m: eqx.filter(m, trainable(m)), model)
    return bool(jax.tree.leaves(found))


def _shapes_of(model: Any, key: Any) -> Any:
    """The model with shapes in place of arrays; of an ensemble the first member."""
    if isinstance(model, Ensemble):
        model = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype) if eqx.is_array(x) else x,
            model.stacked,
        )
    elif callable(model) and not isinstance(model, (AbstractSystem, type)):
        model = _traced(model, key)
    if not isinstance(model, AbstractSystem):
        raise TypeError(
            "`model` must be a system (neurodyn.models), an Ensemble of them, or a function of a "
            f"key that makes one, got {name_of(model)}"
            + (": pass its model, fit.model." if type(model).__name__ == "Fit" else ".")
        )
    return programs.shapes(on_device(model))


def _traced(make: Any, key: Any) -> Any:
    try:
        return eqx.filter_eval_shape(make, key)
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
        raise TypeError(_looks_at_numbers()) from error
    except AttributeError as error:  # a message that wraps one of the errors above
        if not isinstance(error.__context__, jax.errors.JAXTypeError):
            raise
        raise TypeError(_looks_at_numbers()) from error


def _looks_at_numbers() -> str:
    return (
        "`model` is a function that looks at the numbers of the model that it makes, so that it "
        "cannot be asked for shapes alone: pass the model itself, made once, or leave the part "
        "that does so (params.Dale, for example) out of the estimate."
    )


def _setup(model, task, objective, gradient, optimizer, batch_size, sampler) -> tuple[Setup, Any]:
    """What `fit` would train with, checked."""
    task = on_device(task)
    if not _has_trainable(model):
        raise ValueError(
            f"{type(model).__name__} has no parameter that may be trained: pass parts='run'."
        )
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

    def checked(model):
        objective.check(model, task)
        return jnp.zeros(())

    eqx.filter_eval_shape(checked, model)
    chosen = make_sampler(
        "random" if sampler is None else sampler, task, 64 if batch_size is None else batch_size
    )
    setup = Setup(
        objective=objective,
        gradient=gradient,
        optimizer=optimizer,
        sampler=chosen,
        curriculum=None,
        task=eqx.partition(task, eqx.is_array)[1],
        evaluate=None,
        watch=None,
        patience=None,
    )
    return setup, task


def _training(setup, model, task, key, n: int, how: str | None, spikes: float) -> Part:
    together = n if how == "vmap" else None
    one = programs.training_step(setup, model, task, key, together, spikes)
    trials = getattr(setup.sampler, "batch_size", None) or task.n_items
    words = f"step of training, {trials} trials" + (f", {n} members" if n > 1 else "")
    if together is not None or n == 1:
        return Part("training", words, one.work, one.memory.total)
    workers = min(n, usable_cores()) if jax.default_backend() == "cpu" else 1
    # Each member keeps its state; the temporary memory is that of the members that run.
    memory = n * (one.memory.arguments + one.memory.results) + workers * one.memory.temporary
    return Part("training", words, one.work.times(n), memory, at_once=workers)


def _run(found: runs.Run, n: int) -> Part:
    words = f"run of {found.n_trials} trials, {found.n_steps} steps"
    words += f", {n} models" if n > 1 else ""
    calls = n * found.n_calls
    return Part(
        "run",
        words,
        found.call.work.times(calls),
        found.call.memory.total,
        calls=calls,
        held=n * found.recorded,
        labels=n,
    )
