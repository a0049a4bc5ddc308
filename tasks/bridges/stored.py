"""Trials that were made elsewhere, as a task."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import plain_number, whole
from neurodyn.task import AbstractDataTask, Trial
from neurodyn.tasks.base import last_steps
from neurodyn.tasks.bridges.checked import (
    checked_channels,
    checked_columns,
    checked_epochs,
    checked_trials,
)
from neurodyn.tasks.choice.choice import last_step, steps_during
from neurodyn.tasks.losses import cross_entropy, explained, squared_error, weighted_mean
from neurodyn.tasks.sequences.given import drawn_items

#: Codes of a trial's columns and their names, as a static field can hold them.
Codes = tuple[tuple[str, tuple[tuple[int, str], ...]], ...]


class StoredTrials(AbstractDataTask):
    """Trials that were made elsewhere: drawn with replacement, and some held out for validation.

    Targets are classes or numbers. Classes are trained by cross-entropy of as many outputs as there
    are classes, and class 0 is no response; numbers are trained by squared error.
    :func:`neurodyn.tasks.from_gym` makes such a task of an environment. Time 0 is the start of the
    trial.

    Parameters
    ----------
    inputs
        ``(item, time, input)``.
    targets
        Classes ``(item, time)`` as whole numbers from 0, or numbers ``(item, time, output)``.
    dt
        Step [ms].
    n_validation
        How many of the trials, the last ones, are held out for validation. They are never drawn.
    lengths
        Steps of each trial; None: all. Later steps are ignored.
    mask
        Weight of each step in the loss, ``(item, time)``, or of each step and output for numbers;
        None: 1 until a trial ends.
    conditions
        Numbers that name the trials, ``{name: (item,)}``.
    epochs
        Intervals of each trial, ``{name: (item, 2)}`` [ms from its start]; ``(0, 0)`` where a trial
        does not have that epoch.
    input_names, output_names
        Names of the channels; default ``input 0``, ``input 1``... and ``output 0``... There are as
        many classes as names of outputs, else as many as occur.
    labels
        Names of conditions that are codes, ``{name: {code: label}}``.
    units
        Units of conditions, ``{name: unit}``.
    decision
        The epoch at whose last step the answer is read.

    Raises
    ------
    ValueError
        If shapes do not fit, values that count are NaN, classes have no output, intervals lie
        outside of their trial, no step of a trial is scored, or nothing is left to train on.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import tasks
    >>> shown = np.random.default_rng(0).choice([-1.0, 1.0], (600, 1, 1)) * np.ones((1, 10, 1))
    >>> task = tasks.StoredTrials(shown, (shown[..., 0] > 0).astype(int), dt=20.0)
    >>> task.n_items, task.batch(0, 64).inputs.shape, task.validation().inputs.shape
    (88, (64, 10, 1), (512, 10, 1))
    """

    align_event: ClassVar[str] = "trial start"
    t0: ClassVar[float] = 0.0
    scored: ClassVar[Literal["every", "last"]] = "every"
    reference: ClassVar[tuple[str, ...]] = ()

    dt: float = eqx.field(static=True)
    n_validation: int = eqx.field(static=True)
    input_names: tuple[str, ...] = eqx.field(static=True)
    output_names: tuple[str, ...] = eqx.field(static=True)
    decision: str = eqx.field(static=True)
    codes: Codes = eqx.field(static=True)
    measured: tuple[tuple[str, str], ...] = eqx.field(static=True)
    stored: Trial

    def __init__(
        self,
        inputs: Any,
        targets: Any,
        *,
        dt: float | int,
        n_validation: int = 512,
        lengths: Any = None,
        mask: Any = None,
        conditions: Mapping[str, Any] | None = None,
        epochs: Mapping[str, Any] | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        labels: Mapping[str, Mapping[int, str]] | None = None,
        units: Mapping[str, str] | None = None,
        decision: str = "decision",
    ):
        self.dt = plain_number("dt", dt, above=0)
        inputs, targets, mask, n_valid = checked_trials(inputs, targets, lengths, mask)
        n, n_steps, n_inputs = inputs.shape
        self.n_validation = whole("n_validation", n_validation, most=n - 1)
        self.input_names = checked_channels("input", input_names, n_inputs)
        self.output_names = checked_channels("output", output_names, targets)
        ends = np.full(n, n_steps) if n_valid is None else n_valid
        self.decision = decision
        named = {name: dict(of) for name, of in (labels or {}).items()}
        self.codes = tuple((name, tuple(of.items())) for name, of in named.items())
        self.measured = tuple((units or {}).items())
        float_type = jnp.result_type(float)
        whole_numbers = targets.dtype.kind in "iu"
        self.stored = Trial(
            jnp.asarray(inputs, float_type),
            jnp.asarray(targets, jnp.int32 if whole_numbers else float_type),
            jnp.asarray(mask, float_type),
            checked_columns(conditions or {}, named, n),
            checked_epochs(epochs or {}, ends * self.dt),
            n_valid=None if n_valid is None else jnp.asarray(n_valid, jnp.int32),
        )

    @property
    def n_items(self) -> int:
        """Number of trials to train on."""
        return self.stored.inputs.shape[0] - self.n_validation

    @property
    def n_inputs(self) -> int:
        """Number of input channels."""
        return len(self.input_names)

    @property
    def n_outputs(self) -> int:
        """Number of output channels: of classes, or of numbers."""
        return len(self.output_names)

    @property
    def n_steps(self) -> int:
        """Steps of the longest trial."""
        return self.stored.inputs.shape[1]

    def item(self, i: Int[Array, ""]) -> Trial:
        """Trial ``i`` of those to train on."""
        i = jnp.asarray(i, jnp.int32)
        return eqx.tree_at(lambda t: t.item, self._trials(i), i, is_leaf=lambda leaf: leaf is None)

    def sample(self, key: Any, **conditions: Any) -> Trial:
        """One trial, drawn at random; ``item=`` says which."""
        return self.item(drawn_items(self.n_items, key, (), conditions))

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw trials with replacement; ``item=`` (one number, or ``n``) says which."""
        whole("n", n)
        which = drawn_items(self.n_items, key, (n,), conditions)
        return jax.vmap(self.item)(jnp.broadcast_to(which, (n,))).of(self)

    def validation(self) -> Trial:
        """The trials that are held out, in order."""
        return self._trials(slice(self.n_items, None)).of(self)

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Cross-entropy of classes or squared error of numbers, averaged by their weights."""
        error = cross_entropy if self._classes else squared_error
        return weighted_mean(error(outputs, trials.targets), trials.mask)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """Whether the answer is right.

        Returns
        -------
        dict
            For classes, ``correct``: whether the largest output at the last step of the epoch
            ``decision`` is the right one. In a trial without that epoch, the share of the scored
            steps with a response (class 1 or more) at which it is the largest, and where no
            response is due, the share of the scored steps without one. Also ``choice``, if there is
            a decision: the response of that last step, from 0, and -1 for none. For numbers,
            ``mse`` and ``correct``, see `neurodyn.tasks.losses.explained`.
        """
        if not self._classes:
            return explained(outputs, trials.targets, trials.mask)
        named = jnp.argmax(outputs, axis=-1).astype(jnp.int32)
        right = named == trials.targets[..., 0]
        scored = trials.mask[..., 0] > 0
        response = scored & (trials.targets[..., 0] > 0)
        due = jnp.where(jnp.any(response, axis=1, keepdims=True), response, scored)
        share = jnp.sum(right & due, axis=1) / jnp.sum(due, axis=1)
        share = share.astype(outputs.dtype)
        if self.decision not in trials.epochs:
            return {"correct": share}
        steps = steps_during(trials.epochs[self.decision], outputs.shape[1], self.dt)
        decided = jnp.any(steps, axis=1)
        last = jnp.where(decided, last_step(steps), last_steps(trials, outputs.shape[1]))
        choice = jnp.take_along_axis(named, last[:, None], axis=1)[:, 0]
        hit = jnp.take_along_axis(right, last[:, None], axis=1)[:, 0].astype(outputs.dtype)
        return {"correct": jnp.where(decided, hit, share), "choice": choice - 1}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of codes, and of the choices if there is a decision."""
        found = {name: dict(of) for name, of in self.codes}
        if self._classes and self.decision in self.stored.epochs:
            names = dict(enumerate(self.output_names[1:]))
            found["choice"] = {-1: "none", **names}
        return found

    def units(self) -> dict[str, str]:
        """Units of conditions that have one."""
        return dict(self.measured)

    def coordinates(self, trials: Trial) -> dict[str, tuple]:
        """Which of the trials each one is."""
        return {} if trials.item is None else {"item": (np.asarray(trials.item), "1")}

    @property
    def _classes(self) -> bool:
        return jnp.issubdtype(self.stored.targets.dtype, jnp.integer)

    def _trials(self, which: Any) -> Trial:
        return jax.tree.map(lambda a: a[which], self.stored)
