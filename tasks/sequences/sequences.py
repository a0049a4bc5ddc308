"""Recorded or stored sequences as a task, to train generative models to reproduce them."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import plain_number, whole
from neurodyn.task import AbstractDataTask, Trial
from neurodyn.tasks.losses import explained, squared_error, weighted_mean
from neurodyn.tasks.sequences.given import (
    check_finite,
    checked_condition,
    checked_lengths,
    drawn_items,
    in_order,
    names_and_conditions,
    read_given,
)


class Sequences(AbstractDataTask):
    """A fixed set of sequences: no input, and the sequences as targets of every step.

    Trials carry the number of their sequence (``item``), by which models find the parameters that
    belong to it. Labelled trials and runs say which sequence they are by ``sequence``: the label of
    `trial` in ``data``, else that number. Where they are all sequences in order, as in
    :meth:`validation`, `trial` has these labels too. Steps beyond the end of a sequence have no
    weight.

    Parameters
    ----------
    data
        ``(trial, time, output)``: an array, or a DataArray with the dims `trial`, `time` and one
        more in any order, whose coordinate ``valid_until`` (or ``n_valid``) on `trial` gives the
        lengths; or a list of sequences ``(time, output)``, which may differ in length.
    lengths
        Steps of each sequence; None: all. Later steps are ignored and may be NaN.
    dt
        Step [ms]; None: that of `time`, 1 where there are no labels, as for sequences without
        physical time. Times of runs go on where the labels of `time` begin; those of a list, where
        they begin differently, are from the start of each sequence, and ``start_time`` on `trial`
        says when that is.
    names
        Names of the outputs; default those of ``data``, or ``output 0``, ``output 1``...
    conditions
        Numbers that name the sequences, ``{name: (trial,)}``, carried along in trials and results;
        numeric coordinates on `trial` are added.

    Raises
    ------
    ValueError
        If shapes or dims do not fit, lengths lie out of range, or values that count are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import tasks
    >>> task = tasks.Sequences(np.sin(np.linspace(0, 6, 40)).reshape(2, 20, 1), lengths=[20, 15])
    >>> task.n_items, task.n_steps, task.n_outputs
    (2, 20, 1)
    """

    n_inputs: ClassVar[int] = 0
    scored: ClassVar[Literal["every", "last"]] = "every"
    reference: ClassVar[tuple[str, ...]] = ()
    input_names: ClassVar[tuple[str, ...]] = ()

    dt: float = eqx.field(static=True)
    t0: float = eqx.field(static=True)
    unit: str = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    sequences: tuple[Any, ...] = eqx.field(static=True)
    starts: np.ndarray | None
    data: Float[Array, "item time output"]
    lengths: Int[Array, " item"] | None
    conditions: dict[str, Array]

    def __init__(
        self,
        data: Any,
        lengths: Any = None,
        *,
        dt: float | int | None = None,
        names: Sequence[str] | None = None,
        conditions: dict[str, Any] | None = None,
    ):
        seen, self.starts = read_given(data, dt)
        found = names_and_conditions(seen)
        numbers = seen.labelled()["trial"]
        lengths = seen.n_valid if lengths is None else in_order("lengths", lengths, numbers)
        names = found.get("output") if names is None else names
        conditions = found["conditions"] | dict(conditions or {})
        values = seen.values
        n, n_time, n_outputs = values.shape
        self.dt, self.unit = plain_number("dt", seen.dt, above=0), seen.unit
        self.t0 = seen.start
        self.sequences = tuple(numbers.values.tolist())
        self.lengths = checked_lengths(lengths, n, n_time)
        valid = np.ones((n, n_time), bool)
        if self.lengths is not None:
            valid = np.arange(n_time)[None] < np.asarray(self.lengths)[:, None]
        check_finite(values, valid)
        values = np.where(valid[..., None], values, 0)
        self.data = jnp.asarray(values, jnp.result_type(float))
        self.names = tuple(str(x) for x in (names or [f"output {i}" for i in range(n_outputs)]))
        if len(self.names) != n_outputs or len(set(self.names)) != n_outputs:
            raise ValueError(
                f"Sequences: `names` must name each of the {n_outputs} outputs, got {self.names}."
            )
        if "n_valid" in conditions:
            raise ValueError("Sequences: steps of each are `lengths`, not the condition n_valid.")
        conditions = {k: in_order(k, v, numbers) for k, v in conditions.items()}
        self.conditions = {k: checked_condition(k, v, n) for k, v in conditions.items()}

    @property
    def align_event(self) -> str:
        """Name of the event at time 0."""
        return "time 0 of the data" if self.t0 else "sequence start"

    @property
    def n_items(self) -> int:
        """Number of sequences."""
        return self.data.shape[0]

    @property
    def n_steps(self) -> int:
        """Steps of the longest sequence."""
        return self.data.shape[1]

    @property
    def n_outputs(self) -> int:
        """Size of an observation."""
        return self.data.shape[2]

    def item(self, i):
        """Sequence ``i``."""
        i = jnp.asarray(i, jnp.int32)
        data, n_steps = self.data[i], self.n_steps
        mask, length = jnp.ones_like(data), None
        if self.lengths is not None:
            length = self.lengths[i]
            inside = jnp.arange(n_steps) < length
            mask = jnp.broadcast_to(inside[:, None], data.shape).astype(data.dtype)
        return Trial(
            inputs=jnp.zeros((n_steps, 0), data.dtype),
            targets=data,
            mask=mask,
            conditions={k: v[i] for k, v in self.conditions.items()},
            epochs={},
            length=length,
            item=i,
            n_valid=length,
        )

    def sample(self, key, **conditions):
        """One sequence, drawn at random; ``item=`` says which."""
        return self.item(drawn_items(self.n_items, key, (), conditions))

    def batch(self, key, n, **conditions):
        """Draw sequences with replacement; ``item=`` (one number, or ``n``) says which."""
        whole("n", n)
        which = drawn_items(self.n_items, key, (n,), conditions)
        return self._items(jnp.broadcast_to(which, (n,)))

    def validation(self):
        """All sequences, in order."""
        return self._items(jnp.arange(self.n_items, dtype=jnp.int32))

    def loss(self, outputs, trials):
        """Mean squared error of each sequence."""
        return weighted_mean(squared_error(outputs, trials.targets), trials.mask)

    def score(self, outputs, trials):
        """``mse`` and explained variance (``correct``), see `neurodyn.tasks.losses.explained`."""
        return explained(outputs, trials.targets, trials.mask)

    def units(self):
        """Unit of time, where it is not ms; units of conditions are unknown."""
        return {} if self.unit == "ms" else {"time": self.unit}

    def coordinates(self, trials):
        """Label of each trial's sequence, and its start where sequences start differently."""
        if trials.item is None:
            return {}
        which = np.asarray(trials.item)
        names = np.asarray(self.sequences)
        found = {} if "sequence" in self.conditions else {"sequence": (names[which], "1")}
        whole = len(set(self.sequences)) == self.n_items
        if whole and np.array_equal(which, np.arange(self.n_items)):
            found["trial"] = (names, "1")
        return (
            found
            if self.starts is None
            else found | {"start_time": (self.starts[which], self.unit)}
        )

    @property
    def output_names(self):
        """Names of the outputs."""
        return self.names

    def _items(self, numbers: Int[Array, " trial"]) -> Trial:
        trials = jax.vmap(self.item)(numbers)
        if trials.length is None:
            return trials.of(self)
        return eqx.tree_at(lambda t: t.length, trials, jnp.max(trials.length)).of(self)
