"""Evaluations of a model in training: by free runs without data, and on trials never seen."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn import params
from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.engine.integrate import integrate
from neurodyn.labels import LabelError, clock, in_positions
from neurodyn.labels.pairing import counts
from neurodyn.params.use import whole_model
from neurodyn.system import State
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.objectives.supervised import Supervised


class FreeRun(eqx.Module):
    """Let a model run from the first sample of some data and compare the two: for ``evaluate=``.

    Parameters
    ----------
    measure
        ``(data, generated) -> number`` or ``-> {name: number}``, pure JAX, of arrays
        ``(time, output)``; an ``equinox.Module``, or a function that is made once.
    data
        ``(time, output)``, an array or labelled, in the units the model was trained in
        (standardised, if the windows were): training data, or others held back for validation.
        Outputs are matched with those of the task by name, and steps must be those of the task. The
        result records what ``name`` says.
    name
        What the data are, e.g. ``"training data"``; it stands in the history of training.
    n_steps
        Steps that are compared; default: as many as the data have.
    transient
        Steps that are dropped before; default 0.
    **rows
        Which rows of indexed parameters the run uses, such as ``subject=3``: for models of which
        every subject has its own.

    Raises
    ------
    ValueError
        If the data do not fit, at the first evaluation also: if the model takes external inputs (a
        free run has none), has other outputs than the data, or rows that were not chosen.

    Notes
    -----
    A run that diverges gives NaN where the measure does, and is then never selected.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> from neurodyn.training import FreeRun
    >>> def distance(data, generated):
    ...     return jnp.abs(data.mean(0) - generated.mean(0)).max()
    >>> evaluate = FreeRun(distance, np.zeros((100, 3)), name="training data")
    >>> evaluate.protocol
    'free run from the first sample, 100 steps after 0 dropped, against training data (100 samples)'
    """

    measure: Callable
    data: Float[Array, "time output"]
    name: str = eqx.field(static=True)
    n_steps: int = eqx.field(static=True)
    transient: int = eqx.field(static=True)
    names: tuple[str, ...] | None = eqx.field(static=True)
    dt: float | None = eqx.field(static=True)
    rows: tuple[tuple[str, int], ...] = eqx.field(static=True)

    __repr__ = brief

    def __init__(
        self,
        measure: Callable,
        data: Any,
        *,
        name: str,
        n_steps: int | None = None,
        transient: int = 0,
        **rows: int,
    ):
        if not callable(measure):
            raise TypeError(
                f"`measure` is a function (data, generated) -> number, got {measure!r}."
            )
        given, self.names, self.dt = _read(data)
        if given.ndim != 2 or given.dtype.kind not in "iuf" or not np.isfinite(given).all():
            raise ValueError(
                f"`data` must be finite numbers (time, output), got {given.dtype} of shape "
                f"{given.shape}."
            )
        n_steps = len(given) if n_steps is None else n_steps
        check_whole(1, n_steps=n_steps)
        check_whole(0, transient=transient)
        self.measure, self.name = measure, str(name)
        self.data = jnp.asarray(given, jnp.result_type(float))
        self.n_steps, self.transient = int(n_steps), int(transient)
        self.rows = tuple(sorted(rows.items()))

    @property
    def protocol(self) -> str:
        """A description of the comparison."""
        which = "".join(f", {by} {row}" for by, row in self.rows)
        return (
            f"free run from the first sample, {self.n_steps} steps after {self.transient} dropped, "
            f"against {self.name} ({self.data.shape[0]} samples){which}"
        )

    def __call__(self, model: Any, task: Any, *, key: PRNGKeyArray) -> dict[str, Float[Array, ""]]:
        """Numbers for the history; a measure without names of its own is called ``measure``."""
        model = whole_model(params.rows(model, **dict(self.rows)))
        if model.n_inputs:
            raise ValueError(
                f"FreeRun runs a model without external inputs, but this {type(model).__name__} "
                f"has n_inputs={model.n_inputs}: write a function (model, task, *, key) that runs "
                "it with inputs of your choice, and pass that as `evaluate=`."
            )
        if model.n_outputs != self.data.shape[1]:
            raise ValueError(
                f"FreeRun compares {self.data.shape[1]} variables (time, output), but this "
                f"{type(model).__name__} has n_outputs={model.n_outputs}."
            )
        data = self.data[:, _order(self.names, task.output_names)]
        if self.dt is not None and not np.isclose(self.dt, task.dt, rtol=1e-6):
            raise LabelError(
                f"FreeRun: the data have steps of {self.dt:g}, the task of {task.dt:g}: compare "
                "with data that are sampled as those of the task."
            )
        run = integrate(
            model,
            dt=task.dt,
            n_steps=self.transient + self.n_steps,
            state=State(model.infer(data[0])),
            key=key,
        )
        found = self.measure(data, run.outputs[self.transient :])
        return dict(found) if isinstance(found, dict) else {_name(self.measure): jnp.asarray(found)}


def _name(measure: Callable) -> str:
    return getattr(measure, "name", None) or getattr(measure, "__name__", "measure")


def _read(data: Any) -> tuple[np.ndarray, tuple[str, ...] | None, float | None]:
    """Values ``(time, output)``; names of the outputs and the step, where labels say them."""
    if not isinstance(data, xr.DataArray) or "time" not in data.dims or data.ndim != 2:
        return np.asarray(data), None, None
    step = clock(data, what="`data`", default=1.0).step
    data = data.transpose("time", ...)
    last = data.dims[1]
    names = tuple(map(str, data[last].values)) if last in data.coords else None
    return data.values, names, step if "time" in data.coords else None


def _order(names: tuple[str, ...] | None, wanted: tuple[str, ...]) -> np.ndarray:
    """Positions in the data of the outputs of the task."""
    if names is None:
        return np.arange(len(wanted))
    if sorted(names) == sorted(wanted):
        return np.array([names.index(name) for name in wanted])
    unnamed = tuple(f"output {i}" for i in range(len(wanted)))
    if wanted != unnamed and not counts(np.array(names)):
        raise LabelError(
            f"FreeRun: the data have the outputs {list(names)}, the task {list(wanted)}: rename "
            "or select, so that both have the same."
        )
    array = xr.DataArray(np.arange(len(names)), {"output": list(names)})
    return in_positions(array, "output", what="`data`").values


class FreshTrials(eqx.Module):
    """Evaluates on new draws of the task, other ones each time: pass it to `fit(evaluate=...)`.

    Parameters
    ----------
    n_batches, batch_size
        Batches per evaluation and trials per batch; a task that draws something once per batch,
        such as a length, draws it for each. Default: 50 of 256.
    objective
        Whose evaluation is averaged over batches; default :class:`Supervised`.
    """

    objective: AbstractObjective
    n_batches: int = eqx.field(static=True)
    batch_size: int = eqx.field(static=True)
    fresh: ClassVar[bool] = True

    __repr__ = brief

    def __init__(
        self,
        n_batches: int = 50,
        batch_size: int = 256,
        *,
        objective: AbstractObjective | None = None,
    ):
        check_whole(1, n_batches=n_batches, batch_size=batch_size)
        self.objective = Supervised() if objective is None else objective
        self.n_batches, self.batch_size = int(n_batches), int(batch_size)

    def __call__(self, model, task, *, key):
        """Means over batches."""

        def one(key):
            trial_key, run_key = jax.random.split(key)
            trials = task.batch(trial_key, self.batch_size)
            return self.objective.evaluate(model, task, trials, None, key=run_key)

        metrics = jax.lax.map(one, jax.random.split(key, self.n_batches))
        return {name: jnp.nanmean(x) for name, x in metrics.items()}

    @property
    def protocol(self) -> str:
        """Words for the history."""
        return f"{self.n_batches} new batches of {self.batch_size} trials"
