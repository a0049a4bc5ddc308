"""Training: the front door and the loop around the compiled steps."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jax.sharding import Mesh

from neurodyn.common.progress import bar
from neurodyn.training import step as compiled
from neurodyn.training.callbacks import as_callbacks, end_wanted
from neurodyn.training.checkpoint import Checkpoint, Saver
from neurodyn.training.divergence import refuse_divergence, warn_of_long_step
from neurodyn.training.history import History
from neurodyn.training.members import Members
from neurodyn.training.plan import Plan, make_plan
from neurodyn.training.results import Fit, Snapshot, history_of, models_of, tasks_of

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
    batch_size: int | None = None,
    sampler: str | None = None,
    evaluate: Callable | bool | None = None,
    evaluate_every: int | None = None,
    select: str | None = None,
    patience: int | None = None,
    curriculum: Any = None,
    ensemble: Any = None,
    checkpoint: Any = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    callbacks: Callable[[Snapshot], Any] | Sequence[Callable[[Snapshot], Any]] = (),
    progress: bool | None = None,
    mesh: Mesh | None = None,
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
        Trials per update, default 64 (all items with ``sampler="full"``).
    sampler
        ``"random"`` (default): fresh trials by ``task.batch``; for tasks over stored items also
        ``"shuffle"``: all of them in a new order every epoch; ``"full"``: all at every step.
    evaluate
        Pure JAX function ``(model, task, *, key) -> dict of numbers``; None: the objective's
        evaluation of ``task.validation()`` (loss and mean scores); False: none. The key is the
        same at every evaluation, unless the function has an attribute ``fresh`` that is True.
    evaluate_every
        Steps between evaluations; default a twentieth of ``steps``. There is always one at the end.
    select
        ``"last"`` model (default), or the one of the best evaluation: ``"best:NAME"`` for names
        whose better side is known (``"best:validation_correct"``, ``validation_loss``,
        ``validation_mse``...), ``"max:NAME"``, ``"min:NAME"`` for any. Names are those of
        ``Fit.history``, here and wherever a metric is named.
    patience
        End training after so many evaluations without a better value of the metric of `select`
        (of ``validation_loss`` where that is the last model), each member of an ensemble for
        itself; default: never. With ``select="best:NAME"`` the best model is returned, with
        ``"last"`` the one at the end.
    curriculum
        Makes the task harder after evaluations, see :class:`AbstractCurriculum`; training ends with
        its last stage, at the latest after ``steps``.
    ensemble
        Number of members, or :class:`Seeds`, which says how they are run. Member i trains as a
        `fit` without ensemble with key ``jax.random.fold_in(key, i)``; ``Seeds(n, seeds=...)``
        names other numbers than 0 to n - 1.
    checkpoint
        File that holds all that is needed to go on.
    checkpoint_every
        Steps between checkpoints; default: about once a minute. One is always written at the end.
    resume
        Resume from the checkpoint if it exists, up to `steps`, which may be more than before. A run
        that has taken these steps already is returned unchanged. Numbers and words that are not
        passed (`batch_size`, `sampler`, `select`, `patience`, `evaluate_every`, `ensemble`) are
        those of the run so far; others than those are refused. Objects have to be passed again,
        since the file cannot hold them. The model has the same bits as after one uninterrupted
        run, unless something depends on the number of steps: a learning rate schedule made for
        it; or, for `select`, `patience` and curricula, the evaluation at the end of the shorter
        run, if `evaluate_every` does not divide its steps.
    callbacks
        One function or several, called with a :class:`Snapshot` (`step`, `metrics`, `model`) after
        every evaluation. Any true value that one returns ends training. A run that one of them has
        ended calls them for its last evaluation again when it is resumed, and goes on if none ends
        it.
    progress
        Whether to show a bar; default: on a terminal and in notebooks.
    mesh
        Devices that share the work out, a :class:`jax.sharding.Mesh` whose axes are named after
        dims: ``jax.make_mesh((8,), ("trial",))`` gives each of 8 devices an eighth of every batch,
        an axis ``"seed"`` a part of the members of an ensemble, ``"unit"`` a part of the units of a
        large network, with the weights that lead to them. Trials, seeds and batches are those of
        one device, sums are taken in another order. Default: one device. With several processes
        (:func:`jax.distributed.initialize`) all of them call `fit` with the same arguments;
        process 0 writes the checkpoint, shows progress and decides for callbacks, which all call.
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
        holds the last good model and the history; a checkpoint stays as it was last written.
    CheckpointError
        If a checkpoint belongs to a run with other settings.

    Warns
    -----
    UserWarning
        If a time constant falls below the task's step; :class:`~neurodyn.params.Bounded` keeps it
        above.
    """
    callbacks = as_callbacks(callbacks)
    options: dict[str, Any] = {
        "batch_size": batch_size,
        "sampler": sampler,
        "evaluate": evaluate,
        "evaluate_every": evaluate_every,
        "select": select,
        "patience": patience,
        "ensemble": ensemble,
    }
    file = None
    if checkpoint is not None:
        file = Checkpoint(checkpoint, resume=resume)
        options = file.completed(options)
    elif resume or checkpoint_every is not None:
        raise ValueError("resume and checkpoint_every need checkpoint=, the name of a file.")
    if checkpoint_every is not None and checkpoint_every < 1:
        raise ValueError(f"`checkpoint_every` is at least 1, got {checkpoint_every}.")
    plan = make_plan(
        model,
        task,
        objective=objective,
        gradient=gradient,
        optimizer=optimizer,
        steps=steps,
        curriculum=curriculum,
        mesh=mesh,
        key=key,
        **options,
    )
    if callbacks and plan.evaluate_every is None:
        raise ValueError("Callbacks are called after evaluations: leave out evaluate=False.")
    if plan.sharing is not None:
        files = {"checkpoint": checkpoint, "checkpoint_every": checkpoint_every, "resume": resume}
        plan.sharing.check_processes(plan.settings | {"steps": plan.steps} | files)
    if file is not None:
        file.settings = plan.settings
    members = [
        compiled.start(plan.setup, m, plan.task, k)
        for m, k in zip(plan.models, plan.keys, strict=True)
    ]
    run = Members(plan.setup, members, batched=plan.how == "vmap", sharing=plan.sharing)
    try:
        return _train(plan, run, Saver(file, checkpoint_every), callbacks, progress)
    finally:
        run.close()


def _train(plan: Plan, run: Any, saver: Saver, callbacks: Sequence, progress: Any) -> Fit:
    clock, history = _Clock(), History(plan.task.units())
    step, ended = saver.restore(run, history, plan.steps)
    if plan.setup.curriculum is not None:
        run.resize(plan.setup.curriculum.resize)
    # Callbacks that have ended a run are asked again, because they may have other criteria now.
    stopped = ended and _call(callbacks, plan, run, history, step)
    if step < plan.steps and not stopped:  # a finished run may be resumed for what it holds
        chunk, evaluation = _compile(plan, run, clock)
    size, told = 1, set()
    with bar("training", plan.steps, show=progress) as advance:
        advance(step)
        while step < plan.steps and not stopped and not run.flags()[1].all():
            size = run.decide(lambda n=size: n)
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
                saver.save(step, run, history, ended=stopped)
        warn_of_long_step(plan, run, step, told)
        with clock("checkpoint"):
            saver.save(step, run, history, now=True, ended=stopped)
    return Fit(
        model=models_of(plan, run, best=plan.select != "last"),
        history=history_of(plan, history),
        task=tasks_of(plan, run),
        seconds=clock.seconds,
    )


def _compile(plan: Plan, run: Any, clock: "_Clock") -> tuple[Callable, Callable | None]:
    """The programs for the sizes of the stage; those of known sizes are kept."""
    with clock("compile"):
        if plan.evaluate_every is None:
            return run.compile((compiled.chunk, 2))[0], None
        # The evaluation first: a metric that it does not have is told before the long program.
        evaluation, chunk = run.compile((compiled.evaluate, 1), (compiled.chunk, 2))
        return chunk, evaluation


class _Clock:
    """Adds up wall time by activity."""

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
    return run.decide(lambda: end_wanted(callbacks, snapshot), everywhere=True)
