"""Ready-set-go: measure the interval between two cues and produce it."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractTrialTask, input_noise, pick
from neurodyn.tasks.parts.crossings import produced_interval
from neurodyn.tasks.timeline import Schedule, Timeline, steps_of
from neurodyn.tasks.timing.production import OVERSHOOT, intervals_in_steps

FIXATION, CUE = 300.0, 80.0
#: The shortest of the three priors of the paper [ms].
INTERVALS = tuple(np.linspace(494.0, 847.0, 11))


class ReadySetGo(AbstractTrialTask):
    """Time-interval reproduction (Jazayeri & Shadlen 2010).

    Two brief cues, ``ready`` and ``set``, are ``interval`` apart (onset to onset); the output must
    reach 1 ``gain * interval`` after the onset of ``set``. Its target is 0 until ``set``, then a
    ramp that reaches 1 at the right time and goes on for a fifth of that time; what comes later is
    not scored. The produced interval is the time of the first crossing of 1, interpolated between
    steps. Time 0 is the onset of ``ready``.

    Parameters
    ----------
    dt
        Step [ms].
    interval
        Intervals [ms], all equally likely. Default: 11 from 494 to 847 ms, the "short" prior, to
        the nearest step.
    gain
        Produced over measured interval, as in Remington et al. (2018).
    fixation, cue
        Time before ``ready`` and duration of a cue [ms]; defaults, to the nearest step: 300 and 80.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    tolerance
        Relative error of the produced interval that still counts as correct. The paper adapted it
        to each subject so that about half of the trials were rewarded; 0.15 is a common window.

    Raises
    ------
    ValueError
        On intervals that are not a whole number of steps or no longer than a cue, negative noise,
        gain or tolerance that are not positive.

    References
    ----------
    Jazayeri & Shadlen, Nat. Neurosci. 2010; Remington et al., Neuron 2018.

    Examples
    --------
    >>> task = ReadySetGo(dt=20.0)
    >>> task.condition_table()["interval"].tolist()[:3]
    [500.0, 520.0, 560.0]
    """

    interval: Float[Array, " interval"]
    gain: Float[Array, ""]
    noise_std: Float[Array, ""]
    noise_tau: Float[Array, ""]
    tolerance: Float[Array, ""]
    cue_steps: int = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    align_event: ClassVar[str] = "ready onset"
    reference: ClassVar[tuple[str, ...]] = ("jazayeri2010", "remington2018")
    renamed_fields: ClassVar[dict[str, str]] = {"sigma": "noise_std"}
    input_names: ClassVar[tuple[str, ...]] = ("ready", "set")
    output_names: ClassVar[tuple[str, ...]] = ("ramp",)

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        interval: Any = None,
        gain: Any = 1.0,
        fixation: float | int | None = None,
        cue: float | int | None = None,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
        tolerance: Any = 0.15,
    ):
        self.gain = number("gain", gain, above=0)
        self.noise_std = number("noise_std", noise_std, low=0)
        self.noise_tau = number("noise_tau", noise_tau, above=0)
        self.tolerance = number("tolerance", tolerance, above=0)
        lead = Timeline.build(
            dt, "measure", {"fixation": fixation, "measure": dt}, {"fixation": FIXATION}
        )
        self.cue_steps = steps_of("cue", cue, CUE, dt)
        measured = intervals_in_steps(dt, interval, INTERVALS, self.cue_steps)
        self.interval = jnp.asarray(measured * dt, jnp.result_type(float))
        longest = int(measured.max())
        ramp = int(np.ceil(longest * float(self.gain) * (1 + OVERSHOOT)))
        steps = (lead.n_steps - 1, longest, ramp)
        names = ("fixation", "measure", "production")
        self.timeline = Timeline(float(dt), names, steps, steps, "measure")

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``interval`` [ms], taken to the nearest step."""
        k_pick, k_noise = jax.random.split(as_key(key))
        dtype, dt = self.noise_std.dtype, self.dt
        measure = jnp.round(pick(self, k_pick, conditions)["interval"] / dt).astype(jnp.int32)
        interval = measure.astype(dtype) * dt
        produced = self.gain * interval
        ramp_steps = jnp.ceil(produced * (1 + OVERSHOOT) / dt - 1e-3).astype(jnp.int32)
        lead = jnp.asarray(self.timeline.lead, jnp.int32)
        edges = jnp.stack([jnp.zeros_like(lead), lead, lead + measure, lead + measure + ramp_steps])
        schedule = Schedule(edges, self.timeline)

        step = jnp.arange(self.n_steps, dtype=jnp.int32)
        since = [step - schedule.start(name) for name in ("measure", "production")]
        cues = jnp.stack([(s >= 0) & (s < self.cue_steps) for s in since], axis=1).astype(dtype)
        inputs = cues + input_noise(k_noise, cues.shape, self.noise_std, self.noise_tau, dt)
        ramp = jnp.maximum((since[1] + 1).astype(dtype), 0) * dt / produced
        scored = (step < edges[-1]).astype(dtype)
        given = {"interval": interval, "interval_correct": produced}
        return Trial(
            inputs,
            (ramp * scored)[:, None],
            scored[:, None],
            given,
            schedule.intervals(dtype),
            # Trials of the one interval that there is last equally long.
            n_valid=edges[-1] if len(self.interval) > 1 or conditions else None,
        )

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """The produced interval and its error.

        Returns
        -------
        dict
            ``produced`` [ms]: from ``set`` to the first crossing of 1, NaN if there is none;
            ``rt``: the same; ``error`` [ms]: ``produced`` minus the right interval; ``correct``:
            whether the error is within tolerance; ``mse``.
        """
        z = outputs[..., 0]
        start = trials.epochs["production"][:, 0].astype(z.dtype)
        wanted = trials.conditions["interval_correct"].astype(z.dtype)
        scores = produced_interval(z, start, wanted, self.tolerance, self.dt)
        return scores | {"mse": self.loss(outputs, trials)}

    def condition_table(self) -> dict[str, Array]:
        """The intervals."""
        return {"interval": self.interval}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Intervals lie between a cue and the longest one of the task."""
        return {"interval": ((self.cue_steps + 1) * self.dt, self.timeline.longest[1] * self.dt)}

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return dict.fromkeys(("interval", "interval_correct", "produced", "rt", "error"), "ms")
