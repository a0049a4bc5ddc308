"""Centre-out reaching: move the hand to one of eight targets after a go cue."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractTrialTask, input_noise, pick
from neurodyn.tasks.choice.choice import steps_during
from neurodyn.tasks.timeline import Duration, Timeline

DURATIONS = {"center": 300.0, "delay": 500.0, "reaction": 200.0, "movement": 600.0, "hold": 200.0}
#: A hand moves once it exceeds this fraction of the peak speed.
ONSET = 0.2


class CenterOut(AbstractTrialTask):
    """Instructed-delay centre-out reaching (Georgopoulos et al. 1982).

    Inputs are the direction of the target (``target_x``, ``target_y``, cosine and sine, shown from
    its onset to the end of the trial) and ``wait`` (1 until the go cue, then 0). Outputs are the
    hand's velocity: 0 until ``reaction`` after the go cue, then a minimum-jerk movement (Flash &
    Hogan 1985) in the direction of the target, in units of its peak speed. Time 0 is movement
    onset, to which recordings are usually aligned.

    Parameters
    ----------
    dt
        Step [ms].
    n_targets
        Number of targets; target i lies at ``360 i / n_targets`` degrees.
    center, delay, reaction, movement, hold
        Time before the target appears, from the target to the go cue, to movement onset, duration
        of the movement and time after it [ms]; all but ``center`` and ``movement`` can be
        ``(low, high)`` to be drawn for every trial. Defaults, to the nearest step: 300, 500, 200,
        600 and 200 ms. With a delay that varies the network cannot foresee the go cue.
    noise_std
        Noise of the target channels, as the standard deviation it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`).
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On fewer than two targets, negative noise, or durations that are not a whole number of
        steps.

    References
    ----------
    Georgopoulos et al., J. Neurosci. 1982; Flash & Hogan, J. Neurosci. 1985; Hatsopoulos, Xu &
    Amit, J. Neurosci. 2007 (recordings with the same eight directions).

    Examples
    --------
    >>> task = CenterOut(dt=20.0)
    >>> trials = task.batch(0, 8, direction=range(8))
    >>> trials.conditions["angle"].tolist()
    [0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0]
    """

    noise_std: Float[Array, ""]
    noise_tau: Float[Array, ""]
    n_targets: int = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    align_event: ClassVar[str] = "movement onset"
    reference: ClassVar[tuple[str, ...]] = ("georgopoulos1982", "flash1985", "hatsopoulos2007")
    renamed_fields: ClassVar[dict[str, str]] = {"sigma": "noise_std"}
    input_names: ClassVar[tuple[str, ...]] = ("target_x", "target_y", "wait")
    output_names: ClassVar[tuple[str, ...]] = ("velocity_x", "velocity_y")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        n_targets: Any = 8,
        center: float | int | None = None,
        delay: Duration | None = None,
        reaction: Duration | None = None,
        movement: float | int | None = None,
        hold: Duration | None = None,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
    ):
        durations = dict(zip(DURATIONS, (center, delay, reaction, movement, hold), strict=True))
        may_be_zero = ("center", "delay", "reaction", "hold")
        self.timeline = Timeline.build(
            dt, "movement", durations, DURATIONS, may_be_zero=may_be_zero
        )
        self.n_targets = whole("n_targets", n_targets, 2)
        self.noise_std = number("noise_std", noise_std, low=0)
        self.noise_tau = number("noise_tau", noise_tau, above=0)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``direction``, and ranged durations."""
        k_pick, k_time, k_noise = jax.random.split(as_key(key), 3)
        direction = pick(self, k_pick, conditions)["direction"]
        schedule = self.timeline.draw(k_time, conditions)
        dtype = self.noise_std.dtype
        angles = self._angles(np.arange(self.n_targets))
        ways = np.stack([np.cos(np.deg2rad(angles)), np.sin(np.deg2rad(angles))], axis=1)
        unit = jnp.asarray(ways, dtype)[direction][None, :]

        names = self.timeline.names
        shown = schedule.during(*names[1:]).astype(dtype)[:, None] * unit
        shown = shown + input_noise(k_noise, shown.shape, self.noise_std, self.noise_tau, self.dt)
        wait = schedule.during("center", "delay").astype(dtype)
        inputs = jnp.concatenate([shown, wait[:, None]], axis=1)

        onset, stop = schedule.edges[3], schedule.edges[4]
        step = jnp.arange(self.n_steps, dtype=jnp.int32)
        phase = (step + 1 - onset).astype(dtype) / (stop - onset).astype(dtype)
        targets = minimum_jerk_speed(phase)[:, None] * unit
        mask = schedule.during(*names).astype(dtype)[:, None] * jnp.ones((1, 2), dtype)
        given = {"direction": direction, "angle": jnp.asarray(angles, dtype)[direction]}
        given |= schedule.conditions(dtype)
        epochs = schedule.intervals(dtype)
        return Trial(inputs, targets, mask, given, epochs, n_valid=schedule.n_valid())

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """Score the direction, onset and error of the movement.

        Returns
        -------
        dict
            ``choice``: the target closest in direction to the displacement from the go cue to the
            end of the movement; ``correct``: whether it is ``direction``; ``angle_error`` [deg], in
            (-180, 180]; ``rt`` [ms]: from the go cue to the first step faster than a fifth of the
            peak speed, NaN if none; ``mse``.
        """
        n_steps, epochs = outputs.shape[1], trials.epochs
        go, stop = epochs["reaction"][:, :1], epochs["movement"][:, 1:]
        moving = steps_during(jnp.concatenate([go, stop], axis=1), n_steps, self.dt)
        x, y = jnp.moveaxis(
            jnp.sum(outputs * moving[..., None].astype(outputs.dtype), axis=1), 1, 0
        )
        spacing = 360 / self.n_targets
        angle = jnp.rad2deg(jnp.arctan2(y, x))
        choice = jnp.round(angle / spacing).astype(jnp.int32) % self.n_targets
        error = angle - trials.conditions["angle"].astype(angle.dtype)
        fast = moving & (jnp.linalg.norm(outputs, axis=-1) > ONSET)
        rt = (jnp.argmax(fast, axis=1).astype(go.dtype) + 1) * self.dt - go[:, 0]
        return {
            "correct": (choice == trials.conditions["direction"]).astype(outputs.dtype),
            "choice": choice,
            "angle_error": 180 - (180 - error) % 360,
            "rt": jnp.where(jnp.any(fast, axis=1), rt, jnp.nan),
            "mse": self.loss(outputs, trials),
        }

    def condition_table(self) -> dict[str, Array]:
        """The directions."""
        return {"direction": jnp.arange(self.n_targets, dtype=jnp.int32)}

    def coordinates(self, trials: Trial) -> dict[str, tuple]:
        """Angles in double precision."""
        return {"angle": (self._angles(np.asarray(trials.conditions["direction"])), "deg")}

    def _angles(self, direction: np.ndarray) -> np.ndarray:
        """Angles of targets [deg], counted: a compiled program would round them."""
        return 360 * direction / self.n_targets

    def labels(self) -> dict[str, dict[int, str]]:
        """Directions in degrees."""
        names = {i: f"{360 * i / self.n_targets:g} deg" for i in range(self.n_targets)}
        return {"direction": names, "choice": names}

    def units(self) -> dict[str, str]:
        """Times are in ms, angles in degrees."""
        times = dict.fromkeys(("rt", *self.timeline.drawn), "ms")
        return times | {"angle": "deg", "angle_error": "deg"}


def minimum_jerk_speed(phase: Float[Array, " time"]) -> Float[Array, " time"]:
    """Speed of a minimum-jerk movement over its peak, at ``phase`` 0 to 1; 0 outside."""
    s = jnp.clip(phase, 0, 1)
    return 16 * jnp.square(s * (1 - s))
