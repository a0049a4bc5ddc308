"""Integration of angular velocity: a compass without landmarks."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.kernels import standard_normal
from neurodyn.tasks.base import check_noise
from neurodyn.tasks.integration.motion import correlated, held, summed
from neurodyn.tasks.integration.scores import Following
from neurodyn.tasks.parts.assembly import Parts, uniform
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.terms import during, signal
from neurodyn.tasks.parts.values import TrialConditions, bumps, on_circle
from neurodyn.tasks.timeline import Timeline

DURATIONS = {"start": 250.0, "motion": 12250.0}
#: The input is the angle [rad] that is passed in this time [ms], a step of the published networks.
STEP = 25.0
MOTIONS = ("walk", "blocks")
#: 0.05 rad in a step [deg/s], and the time constant [ms] where a step keeps 0.8 of the velocity.
SPEED, CORRELATION = math.degrees(0.05) / (STEP / 1000), STEP / math.log(1.25)


class AngleIntegration(AbstractEpochTask):
    """Head direction from angular velocity (Cueva et al. 2020), or the angle of a wheel.

    Inputs are the angular ``velocity`` and, at the start, the cosine and sine of the first
    direction; outputs are those of the direction at every step, or a bump on a ring. The direction
    is scored from the end of the start cue on. A network that knows the first direction only is
    soon lost: the mean error of a random direction is 90 degrees. `chance` and `shortcuts` are
    those of the defaults. Time 0 is the end of the cue.

    Parameters
    ----------
    dt
        Step [ms]; default 25, as published.
    start, motion
        Durations of the cue and of what follows [ms]. Defaults, to the nearest step: 250 and
        12250 ms, the 10 and 490 steps of the published code.
    speed
        Standard deviation of the angular velocity [deg/s], or with ``kind="blocks"`` its largest
        size. Default: 0.05 rad in 25 ms, as published.
    kind
        ``"walk"``: the velocity is a first-order process that starts at rest, as published.
        ``"blocks"``: it is constant for a while and then another, uniform from ``-speed`` to
        ``speed``.
    correlation
        Time constant of the process, or mean duration of a block [ms]. Default: 25 / ln 1.25, where
        a step of 25 ms keeps 0.8 of the velocity.
    still
        Share of trials in which the head does not move for a while, which begins in the first third
        and lasts up to two thirds of the trial; published: half.
    n_ring
        Units of the ring that outputs form; default: none, but cosine and sine.
    tolerance
        Largest error of a step that counts as right [deg]; default 36, as of Yang et al. (2019).
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`). Default: None, which draws none.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On durations that are not a whole number of steps, an unknown kind, a negative speed or
        share.

    References
    ----------
    Cueva et al., ICLR 2020.

    Examples
    --------
    >>> task = AngleIntegration(motion=2500.0)
    >>> task.input_names, task.output_names, task.n_steps
    (('velocity', 'start_cos', 'start_sin'), ('direction_cos', 'direction_sin'), 110)
    """

    speed: Float[Array, ""]
    correlation: Float[Array, ""]
    still: Float[Array, ""]
    tolerance: Float[Array, ""]
    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    kind: str = eqx.field(static=True)
    n_ring: int | None = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    chance: ClassVar[float] = 0.2
    shortcuts: ClassVar[Mapping[str, float]] = {"stays at the start": 0.35}
    align_event: ClassVar[str] = "motion onset"
    reference: ClassVar[tuple[str, ...]] = ("cueva2020",)

    def __init__(
        self,
        dt: float | int = 25.0,
        *,
        start: float | int | None = None,
        motion: float | int | None = None,
        speed: Any = SPEED,
        kind: str = "walk",
        correlation: Any = CORRELATION,
        still: Any = 0.5,
        n_ring: Any = None,
        tolerance: Any = 36.0,
        noise_std: Any = None,
        noise_tau: Any = 100.0,
    ):
        if kind not in MOTIONS:
            raise ValueError(f"`kind` must be one of {', '.join(MOTIONS)}, got {kind!r}.")
        durations = {"start": start, "motion": motion}
        self.timeline = Timeline.build(dt, "motion", durations, DURATIONS)
        self.speed = number("speed", speed, low=0)
        self.correlation = number("correlation", correlation, above=0)
        self.still = number("still", still, low=0, high=1)
        self.tolerance = number("tolerance", tolerance, above=0)
        self.noise_std, self.noise_tau = check_noise(noise_std, noise_tau)
        self.n_ring = None if n_ring is None else whole("n_ring", n_ring, 3)
        self.kind = kind

    def parts(self) -> Parts:
        """The velocity, the first direction, and the direction ever after."""
        ring = self.n_ring
        if ring is None:
            shown = signal(_circle, ("cos", "sin"))
        else:
            shown = signal(lambda c, key: bumps(c["_angle"] * (180 / jnp.pi), ring), ring)
        return Parts(
            inputs={
                "velocity": signal(lambda c, key: c["_velocity"][:, None] * (STEP / self.dt)),
                "start": during("start", value=on_circle("direction_start")),
            },
            outputs={"direction": shown},
            score=Following(self.tolerance, ring=True),
            drawn={"direction_start": uniform(0.0, 360.0)},
            derived=self._move,
            noise=self.noise_std,
            noise_tau=self.noise_tau,
            weights={"start": 0.0},
        )

    def _move(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """The angles of all steps [rad], and by how much they change."""
        dtype, n = self.speed.dtype, self.n_steps
        k_still, k_motion = jax.random.split(key)
        u = jax.random.uniform(k_still, (3,), dtype)
        begin = jnp.floor(u[0] * (n / 3)).astype(jnp.int32)
        end = begin + jnp.floor(u[1] * (2 * n / 3)).astype(jnp.int32)
        step = jnp.arange(n, dtype=jnp.int32)
        stands = (step >= begin) & (step < end) & (u[2] < self.still)
        moves = conditions.schedule.during("motion") & ~stands
        per_step = self.speed * (jnp.pi / 180) * (self.dt / 1000)
        velocity = per_step * self._process(k_motion, moves)
        start = conditions["direction_start"] * (jnp.pi / 180)
        angle = start + summed(velocity)
        return {
            "still_duration": jnp.sum(stands, dtype=jnp.int32).astype(dtype) * self.dt,
            "_velocity": velocity,
            "_angle": angle,
        }

    def _process(self, key: PRNGKeyArray, moves: Bool[Array, " time"]) -> Float[Array, " time"]:
        """Angular velocity in units of `speed`."""
        dtype, n = self.speed.dtype, len(moves)
        if self.kind == "blocks":
            u = jax.random.uniform(key, (2, n), dtype)
            blocks = held(2 * u[1] - 1, u[0] < -jnp.expm1(-self.dt / self.correlation))
            return jnp.where(moves, blocks, 0)
        keep = jnp.exp(-self.dt / self.correlation)
        shocks = jnp.sqrt(1 - jnp.square(keep)) * standard_normal(key, (n,), dtype)
        return correlated(shocks, moves, keep)

    def condition_table(self) -> dict[str, Array]:
        """None: every trial is another one."""
        return {}

    def units(self) -> dict[str, str]:
        """Angles are in degrees, times in ms."""
        return super().units() | {"still_duration": "ms", "direction_start": "deg"}


def _circle(conditions: TrialConditions, key: PRNGKeyArray) -> Float[Array, "time 2"]:
    angle = conditions["_angle"]
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
