"""Training: the front door and the loop around the compiled steps."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from neurodyn.progress import bar
from neurodyn.training import step as compiled
from neurodyn.training.checkpoint import Checkpoint, Saver
from neurodyn.training.divergence import refuse_divergence, warn_of_long_step
from neurodyn.training.history import History
from neurodyn.training.members import Separate, Together
from neurodyn.training.plan import Plan, make_plan
from neurodyn.training.results import Fit, Snapshot, history_of, models_of, tasks_of

__all__ = ["fit"]

#: A call of the compiled program is made to last about this long [s]: long enough that what
#: happens between calls costs nothing, short enough for a lively progress bar.
_CALL = 0.3


def fit(
    model: Any,
    task: Any,
    *,
    objective: Any = None,
    gradient: Any = None,
    optimizer: Any = None,
    steps: int,
    batch_size: int = 64,
    sampler: str = "random",
    evaluate: Callable | bool | None = None,
    evaluate_every: int | None = None,
    select: str = "last",
    curriculum: Any = None,
    ensemble: Any = None,
    checkpoint: Any = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    callbacks: Sequence[Callable[[Snapshot], Any]] = (),
    progress: bool | None = None,
    key: Any,
) -> Fit:
    """Train a model on a task.

    Parameters
    ----------
    model
        A system; or a function of a key that makes one, so that every member of an ensemble starts
        from its own draw (a system given as it is gives all members the same start and different
        trials); or an :class:`Ensemble` to train further.
    task
        What to train on.
    objective
        What to minimise; default :class:`Supervised`, the task's own loss.
    gradient
        How its gradient is formed; default :class:`BPTT`.
    optimizer
        An optax optimiser; default Adam at 1e-3 after clipping the global norm of the gradient to
        1, which recurrent networks need now and then and small gradients do not notice. Make an
        optimiser once and use it in every call: each new one compiles anew.
    steps
        Number of updates.
    batch_size
        Trials per update (all items with ``sampler="full"``).
    sampler
        ``"random"``: fresh trials by ``task.batch``; for tasks over stored items also
        ``"shuffle"``: all of them in a new order every epoch; ``"full"``: all at every step.
    evaluate
        Pure JAX function ``(model, task, *, key) -> dict of numbers``; None: the objective's
        evaluation of ``task.validation()`` (loss and mean scores); False: none. The key is the
        same at every evaluation, unless the function has an attribute ``fresh`` that is True.
    evaluate_every
        Steps between evaluations; default a twentieth of ``steps``. There is always one at the end.
    select
        ``"last"`` model, or the one of the best evaluation: ``"best:NAME"`` for names whose better
        side is known (``correct``, ``loss``, ``mse``...), ``"max:NAME"``, ``"min:NAME"`` for any.
    curriculum
        Makes the task harder after evaluations, see :class:`AbstractCurriculum`; training ends with
        its last stage, at the latest after ``steps``.
    ensemble
        Number of members, or :class:`Seeds`, which says how they are run. Member i trains as a
        `fit` without ensemble with key ``jax.random.fold_in(key, i)``.
    checkpoint
        File that holds all that is needed to go on.
    checkpoint_every
        Steps between checkpoints; default: about once a minute. One is always written at the end.
    resume
        Go on from the checkpoint where there is one; the result has the same bits as one
        uninterrupted run. Give the same arguments; ``steps`` may be larger.
    callbacks
        Called with a :class:`Snapshot` after every evaluation; one that returns True ends training.
    progress
        Whether to show a bar; default: where standard error is a terminal.
    key
        Seed or key. Step k depends on ``fold_in`` of it and k only.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError, TypeError
        If arguments do not fit each other; before anything is compiled.
    DivergenceError
        If the loss or a parameter becomes NaN or infinite. It names step, batch and parameter, and
        holds the last good model and the history; a checkpoint keeps what it last held.
    CheckpointError
        If a checkpoint belongs to a run with other settings.

    Warns
    -----
    UserWarning
        If a time constant falls below the task's step; :class:`~neurodyn.params.Bounded` keeps it
        above.
    """
    plan = make_plan(
        model,
        task,
        objective=objective,
        gradient=gradient,
        optimizer=optimizer,
        steps=steps,
        batch_size=batch_size,
        sampler=sampler,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
        select=select,
        curriculum=curriculum,
        ensemble=ensemble,
        key=key,
    )
    file = None
    if checkpoint is not None:
        file = Checkpoint(checkpoint, plan.settings, resume=resume)
    elif resume or checkpoint_every is not None:
        raise ValueError("resume and checkpoint_every need checkpoint=, the name of a file.")
    if checkpoint_every is not None and checkpoint_every < 1:
        raise ValueError(f"`checkpoint_every` is at least 1, got {checkpoint_every}.")
    members = [
        compiled.start(plan.setup, m, plan.task, k)
        for m, k in zip(plan.models, plan.keys, strict=True)
    ]
    run = (Together if plan.how == "vmap" else Separate)(plan.setup, members)
    try:
        return _train(plan, run, Saver(file, checkpoint_every), callbacks, progress)
    finally:
        run.close()


def _train(plan: Plan, run: Any, saver: Saver, callbacks: Sequence, progress: Any) -> Fit:
    clock, history = _Clock(), History(plan.task.units())
    step = saver.restore(run, history, plan.steps)
    if plan.setup.curriculum is not None:
        run.resize(plan.setup.curriculum.resize)
    chunk, evaluation = _compile(plan, run, clock)
    size, stopped, told = 1, False, set()
    with bar("training", plan.steps, show=progress) as advance:
        advance(step)
        while step < plan.steps and not stopped and not run.flags()[1].all():
            n = min(size, saver.next_stop(step), plan.next_stop(step) - step)
            with clock("train"):
                records = chunk(step, n)
            refuse_divergence(plan, run, history, records, step, n)
            history.add_steps(records, n)
            step += n
            size = _adapt(size, n, clock.last)
            if plan.evaluates_at(step):
                with clock("evaluate"):
                    history.add_evaluation(evaluation(step), step)
                    warn_of_long_step(plan, run, step, told)
                stopped = _call(callbacks, plan, run, history, step)
                if plan.setup.curriculum is not None:
                    run.resize(plan.setup.curriculum.resize)
                    if step < plan.steps and not stopped:
                        chunk, evaluation = _compile(plan, run, clock)
            advance(n, note=_note(history.latest()))
            with clock("checkpoint"):
                saver.save(step, run, history)
        warn_of_long_step(plan, run, step, told)
        with clock("checkpoint"):
            saver.save(step, run, history, now=True)
    return Fit(
        model=models_of(plan, run, best=plan.setup.select is not None),
        history=history_of(plan, history),
        task=tasks_of(plan, run),
        seconds=clock.seconds,
    )


def _compile(plan: Plan, run: Any, clock: "_Clock") -> tuple[Callable, Callable | None]:
    """The programs for the sizes of the stage; those of known sizes are kept."""
    with clock("compile"):
        if plan.evaluate_every is None:
            return run.compile((compiled.chunk, 2))[0], None
        chunk, evaluation = run.compile((compiled.chunk, 2), (compiled.evaluate, 1))
        return chunk, evaluation


class _Clock:
    """Adds up wall time by what it was spent on."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("compile", "train", "evaluate", "checkpoint"), 0.0)
        self.last = 0.0

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        spent = time.perf_counter() - began
        self.seconds[what] += spent
        if what == "train":
            self.last = spent


def _adapt(size: int, n: int, seconds: float) -> int:
    """How many steps to take next, after n took so long: `_CALL`, approached from below."""
    wanted = int(n * _CALL / max(seconds, 1e-9))
    return max(1, min(wanted, 2 * size, compiled.LONGEST))


def _note(numbers: dict[str, float]) -> str:
    shown = {name.replace("validation_", "val. "): x for name, x in list(numbers.items())[:4]}
    return "  ".join(f"{name} {x:.4g}" for name, x in shown.items())


def _call(callbacks: Sequence, plan: Plan, run: Any, history: History, step: int) -> bool:
    if not callbacks:
        return False
    snapshot = Snapshot(step, history.latest(), models_of(plan, run, best=False))
    wishes = [callback(snapshot) for callback in callbacks]  # all of them, whatever one says
    return any(wish is True for wish in wishes)
