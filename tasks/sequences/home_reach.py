"""Reaches left or right from home, with a hidden preference: structure at two timescales."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number, numbers, whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import check_names
from neurodyn.tasks.sequences.generator import AbstractGenerator
from neurodyn.tasks.timeline import check_step

P_LEFT = (0.10, 0.21, 0.32, 0.43, 0.54, 0.65, 0.76, 0.87, 0.98)
HOME, LEFT, RIGHT = (0.0, -0.75), (-0.4, 0.35), (0.4, 0.35)


class HomeReach(AbstractGenerator):
    """A hand goes home, reaches left or right, goes home, and so on.

    Phases at home and reaches take turns, each ``phase`` steps long. The side of each reach is
    drawn anew, left with a probability that stays the same throughout a sequence and is shown by
    nothing but the reaches: a model of the sequences has to infer it slowly, and the reach fast.

    The hand covers the fraction ``omega`` of the way to its target at every step, with noise.

    Parameters
    ----------
    dt
        Step [ms]; default 1 (the sequences have no physical step).
    n_phases
        Phases of a sequence, home first; default 64.
    phase
        Steps of a phase; default 8.
    p_left
        Probabilities of a left reach, drawn uniformly for a sequence. Default: nine values from
        0.10 to 0.98, as in the data of Soda et al. (2023).
    omega
        Fraction of the remaining way covered in a step; default 0.6, as there.
    aim_std, moving_noise_std, staying_noise_std
        Standard deviations of the aim (drawn once a phase), of a step on the way, and of a step at
        the target. Default 0.005, 0.01 and 0.001, as there.
    moving
        Steps of a phase that count as on the way; default 4, after which 3 % of the way are left.
        Ours: what the data count as arrived is not known.

    Raises
    ------
    ValueError
        On counts below 1, more moving steps than a phase has, probabilities outside [0, 1],
        ``omega`` outside (0, 1] or negative noise.

    Notes
    -----
    This is a synthesis after the description of the public data, not the generator behind them.

    References
    ----------
    Soda, Ahmadi, Tani, Honda, Hanakawa & Yamashita, Front. Psychiatry 2023.

    Examples
    --------
    >>> trials = HomeReach().batch(0, 18)
    >>> trials.targets.shape
    (18, 512, 2)
    >>> HomeReach().left(trials.targets).shape
    (18, 32)
    """

    p_left: Float[Array, " level"]
    omega: Float[Array, ""]
    aim_std: Float[Array, ""]
    moving_noise_std: Float[Array, ""]
    staying_noise_std: Float[Array, ""]
    n_phases: int = eqx.field(static=True)
    phase: int = eqx.field(static=True)
    moving: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("soda2023",)
    renamed_fields: ClassVar[dict[str, str]] = {
        "sigma_target": "aim_std",
        "sigma_moving": "moving_noise_std",
        "sigma_staying": "staying_noise_std",
    }
    output_names: ClassVar[tuple[str, ...]] = ("x", "y")

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        n_phases: Any = 64,
        phase: Any = 8,
        p_left: Any = P_LEFT,
        omega: Any = 0.6,
        aim_std: Any = 0.005,
        moving_noise_std: Any = 0.01,
        staying_noise_std: Any = 0.001,
        moving: Any = 4,
    ):
        check_step(dt)
        self.dt = float(dt)
        self.n_phases = whole("n_phases", n_phases, least=2)
        self.phase = whole("phase", phase)
        self.p_left = numbers("p_left", p_left, low=0, high=1)
        self.omega = number("omega", omega, above=0)
        if self.omega > 1:
            raise ValueError(f"`omega` must be at most 1, got {omega!r}.")
        self.aim_std = number("aim_std", aim_std, low=0)
        self.moving_noise_std = number("moving_noise_std", moving_noise_std, low=0)
        self.staying_noise_std = number("staying_noise_std", staying_noise_std, low=0)
        self.moving = whole("moving", moving, least=0)
        if self.moving > self.phase:
            raise ValueError(
                f"`moving` = {self.moving} is more than the {self.phase} steps of a phase."
            )

    @property
    def n_steps(self) -> int:
        """Steps of a sequence."""
        return self.n_phases * self.phase

    @property
    def n_reaches(self) -> int:
        """Reaches in a sequence: every second phase."""
        return self.n_phases // 2

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One sequence; can be given: ``p_left``."""
        check_names(conditions, self.condition_table())
        k_p, k_side, k_aim, k_step = jax.random.split(as_key(key), 4)
        dtype = self.p_left.dtype
        p_left = jnp.asarray(conditions.get("p_left", jax.random.choice(k_p, self.p_left)))
        p_left = p_left.astype(dtype)
        left = jax.random.uniform(k_side, (self.n_phases,), dtype) < p_left
        home, to_left, to_right = (jnp.asarray(at, dtype) for at in (HOME, LEFT, RIGHT))
        reach = jnp.where(left[:, None], to_left, to_right)
        at_home = (jnp.arange(self.n_phases, dtype=jnp.int32) % 2 == 0)[:, None]
        aims = jnp.where(at_home, home, reach)
        aims = aims + self.aim_std * jax.random.normal(k_aim, aims.shape, dtype)
        targets = self._move(home, aims, k_step)
        fraction = jnp.mean(left[1::2].astype(dtype))
        return self._trial(targets, {"p_left": p_left, "fraction_left": fraction})

    def _move(
        self, start: Float[Array, "2"], aims: Float[Array, "phase 2"], key: PRNGKeyArray
    ) -> Float[Array, "time 2"]:
        """The way of the hand: ``x' = (1 - omega) x + omega aim + noise``."""
        step = jnp.arange(self.n_steps, dtype=jnp.int32) % self.phase
        std = jnp.where(step < self.moving, self.moving_noise_std, self.staying_noise_std)
        noise = std[:, None] * jax.random.normal(key, (self.n_steps, 2), aims.dtype)
        push = self.omega * jnp.repeat(aims, self.phase, axis=0) + noise

        def both(first, then):
            return first[0] * then[0], first[1] * then[0] + then[1]

        keep, moved = jax.lax.associative_scan(both, (jnp.full_like(push, 1 - self.omega), push))
        return keep * start[None] + moved

    def left(self, outputs: Float[Array, "*batch time output"]) -> Int[Array, "*batch reach"]:
        """Side of each reach, 1 for left: where the hand is when the reach ends."""
        n = outputs.shape[-2] // (2 * self.phase)
        ends = outputs[..., 2 * self.phase - 1 :: 2 * self.phase, :][..., :n, 0]
        return (ends < 0).astype(jnp.int32)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """``mse``, and ``correct``: the fraction of reaches to the side of the target."""
        right = (self.left(outputs) == self.left(trials.targets)).astype(outputs.dtype)
        return {"correct": jnp.mean(right, axis=1), "mse": self.loss(outputs, trials)}

    def condition_table(self) -> dict[str, Array]:
        """The probabilities of a left reach."""
        return {"p_left": self.p_left}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Any probability can be given."""
        return {"p_left": (0.0, 1.0)}
