"""The interface of tasks, which drive systems and score their outputs.

Trials are batched trial-first, ``(trial, time, input)``. Sample k of an input acts during
``[k dt, (k + 1) dt)`` of the trial. Sample k of a target or an output holds at the end of this
interval, at ``t0 + (k + 1) dt`` relative to ``align_event``.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from neurodyn.common.parts import Parts
from neurodyn.common.reprs import brief
from neurodyn.labels.drawn import drawn

__all__ = ["AbstractDataTask", "AbstractTask", "Trial"]


class Trial(eqx.Module):
    """One trial, or a batch of trials with a leading ``trial`` axis on every array but ``length``.

    A trial that ends before its buffer does has weight 0 from there on. It says so by ``n_valid``.

    Attributes
    ----------
    inputs
        Inputs of the system.
    targets
        Wanted outputs: floats for regression, integers for classes. For tasks scored at
        the last step only (``task.scored == "last"``), the time axis has length 1.
    mask
        Weight of every scored step and output in the loss, same shape as ``targets``; 0: not
        scored.
    conditions
        Scalars that name the trial (``coherence``, ``context``, ``choice_correct``...).
    epochs
        Named intervals ``(start, stop)`` [ms from the start of the trial].
    length
        Number of steps that count, shared by the batch; None when all do. Training then leaves out
        steps after it, so that losses may see fewer steps than ``task.n_steps``.
    item
        Which item of a fixed data set this is (:class:`AbstractDataTask`), else None.
    n_valid
        Number of steps of each trial, for tasks whose trials last differently long; else None.
        Later steps of a run do not belong to the trial; they become NaN when it is labelled.
    parts
        Trials that a run goes through one after another, for sessions; else None.
    from_first
        Whether a run starts from the first target, an observation. A model that infers its state
        from an observation then starts there and predicts the later targets. Other models run
        through all targets from their own initial state.
    dt
        Step of the task that drew the trials, in `time_unit`; None if it is not known.
    time_unit
        ``"ms"``, or ``"1"`` where a step has no duration.
    """

    inputs: Float[Array, "*trial time input"]
    targets: Shaped[Array, "*trial scored output"]
    mask: Float[Array, "*trial scored output"]
    conditions: dict[str, Array]
    epochs: dict[str, Float[Array, "*trial 2"]]
    length: Int[Array, ""] | None = None
    item: Int[Array, "*trial"] | None = None
    n_valid: Int[Array, "*trial"] | None = None
    parts: Parts | None = None
    from_first: bool = eqx.field(static=True, default=False)
    dt: float | None = eqx.field(static=True, default=None)
    time_unit: str = eqx.field(static=True, default="ms")

    def of(self, task: "AbstractTask") -> "Trial":
        """These trials with the step of the task that drew them."""
        unit = task.units().get("time", "ms")
        return dataclasses.replace(self, dt=float(task.dt), time_unit=unit)

    __repr__ = brief


class AbstractTask(eqx.Module):
    """A task: draws trials and scores outputs. It never knows a model.

    A task must have `sample`, `batch`, `validation`, `loss` and `score`. The other methods have
    defaults for a task without a table of conditions, codes or units.

    Numbers that shape trials (coherences, noise, weights) are arrays, so changing one
    (``equinox.tree_at``) recompiles nothing; sizes and numbers of steps are static.

    Attributes
    ----------
    n_inputs, n_outputs
        Numbers of input and output channels.
    input_names, output_names
        Name of each input and output channel.
    n_steps
        Steps of a trial; if trials have a ``length``, steps of their buffer.
    dt
        Step [ms].
    t0, align_event
        Time of the start of the trial [ms] (so usually <= 0), and name of the event at time 0.
    scored
        ``"every"``: all steps have targets; ``"last"``: only the last one.
    evidence
        Name of the signed condition that a choice follows; where another one says which,
        ``{"context": {"motion": "motion", "colour": "colour"}}`` by its values. Empty: none.
    chance
        Mean ``correct`` of the best answer that ignores the stimuli; None: not known.
    shortcuts
        Mean ``correct`` of strategies that do without what the task is about, such as memory, by
        what they do. These and `chance` hold for the defaults of the task.
    reference
        BibTeX keys of the papers behind the task.
    """

    n_inputs: eqx.AbstractVar[int]
    n_outputs: eqx.AbstractVar[int]
    input_names: eqx.AbstractVar[tuple[str, ...]]
    output_names: eqx.AbstractVar[tuple[str, ...]]
    n_steps: eqx.AbstractVar[int]
    dt: eqx.AbstractVar[float]
    t0: eqx.AbstractVar[float]
    align_event: eqx.AbstractVar[str]
    scored: eqx.AbstractVar[Literal["every", "last"]]
    reference: eqx.AbstractClassVar[tuple[str, ...]]
    evidence: ClassVar[str | Mapping[str, Mapping[str, str]]] = ""
    chance: ClassVar[float | None] = None
    shortcuts: ClassVar[Mapping[str, float]] = {}

    __repr__ = brief

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """Draw one trial (pure JAX); ``conditions`` given are used instead of drawn."""

    @abc.abstractmethod
    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw ``n`` trials.

        Parameters
        ----------
        key
            Seed or key. Trial i depends on ``(key, i)`` only, not on ``n``.
        n
            Number of trials.
        **conditions
            Conditions to use instead of drawing them: one value for all, or ``n`` values.
        """

    @abc.abstractmethod
    def loss(
        self, outputs: Float[Array, "trial scored output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Loss of each trial."""

    @abc.abstractmethod
    def score(
        self, outputs: Float[Array, "trial scored output"], trials: Trial
    ) -> dict[str, Array]:
        """Per-trial results as the original paper scores them.

        Returns
        -------
        dict
            At least ``correct`` (float in [0, 1], ``(trial,)``); where it makes sense ``choice``,
            ``rt`` [ms], ``mse``...; every value has a leading trial axis.
        """

    def summary(self, scores: dict[str, Array], trials: Trial) -> dict[str, Float[Array, ""]]:
        """One number for each result of :meth:`score`; evaluations during training record them.

        By default the mean over trials. A task overrides this to add others, such as the worst
        of several conditions.

        Parameters
        ----------
        scores
            Results of :meth:`score` for ``trials``.
        trials
            The trials.

        Returns
        -------
        dict
            Means of the scores that are floats. Trials whose score is NaN, because there is nothing
            to score (no reaction time without a response), are left out. Whole numbers are codes
            (which choice), whose mean says nothing.
        """
        del trials
        floats = {k: v for k, v in scores.items() if not jnp.issubdtype(v.dtype, jnp.integer)}
        return {name: jnp.nanmean(value) for name, value in floats.items()}

    def condition_table(self) -> dict[str, Array]:
        """All conditions of the design as equally long columns; empty without a finite set."""
        return {}

    @abc.abstractmethod
    def validation(self) -> Trial:
        """A fixed set of trials, the same in every run, balanced over :meth:`condition_table`."""

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of categorical codes, e.g. ``{"context": {0: "motion", 1: "colour"}}``."""
        return {}

    def units(self) -> dict[str, str]:
        """Units of those conditions and scores that have one, e.g. ``{"rt": "ms"}``.

        ``{"time": "1"}`` says that a step has no duration: `dt` and `t0` are then in steps.
        """
        return {}

    def coordinates(self, trials: Trial) -> dict[str, tuple]:
        """Labels of trials that models do not read: names, and numbers beyond float32.

        Returns
        -------
        dict
            ``{name: (values, units)}`` with a value for each trial, which labelled runs and
            :meth:`trials` have on `trial` besides the conditions, or in their place; ``trial``
            labels the trials.
        """
        del trials
        return {}

    def rows(self, trials: Trial) -> tuple["AbstractTask", Trial]:
        """The trials that labelled results have a row for, and the task that they belong to.

        By default those given. For a task whose runs go through several trials
        (:class:`~neurodyn.tasks.Session`) each of these has a row, so ``trials.parts`` must say
        where they begin and end; labelled runs are cut there.

        Parameters
        ----------
        trials
            Trials of this task.
        """
        return self, trials

    def trials(self, key: Any, n: int, **conditions: Any) -> xr.Dataset:
        """Draw ``n`` trials as a labelled dataset; arguments as for :meth:`batch`.

        Returns
        -------
        xr.Dataset
            ``inputs`` (trial, time, input) where there are any, ``targets`` and ``mask`` (without
            ``time`` where only the last step is scored, without ``output`` where it is one class
            code); conditions on ``trial``. Where trials last differently long, inputs and targets
            (not codes) are NaN after the end of each, which ``n_valid`` and ``valid_until`` on
            ``trial`` name; the weight there is 0. Epochs [ms relative to ``align_event``] are attrs
            ``epoch_NAME`` where they are the same in all trials, else coordinates ``NAME_start``
            and ``NAME_stop``; the attr ``labels`` names the codes (JSON).
        """
        task, trials = self.rows(self.batch(key, n, **conditions))
        return drawn(task, trials)


class AbstractDataTask(AbstractTask):
    """A task over a fixed set of items: recordings, stored sequences."""

    n_items: eqx.AbstractVar[int]

    @abc.abstractmethod
    def item(self, i: Int[Array, ""]) -> Trial:
        """Item ``i`` as a trial, with ``item`` set."""
