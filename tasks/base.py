"""Tasks of epochs and conditions: batches, validation sets, conditions, input noise.

**Input noise.** A noisy channel receives ``noise_std sqrt(2 noise_tau / dt) xi`` on top of its
signal; ``xi`` is standard normal and held for one step. So ``noise_std`` is the standard deviation
that the noise causes in a linear leaky unit of time constant ``noise_tau``, whatever ``dt`` is
(Yang et al. 2019 write ``sigma sqrt(2 / alpha)``, with ``alpha = dt / tau``). As white noise its
amplitude is ``noise_std sqrt(2 noise_tau)`` per square root of ms.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.common.random import as_key
from neurodyn.kernels import standard_normal
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.losses import squared_error, weighted_mean
from neurodyn.tasks.timeline import Timeline

__all__ = [
    "AbstractDrawnTask",
    "AbstractTrialTask",
    "balanced",
    "check_columns",
    "check_noise",
    "draw_batch",
    "factorial",
    "input_noise",
    "last_steps",
    "pick",
]

#: Trials in a validation set, at least; more where that balances it.
N_VALIDATION = 512
VALIDATION_SEED = 5555


class AbstractDrawnTask(AbstractTask):
    """A task that draws each trial by itself, with a target at every step.

    Conditions that can be given are the columns of the condition table and the numbers that
    ``limits`` names. A task of this kind needs ``sample``, ``score``, and the names of its
    channels; ``condition_table``, ``limits``, ``labels`` and ``units`` where it has any.
    """

    scored: ClassVar[Literal["every", "last"]] = "every"

    @property
    def n_inputs(self) -> int:
        """Number of input channels."""
        return len(self.input_names)

    @property
    def n_outputs(self) -> int:
        """Number of output channels."""
        return len(self.output_names)

    def limits(self) -> dict[str, tuple[float, float]]:
        """Bounds of the numbers that can be given as conditions; by default none."""
        return {}

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw ``n`` trials, see :meth:`~neurodyn.task.AbstractTask.batch`."""
        whole("n", n)
        columns: dict[str, Array] = {}
        if conditions:  # tables and limits cost more than the trials of a small batch
            columns = check_columns(
                conditions, n, self.condition_table(), self.labels(), self._drawn | self.limits()
            )
        return draw_batch(self, as_key(key, needed_for="A batch of trials"), n, columns)

    #: Bounds of conditions besides `limits`.
    _drawn: ClassVar[dict[str, tuple[float, float]]] = {}

    def validation(self) -> Trial:
        """At least 512 trials, every condition of the table equally often."""
        return balanced(self)

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Squared error, averaged over scored steps and outputs."""
        return weighted_mean(squared_error(outputs, trials.targets), trials.mask)


class AbstractTrialTask(AbstractDrawnTask):
    """A task whose trials run through the epochs of a :class:`~neurodyn.tasks.timeline.Timeline`.

    Conditions that can be given are the columns of the condition table and the durations that the
    timeline draws. A task of this kind needs ``sample``, ``score``, ``condition_table`` and the
    names of its channels; ``loss``, ``limits``, ``labels`` and ``units`` where it has others.
    """

    timeline: eqx.AbstractVar[Timeline]

    @property
    def dt(self) -> float:
        """Step [ms]."""
        return self.timeline.dt

    @property
    def t0(self) -> float:
        """Start of the trial relative to the alignment event [ms]."""
        return self.timeline.t0

    @property
    def n_steps(self) -> int:
        """Steps of a trial."""
        return self.timeline.n_steps

    @property
    def _drawn(self):
        return self.timeline.drawn

    def units(self) -> dict[str, str]:
        """Durations that the timeline draws are in ms."""
        return dict.fromkeys(self.timeline.drawn, "ms")


def draw_batch(
    task: AbstractTask, key: PRNGKeyArray, n: int, columns: Mapping[str, Array]
) -> Trial:
    """Draw ``n`` trials with the conditions in ``columns``, compiled."""
    return _draw_batch(task, key, int(n), columns)  # NumPy's numbers would be traced


@eqx.filter_jit
def _draw_batch(
    task: AbstractTask, key: PRNGKeyArray, n: int, columns: Mapping[str, Array]
) -> Trial:

    def one(i, given):
        return task.sample(jax.random.fold_in(key, i), **given)

    return jax.vmap(one)(jnp.arange(n, dtype=jnp.uint32), dict(columns)).of(task)


def balanced(task: AbstractTask) -> Trial:
    """At least 512 trials, the same in every run, every condition of the table equally often."""
    table = task.condition_table()
    rows = len(next(iter(table.values()))) if table else 1
    repeats = -(-N_VALIDATION // rows)
    columns = {name: jnp.tile(column, repeats) for name, column in table.items()}
    return draw_batch(task, as_key(VALIDATION_SEED), rows * repeats, columns)


def check_columns(
    conditions: Mapping[str, Any],
    n: int,
    table: Mapping[str, Array | np.ndarray],
    codes: Mapping[str, Mapping[int, str]],
    limits: Mapping[str, tuple[float, float]],
) -> dict[str, Array]:
    """Bring the conditions given to a batch to one array of length ``n`` each.

    Raises
    ------
    ValueError
        If ``n`` is not positive, a condition is unknown, has the wrong length, holds NaN, is a
        code without a name or a number out of its limits.
    """
    whole("n", n)
    check_names(conditions, table, limits)
    columns = {}
    for name, given in conditions.items():
        if not isinstance(given, jax.core.Tracer):
            _check_values(name, np.asarray(given), codes, limits)
        dtype = table[name].dtype if name in table else jnp.result_type(float)
        value = jnp.asarray(given).astype(dtype)
        if value.shape not in ((), (n,)):
            raise ValueError(
                f"Condition {name!r} must be one value or {n} values (one per trial), "
                f"got shape {value.shape}."
            )
        columns[name] = jnp.broadcast_to(value, (n,))
    return columns


def check_names(given: Mapping[str, Any], *known: Mapping[str, Any]) -> None:
    """Refuse conditions that the task does not take."""
    names = dict.fromkeys(name for group in known for name in group)
    for name in given:
        if name not in names:
            takes = ", ".join(names) or "none"
            raise ValueError(f"Unknown condition {name!r}; this task takes: {takes}.")


def _check_values(name: str, given: np.ndarray, codes: Any, limits: Any) -> None:
    if given.dtype.kind not in "iufb":
        known = f", of the codes {dict(codes[name])}" if name in codes else ""
        raise ValueError(f"Condition {name!r} must be numbers{known}, got {given.dtype}.")
    if not np.isfinite(given).all():
        raise ValueError(f"Condition {name!r} holds NaN or infinite values.")
    if name in codes and not np.isin(given, list(codes[name])).all():
        raise ValueError(
            f"Condition {name!r} takes the codes {dict(codes[name])}, got {np.unique(given)[:5]}."
        )
    if name in limits:
        low, high = limits[name]
        slack = 1e-6 * max(abs(low), abs(high))  # float32 values of float64 limits
        if given.min() < low - slack or given.max() > high + slack:
            raise ValueError(
                f"Condition {name!r} must lie in [{low:g}, {high:g}] in this task, got "
                f"{given.min():g} to {given.max():g}."
            )


def kind_of(given: Any) -> str:
    """What was given in place of a task, in words."""
    return "the class itself" if isinstance(given, type) else type(given).__name__


def pick(task: AbstractTrialTask, key: PRNGKeyArray, given: Mapping[str, Any]) -> dict[str, Array]:
    """Draw one row of the condition table; conditions in ``given`` replace the drawn ones."""
    table = task.condition_table()
    check_names(given, table, task.timeline.drawn)
    row = jax.random.randint(key, (), 0, len(next(iter(table.values()))))
    return {
        name: jnp.asarray(given[name]).astype(column.dtype) if name in given else column[row]
        for name, column in table.items()
    }


def factorial(**levels: Array) -> dict[str, Array]:
    """All combinations of the levels, as equally long columns; the last one varies fastest."""
    sizes = [len(values) for values in levels.values()]
    index = np.indices(sizes).reshape(len(sizes), -1)
    return {name: values[i] for i, (name, values) in zip(index, levels.items(), strict=True)}


def input_noise(
    key: PRNGKeyArray,
    shape: tuple[int, ...],
    noise_std: Float[Array, ""],
    noise_tau: Float[Array, ""],
    dt: float | int,
    n_valid: Int[Array, ""] | None = None,
) -> Float[Array, "time input"]:
    """Noise with standard deviation ``noise_std sqrt(2 noise_tau / dt)``, see this module.

    With ``n_valid``, only the steps of the trial have noise, which costs less.
    """
    wanted = None if n_valid is None else n_valid * math.prod(shape[1:])
    scale = noise_std * jnp.sqrt(2 * noise_tau / dt)
    return scale * standard_normal(key, shape, noise_std.dtype, wanted=wanted)


def check_noise(noise_std: Any, noise_tau: Any) -> tuple[Float[Array, ""] | None, Float[Array, ""]]:
    """Noise and its time constant, checked; without noise, None, none is drawn."""
    std = None if noise_std is None else number("noise_std", noise_std, low=0)
    return std, number("noise_tau", noise_tau, above=0)


def last_steps(trials: Trial, n_steps: int) -> Int[Array, " trial"]:
    """The last step of each trial, of ``n_steps`` in the buffer: where a final answer is read."""
    ends = trials.n_valid if trials.n_valid is not None else trials.length
    ends = jnp.asarray(n_steps if ends is None else ends)
    return jnp.broadcast_to(ends.astype(jnp.int32) - 1, trials.mask.shape[:1])
