"""N-bit flip-flop: remember the sign of the last pulse on every channel."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractTrialTask, check_names, input_noise
from neurodyn.tasks.losses import weighted_mean
from neurodyn.tasks.timeline import Timeline, steps_of

DURATIONS = {"stimulus": 2000.0}
PULSE = 100.0


class FlipFlop(AbstractTrialTask):
    """The n-bit flip-flop of Sussillo & Barak (2013).

    Each of ``n_bits`` input channels carries pulses of +1 or -1 at random times; output i holds the
    sign of the last pulse on channel i. Every channel starts with a pulse, so that its state is
    always defined. Pulses begin as a Poisson process (at most one per step); one that begins during
    another replaces it. While a pulse is on, its bit is not scored: it has that long to flip.

    Parameters
    ----------
    dt
        Step [ms].
    n_bits
        Number of channels.
    duration
        Of a trial [ms]; default 2000, to the nearest step.
    pulse
        Duration of a pulse [ms]; default 100, to the nearest step.
    rate
        Pulses per second and channel [Hz]. The paper gives none; 3 Hz makes about six pulses a
        trial.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On fewer than one bit, a negative rate or more than one pulse per step, negative noise, a
        pulse as long as the trial, or durations that are not a whole number of steps.

    References
    ----------
    Sussillo & Barak, Neural Comput. 2013.

    Examples
    --------
    >>> task = FlipFlop(dt=20.0, n_bits=3)
    >>> task.batch(0, 64).targets.shape
    (64, 100, 3)
    """

    rate: Float[Array, ""]
    noise_std: Float[Array, ""]
    noise_tau: Float[Array, ""]
    n_bits: int = eqx.field(static=True)
    pulse_steps: int = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    align_event: ClassVar[str] = "trial start"
    reference: ClassVar[tuple[str, ...]] = ("sussillo2013",)
    renamed_fields: ClassVar[dict[str, str]] = {"sigma": "noise_std"}

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        n_bits: Any = 3,
        duration: float | int | None = None,
        pulse: float | int | None = None,
        rate: Any = 3.0,
        noise_std: Any = 0.0,
        noise_tau: Any = 100.0,
    ):
        self.timeline = Timeline.build(dt, "stimulus", {"stimulus": duration}, DURATIONS)
        self.n_bits = whole("n_bits", n_bits)
        self.pulse_steps = steps_of("pulse", pulse, PULSE, dt)
        if self.pulse_steps >= self.timeline.n_steps:
            raise ValueError(
                f"`pulse` must be shorter than the trial ({self.timeline.n_steps * dt:g} ms), "
                f"got {self.pulse_steps * dt:g} ms."
            )
        self.rate = number("rate", rate, low=0)
        if float(self.rate) * dt > 1000:
            raise ValueError(f"`rate` = {rate} Hz is more than one pulse per step of {dt:g} ms.")
        self.noise_std = number("noise_std", noise_std, low=0)
        self.noise_tau = number("noise_tau", noise_tau, above=0)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; there are no conditions to give."""
        check_names(conditions)
        k_onset, k_sign, k_noise = jax.random.split(as_key(key), 3)
        shape, dtype = (self.n_steps, self.n_bits), self.noise_std.dtype
        onset = jax.random.uniform(k_onset, shape, dtype) < self.rate * self.dt / 1000
        onset = onset.at[0].set(True)
        sign = jax.random.rademacher(k_sign, shape, dtype)

        step = jnp.arange(self.n_steps, dtype=jnp.int32)[:, None]
        latest = jax.lax.cummax(jnp.where(onset, step, 0), axis=0)
        state = jnp.take_along_axis(sign, latest, axis=0)
        on = step - latest < self.pulse_steps
        inputs = jnp.where(on, state, 0)
        inputs = inputs + input_noise(k_noise, shape, self.noise_std, self.noise_tau, self.dt)
        whole = jnp.asarray([0.0, self.n_steps * self.dt], dtype)
        return Trial(inputs, state, 1 - on.astype(dtype), {}, {"stimulus": whole})

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """``mse``, and ``correct``: the fraction of scored steps and bits of the right sign."""
        right = (outputs * trials.targets > 0).astype(outputs.dtype)
        return {"correct": weighted_mean(right, trials.mask), "mse": self.loss(outputs, trials)}

    @property
    def input_names(self) -> tuple[str, ...]:
        """One channel per bit."""
        return tuple(f"pulse_{i}" for i in range(self.n_bits))

    @property
    def output_names(self) -> tuple[str, ...]:
        """One channel per bit."""
        return tuple(f"bit_{i}" for i in range(self.n_bits))
