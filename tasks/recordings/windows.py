"""Windows of recordings as a task, to train models of their dynamics."""

from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import check_whole, number, plain_number
from neurodyn.common.random import as_key
from neurodyn.kernels import standard_normal
from neurodyn.params.base import changed
from neurodyn.task import Trial
from neurodyn.tasks.base import (
    N_VALIDATION,
    AbstractDrawnTask,
    check_columns,
    check_names,
    draw_batch,
)
from neurodyn.tasks.losses import explained
from neurodyn.tasks.recordings.external import external_inputs
from neurodyn.tasks.recordings.recordings import as_recordings, standardised


class Windows(AbstractDrawnTask):
    """Windows of one or several recordings, drawn uniformly and with replacement.

    Targets are the window: ``length + 1`` samples, of which a model that starts from the first
    predicts the others. So do :func:`neurodyn.simulate` and :class:`neurodyn.training.Supervised`
    with every model that can start from an observation; what it gives has the labels of what it
    predicts, and is scored by it. Other models run from a start of their own through all samples.
    Time 0 is that of the first sample, so that labels differ from those of the recording by the
    time of the sample ``start``. Windows never reach across the end of a recording. A trial
    says which recording it is from (``subject``) and at which sample it starts (``start``), so that
    parameters indexed by subject find their row. These are positions; labelled trials and runs also
    have the label of the recording's `trial` or `subject`, as ``recording``, and the time of the
    first sample on its clock, as ``start_time``, where the data have such labels.

    Parameters
    ----------
    data
        One recording ``(time, output)``, several ``(subject, time, output)``, or a list of
        recordings that may differ in length: arrays, or xarray objects with dims `time`, then
        `unit`, `channel` or `output`, and perhaps `trial` or `subject`. Of a Dataset, its one
        variable with time.
    length
        Steps that are predicted.
    inputs
        External inputs, in the same form and of the same length as ``data``; where both are
        labelled, of the same times and trials, in any order. Their names are kept. Row t acts in
        the step from sample t to t + 1. In the papers' notation, ``z_t = F(z_{t-1}) + C s_t``, it
        is s of the *later* sample that acts: shift such recordings by one row first. Default: none.
    noise_std
        Standard deviation of Gaussian noise, drawn anew for every window and added to all its
        samples; in the units of the standardised data. Default 0.
    standardise
        What is done to each output: ``"none"`` (default); ``"each"``: zero mean and unit standard
        deviation in each recording; ``"all"``: over all recordings together. ``mean`` and ``std``
        say what was subtracted and divided by.
    dt
        Step [ms] of data without a coordinate `time`, default 1; else that of the coordinate, which
        a `dt` must agree with.
    names
        Names of the outputs; default those of ``data``, or ``output 0``, ``output 1``...

    Attributes
    ----------
    data
        ``(subject, time, output)``, as trained on; shorter recordings are filled up with zeros that
        no window reaches.
    mean, std
        ``(subject, output)``: raw data are ``mean + std * data``.

    Raises
    ------
    ValueError
        If dims or shapes do not fit, a recording holds NaN, has a constant output or is shorter
        than a window, an array has more outputs than samples (is its time last?), or times are not
        in ms, have gaps, or contradict `dt`.

    References
    ----------
    Hess, Monfared, Brenner & Durstewitz, "Generalized teacher forcing for learning chaotic
    dynamics", ICML 2023 (windows, noise).

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import tasks
    >>> data = np.random.default_rng(0).normal(size=(500, 3))
    >>> task = tasks.Windows(data, length=50, standardise="each")
    >>> task.batch(0, 16).targets.shape
    (16, 51, 3)
    """

    align_event: ClassVar[str] = "window start"
    reference: ClassVar[tuple[str, ...]] = ("hess2023",)
    renamed_fields: ClassVar[dict[str, str]] = {"noise": "noise_std"}

    dt: float = eqx.field(static=True)
    n_steps: int = eqx.field(static=True)
    unit: str = eqx.field(static=True)
    recordings: tuple[Any, ...] | None = eqx.field(static=True)
    names_in: tuple[str, ...] = eqx.field(static=True)
    starts: np.ndarray | None
    names: tuple[str, ...] = eqx.field(static=True)
    standardise: str = eqx.field(static=True)
    data: Float[Array, "subject time output"]
    inputs: Float[Array, "subject time input"]
    lengths: Int[Array, " subject"]
    mean: Float[Array, "subject output"]
    std: Float[Array, "subject output"]
    noise_std: Float[Array, ""] | None

    def __init__(
        self,
        data: Any,
        length: int = 200,
        *,
        inputs: Any = None,
        noise_std: float | int = 0.0,
        standardise: str = "none",
        dt: float | int | None = None,
        names: Sequence[str] | None = None,
    ):
        check_whole(1, length=length)
        if standardise not in ("none", "each", "all"):
            raise ValueError(f"`standardise` is 'none', 'each' or 'all', got {standardise!r}.")
        dt = None if dt is None else plain_number("dt", dt, above=0)
        found = as_recordings(data, what="data", dt=dt)
        found.check(length)
        self.n_steps, self.standardise = int(length) + 1, standardise
        self.dt, self.unit = found.dt, found.unit
        self.recordings = None if None in found.trials else tuple(found.trials)
        self.starts = np.asarray(found.starts) if np.isfinite(found.starts).all() else None
        # Noise costs a quarter of the time of training small models: none is drawn for nothing.
        self.noise_std = number("noise_std", noise_std, low=0) if noise_std != 0 else None
        self.names = _names(names or found.names, found.n)
        parts, mean, std = standardised(found.parts, standardise)
        self.mean, self.std = _array(mean), _array(std)
        self.lengths = jnp.asarray([len(x) for x in parts], jnp.int32)
        self.data = _array(_padded(parts))
        external = [np.zeros((len(x), 0)) for x in parts]
        self.names_in = ()
        if inputs is not None:
            given = external_inputs(inputs, data, found)
            external = given.parts
            self.names_in = _names(given.names, given.n, "input")
        self.inputs = _array(_padded(external))

    @property
    def t0(self) -> float:
        """One step before the first sample, which is at 0 [ms]."""
        return -self.dt

    @property
    def n_subjects(self) -> int:
        """Number of recordings."""
        return self.data.shape[0]

    def sample(self, key, **conditions):
        """One window; ``subject=`` and ``start=`` say which."""
        check_names(conditions, self.limits())
        which, noise_key = jax.random.split(key)
        subject, start = self._draw(which)
        subject = jnp.asarray(conditions.get("subject", subject)).astype(jnp.int32)
        room = self.lengths[subject] - self.n_steps
        if "start" in conditions:
            start = jnp.asarray(conditions["start"]).astype(jnp.int32)
        elif "subject" in conditions:
            start = jax.random.randint(which, (), 0, room + 1, jnp.int32)
        start = jnp.minimum(start, room)
        x = self._cut(self.data, subject, start)
        if self.noise_std is not None:
            x = x + self.noise_std * standard_normal(noise_key, x.shape, x.dtype)
        return Trial(
            inputs=self._cut(self.inputs, subject, start),
            targets=x,
            mask=jnp.ones_like(x),
            conditions={"subject": subject, "start": start},
            epochs={},
            from_first=True,
        )

    def batch(self, key, n, **conditions):
        """Draw ``n`` windows; ``subject=`` and ``start=`` (one number, or ``n``) say which."""
        columns = check_columns(conditions, n, {}, {}, self.limits())
        self._check_starts(columns)
        return draw_batch(self, as_key(key, needed_for="A batch of windows"), n, columns)

    def validation(self):
        """512 windows at even distances over all recordings, without noise."""
        starts = self.lengths - self.n_steps + 1
        every = jnp.cumsum(starts)
        apart = every[-1] / N_VALIDATION
        places = (jnp.arange(N_VALIDATION, dtype=apart.dtype) * apart).astype(jnp.int32)
        subject = jnp.searchsorted(every, places, side="right").astype(jnp.int32)
        start = places - (every[subject] - starts[subject])
        columns = {"subject": subject, "start": start}
        return draw_batch(changed(self, noise_std=None), as_key(0), N_VALIDATION, columns)

    def limits(self) -> dict[str, tuple[float, float]]:
        """Bounds of the numbers that say which window."""
        last = self.data.shape[1] - self.n_steps
        return {"subject": (0.0, float(self.n_subjects - 1)), "start": (0.0, float(last))}

    def score(self, outputs, trials):
        """``mse`` and explained variance (``correct``), see `neurodyn.tasks.losses.explained`."""
        return explained(outputs, trials.targets, trials.mask)

    def units(self):
        """Unit of time, where it is not ms; conditions have no units."""
        return {} if self.unit == "ms" else {"time": self.unit}

    def coordinates(self, trials):
        """The recording that each window is from, and when it starts there."""
        subject, start = (np.asarray(trials.conditions[name]) for name in ("subject", "start"))
        found = {}
        if self.recordings is not None:
            found["recording"] = np.asarray(self.recordings)[subject], "1"
        if self.starts is not None:
            found["start_time"] = self.starts[subject] + start * self.dt, self.unit
        return found

    @property
    def input_names(self):
        """Those of the labelled inputs, else ``input 0``, ``input 1``..."""
        return self.names_in

    @property
    def output_names(self):
        """Names of the observed variables."""
        return self.names

    def _check_starts(self, columns: dict[str, Any]) -> None:
        """Refuse windows that reach across the end of a shorter recording."""
        subject, start = columns.get("subject"), columns.get("start")
        if start is None or any(isinstance(x, jax.core.Tracer) for x in (subject, start)):
            return
        last = np.asarray(self.lengths) - self.n_steps
        room = last.min() if subject is None else last[np.asarray(subject).astype(int)]
        if (np.asarray(start) > room).any():
            which = "any subject" if subject is None else f"subject={np.asarray(subject)}"
            raise ValueError(
                "Windows: `start` is too late for a window of its recording. The last starts are, "
                f"by subject, {last.tolist()}; got start={np.asarray(start)} of {which}."
            )

    def _draw(self, key: Array) -> tuple[Int[Array, ""], Int[Array, ""]]:
        """Subject and start of a window, all windows being equally likely."""
        starts = self.lengths - self.n_steps + 1
        every = jnp.cumsum(starts)
        place = jax.random.randint(key, (), 0, every[-1], jnp.int32)
        subject = jnp.sum(place >= every, dtype=jnp.int32)
        return subject, place - (every[subject] - starts[subject])

    def _cut(self, data: Array, subject: Array, start: Array) -> Array:
        shape = (1, self.n_steps, data.shape[-1])
        return jax.lax.dynamic_slice(data, (subject, start, jnp.zeros_like(start)), shape)[0]


def _array(x: Any) -> Array:
    return jnp.asarray(x, jnp.result_type(float))


def _padded(parts: list[np.ndarray]) -> np.ndarray:
    longest = max(len(x) for x in parts)
    return np.stack([np.pad(x, ((0, longest - len(x)), (0, 0))) for x in parts])


def _names(names: Sequence[str] | None, n: int, what: str = "output") -> tuple[str, ...]:
    given = tuple(str(x) for x in (names or [f"{what} {i}" for i in range(n)]))
    if len(given) != n or len(set(given)) != n:
        raise ValueError(f"Windows: `names` must name each of the {n} {what}s, got {given}.")
    return given
