"""Sessions: trials that one run goes through without a reset."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.common.parts import Parts, packed
from neurodyn.common.random import as_key
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.base import (
    N_VALIDATION,
    VALIDATION_SEED,
    check_columns,
    check_names,
    draw_batch,
    kind_of,
)
from neurodyn.tasks.mixtures import previous as earlier
from neurodyn.tasks.mixtures.given import limits_of, table_of
from neurodyn.tasks.mixtures.rows import SessionTrials, own_trials
from neurodyn.tasks.mixtures.transition import AbstractTransition

#: Sessions in a validation set, at least.
_SESSIONS = 8


class Session(AbstractTask):
    """Trials of a task one after another, through which the state of the network goes on.

    What is a trial elsewhere is a whole session here: its inputs and targets are those of
    ``n_trials`` trials of ``task``, one beginning where the other ends. Its loss and ``correct``
    are means over these trials. Labelled results have a row for each of the trials: ``simulate``
    and :meth:`trials` cut sessions, and label rows by ``session``, ``trial_in_session``, what the
    transition says (``block``, ``trial_in_block``), the conditions of the task and its scores. To
    see a run in one piece, simulate ``session.batch(key, n)``, the trials without their task.

    Trials are drawn one by one: what a task draws once for a batch, such as the durations of
    :class:`Yang2019` or the task of a :class:`Mixture`, changes from trial to trial here.

    Parameters
    ----------
    task
        The task of the trials, scored at every step.
    n_trials
        Trials in a session.
    transition
        How a condition goes from trial to trial,
        :class:`~neurodyn.tasks.mixtures.transitions.Blocks` or another
        :class:`~neurodyn.tasks.mixtures.transitions.AbstractTransition`. None: trials are
        independent.
    previous
        Conditions of the trial before that the network sees throughout a trial, such as
        ``"choice_correct"``: what was right, not what the network did. Codes with names have a
        channel ``previous_NAME_CODE`` for each of them, numbers one channel ``previous_NAME``.
        All are 0 in the first trial.

    Raises
    ------
    ValueError
        If the task is scored at its last step only or starts from an observation; if it lacks a
        condition of the transition or one in ``previous``; or if ``n_trials`` is below 2.

    Notes
    -----
    The choice that a network itself made is no input, because inputs are drawn before the run; nor
    is its reward, which is always that of the right choice when the right one is shown. Training on
    one's own choices needs a reward and a closed loop, which tasks with targets do not have.

    References
    ----------
    The International Brain Laboratory, "Standardized and reproducible measurement of
    decision-making in mice", eLife 2021 (blocks of priors). Hermoso-Mendizabal et al., "Response
    outcomes gate the impact of expectations on perceptual decisions", Nat. Commun. 2020, and
    Molano-Mazon et al., "Recurrent networks endowed with structural priors explain suboptimal
    animal behavior", Curr. Biol. 2023 (blocks of repetitions and alternations).

    Examples
    --------
    >>> from neurodyn import tasks
    >>> from neurodyn.tasks.mixtures.transitions import Blocks
    >>> blocks = Blocks.priors("side", ("left", "right"), p=0.8, opening=0)
    >>> session = tasks.Session(tasks.ContrastDecision(), 100, blocks)
    >>> session.trials(0, 2).sizes["trial"]
    200
    """

    task: AbstractTask
    transition: AbstractTransition | None
    n_trials: int = eqx.field(static=True)
    previous: tuple[str, ...] = eqx.field(static=True)

    t0: ClassVar[float] = 0.0
    align_event: ClassVar[str] = "session start"
    scored: ClassVar[Literal["every", "last"]] = "every"
    reference: ClassVar[tuple[str, ...]] = ("ibl2021", "hermoso2020", "molanomazon2023")

    def __init__(
        self,
        task: AbstractTask,
        n_trials: int,
        transition: AbstractTransition | None = None,
        *,
        previous: str | Sequence[str] = (),
    ):
        if not isinstance(task, AbstractTask):
            raise ValueError(f"`task` must be a task (neurodyn.tasks), got {kind_of(task)}.")
        if transition is not None and not isinstance(transition, AbstractTransition):
            raise ValueError(
                "`transition` must be one of neurodyn.tasks.mixtures.transitions, e.g. "
                f"Blocks.repeating('side', ('left', 'right')), got {transition!r}."
            )
        self.task, self.transition = task, transition
        self.n_trials = whole("n_trials", n_trials, 2)
        self.previous = (previous,) if isinstance(previous, str) else tuple(previous)
        self._refuse()

    def _refuse(self) -> None:
        name = type(self.task).__name__
        if isinstance(self.task, Session):
            raise ValueError("Trials of a session are those of a task, not sessions.")
        if self.task.scored != "every":
            raise ValueError(
                f"{name} is scored at its last step only, and a session has one last step: take a "
                "task with a target at every step."
            )
        trial = eqx.filter_eval_shape(self.task.sample, as_key(0))
        if trial.from_first:
            raise ValueError(f"{name} starts from an observation, which a session has only once.")
        earlier.check(self.previous, self.task, trial)
        if self.transition is not None:
            self.transition.check(self.task)

    @property
    def dt(self) -> float:
        """Step [ms]."""
        return self.task.dt

    @property
    def n_steps(self) -> int:
        """Steps of the longest session."""
        return self.n_trials * self.task.n_steps

    @property
    def input_names(self) -> tuple[str, ...]:
        """Inputs of the task, and what is shown of the trial before."""
        return (*self.task.input_names, *earlier.channels(self.previous, self.task))

    @property
    def output_names(self) -> tuple[str, ...]:
        """Outputs of the task."""
        return self.task.output_names

    @property
    def n_inputs(self) -> int:
        """Number of input channels."""
        return len(self.input_names)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.task.n_outputs

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One session; conditions of the task that are given hold for all its trials."""
        check_names(conditions, self._table(), self._limits())
        k_order, k_trials = jax.random.split(as_key(key))
        ordered: dict[str, Array] = {}
        shown: dict[str, Array] = {}
        if self.transition is not None:
            ordered, shown = self.transition.draw(k_order, self.n_trials, self.task)

        def one(i, given):
            return self.task.sample(jax.random.fold_in(k_trials, i), **given, **conditions)

        trials = jax.vmap(one)(jnp.arange(self.n_trials, dtype=jnp.uint32), ordered)
        return _in_a_row(self, trials, shown)

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw ``n`` sessions, see :meth:`~neurodyn.task.AbstractTask.batch`."""
        columns = check_columns(conditions, n, self._table(), self.task.labels(), self._limits())
        return draw_batch(self, as_key(key, needed_for="A batch of sessions"), n, columns)

    def validation(self) -> Trial:
        """Sessions with at least 512 trials in all, and at least 8 of them."""
        n = max(_SESSIONS, -(-N_VALIDATION // self.n_trials))
        return draw_batch(self, as_key(VALIDATION_SEED), n, {})

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Mean loss of the trials of each session."""
        each = self.task.loss(trials.parts.cut(outputs), own_trials(self, trials))
        return jnp.mean(each.reshape(-1, self.n_trials), axis=1)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """Scores of each session.

        Returns
        -------
        dict
            ``correct``: mean over the trials of each session; ``each_NAME`` ``(trial, part)``: the
            scores of the task for each of them.
        """
        own = self.task.score(trials.parts.cut(outputs), own_trials(self, trials))
        each = {
            f"each_{name}": value.reshape(-1, self.n_trials, *value.shape[1:])
            for name, value in own.items()
        }
        return {"correct": jnp.nanmean(each["each_correct"], axis=1), **each}

    def summary(self, scores: dict[str, Array], trials: Trial) -> dict[str, Float[Array, ""]]:
        """The summary of the task, over all trials of all sessions."""
        own = {
            name.removeprefix("each_"): trials.parts.flat(value)
            for name, value in scores.items()
            if name.startswith("each_")
        }
        return self.task.summary(own, own_trials(self, trials))

    def rows(self, trials: Trial) -> tuple[AbstractTask, Trial]:
        """The trials of the sessions, one after another, and their task."""
        view = SessionTrials(self)
        return view, view.of(trials)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the codes of the task and of the blocks."""
        return SessionTrials(self).labels()

    def units(self) -> dict[str, str]:
        """Units of the conditions and scores of the task."""
        return self.task.units()

    def _table(self) -> dict[str, Array]:
        """Conditions of the task that can be given."""
        table = table_of(self.task)
        condition = getattr(self.transition, "condition", None)
        return {name: column for name, column in table.items() if name != condition}

    def _limits(self) -> dict[str, tuple[float, float]]:
        limits = limits_of(self.task)
        limits.pop(getattr(self.transition, "condition", ""), None)
        return limits


def _in_a_row(session: Session, trials: Trial, shown: dict[str, Array]) -> Trial:
    """A session of trials ``(part, time, ...)``."""
    n, size = session.n_trials, session.task.n_steps
    ends = trials.n_valid if trials.n_valid is not None else trials.length
    equal = ends is None
    steps = jnp.full(n, size, jnp.int32) if equal else ends.astype(jnp.int32)
    edges = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(steps, dtype=jnp.int32)])

    def joined(x):
        return x.reshape(n * size, *x.shape[2:]) if equal else packed(x, edges)

    seen = earlier.shown(session.previous, session.task, trials.conditions, trials.inputs.dtype)
    inputs = joined(trials.inputs)
    if seen.shape[1]:
        columns = jnp.broadcast_to(seen[:, None, :], (n, size, seen.shape[1]))
        inputs = jnp.concatenate([inputs, joined(columns)], axis=-1)
    shown = shown | {"trial_in_session": jnp.arange(n, dtype=jnp.int32)}
    return replace(
        trials,
        inputs=inputs,
        targets=joined(trials.targets),
        mask=joined(trials.mask),
        conditions={},
        epochs={},
        length=None,
        item=None,
        n_valid=None if equal else edges[-1],
        parts=Parts(edges, trials.conditions | shown, trials.epochs, size, equal),
    )
