"""Path integration in a plane: where speed and heading have led."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number
from neurodyn.kernels import standard_normal
from neurodyn.tasks.base import check_noise
from neurodyn.tasks.integration.motion import reflected, summed
from neurodyn.tasks.integration.scores import Following
from neurodyn.tasks.parts.assembly import Parts
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.terms import signal
from neurodyn.tasks.parts.values import TrialConditions
from neurodyn.tasks.timeline import Timeline

DURATIONS = {"motion": 5000.0}


class PathIntegration(AbstractEpochTask):
    """Position in a square box from speed and heading (Cueva & Wei 2018).

    Inputs are the ``speed`` [m/s] and the cosine and sine of the heading; outputs are the position
    [m] at every step. Each path begins in the middle of the box, heads anywhere and is reflected by
    the walls; the inputs are those of the reflected path, so that the position is their sum. Time 0
    is the start of the trial.

    Parameters
    ----------
    dt
        Step [ms].
    motion
        Duration of a trial [ms]. Default: 5000, to the nearest step, the 500 steps of 10 ms of the
        published networks.
    box
        Width of the box [m]; default 2.2, as of Sorscher et al.
    speed
        Scale of the speed [m/s], which follows a Rayleigh distribution and is drawn anew at every
        step. Default: 0.13 times 2 pi, as of Sorscher et al.; its mean is 1.25 times as large.
    turning
        Size of the turns of the heading, which walks at random [deg per square root of s]. Default:
        93.3, the 11.52 rad/s at steps of 20 ms of Sorscher et al.
    tolerance
        Largest error of a step that counts as right [m]. `chance` and `shortcuts` are those of the
        default and of the other defaults.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`). Default: None, which draws none.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On a duration that is not a whole number of steps, a box without width or negative speeds.

    References
    ----------
    Cueva & Wei, ICLR 2018; Sorscher et al., NeurIPS 2019 (statistics of the motion, which slows
    down near walls there).

    Examples
    --------
    >>> task = PathIntegration()
    >>> task.input_names, task.output_names, task.n_steps
    (('speed', 'heading_cos', 'heading_sin'), ('position_x', 'position_y'), 250)
    """

    box: Float[Array, ""]
    speed: Float[Array, ""]
    turning: Float[Array, ""]
    tolerance: Float[Array, ""]
    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    timeline: Timeline = eqx.field(static=True)
    chance: ClassVar[float] = 0.023
    shortcuts: ClassVar[Mapping[str, float]] = {
        "stays in the middle": 0.023,
        "takes every step as equally long": 0.58,
    }
    align_event: ClassVar[str] = "trial start"
    reference: ClassVar[tuple[str, ...]] = ("cueva2018", "sorscher2019")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        motion: float | int | None = None,
        box: Any = 2.2,
        speed: Any = 0.13 * 2 * math.pi,
        turning: Any = 93.34438,
        tolerance: Any = 0.1,
        noise_std: Any = None,
        noise_tau: Any = 100.0,
    ):
        self.timeline = Timeline.build(dt, "motion", {"motion": motion}, DURATIONS)
        self.box = number("box", box, above=0)
        self.speed = number("speed", speed, low=0)
        self.turning = number("turning", turning, low=0)
        self.tolerance = number("tolerance", tolerance, above=0)
        self.noise_std, self.noise_tau = check_noise(noise_std, noise_tau)

    def parts(self) -> Parts:
        """Speed and heading, and where they lead."""
        return Parts(
            inputs={
                "speed": signal(lambda c, key: c["_speed"]),
                "heading": signal(lambda c, key: c["_heading"], ("cos", "sin")),
            },
            outputs={"position": signal(lambda c, key: c["_position"], ("x", "y"))},
            score=Following(self.tolerance, ring=False),
            derived=self._move,
            noise=self.noise_std,
            noise_tau=self.noise_tau,
        )

    def _move(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """Speed, heading and position at all steps."""
        k_speed, k_turn, k_start = jax.random.split(key, 3)
        n, dtype, seconds = self.n_steps, self.speed.dtype, self.dt / 1000
        u = jax.random.uniform(k_speed, (n,), dtype)
        length = self.speed * seconds * jnp.sqrt(-2 * jnp.log1p(-u))
        turns = standard_normal(k_turn, (n,), dtype) * self.turning * seconds**0.5
        start = jax.random.uniform(k_start, (), dtype) * 360
        heading = (start + summed(turns)) * (jnp.pi / 180)
        steps = length[:, None] * jnp.stack([jnp.cos(heading), jnp.sin(heading)], axis=1)
        position = reflected(summed(steps), self.box / 2)
        moved = jnp.diff(position, axis=0, prepend=jnp.zeros((1, 2), dtype))
        # A loop over the axes, because a fused square and sum would round as the batch is large.
        size = jnp.sqrt(summed(jnp.square(moved).T)[-1])[:, None]
        tiny = jnp.asarray(jnp.finfo(dtype).tiny, dtype)
        return {
            "_position": position,
            "_speed": size / seconds,
            "_heading": moved / jnp.maximum(size, tiny),
        }

    def condition_table(self) -> dict[str, Array]:
        """None: every path is another one."""
        return {}
