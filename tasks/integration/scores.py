"""How well a position on a circle or in a plane is followed."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.task import Trial
from neurodyn.tasks.base import last_steps
from neurodyn.tasks.losses import squared_error, weighted_mean
from neurodyn.tasks.parts.circle import degrees_apart, direction_of
from neurodyn.tasks.parts.scores import AbstractScore


class Following(AbstractScore):
    """How near outputs stay to their targets.

    Attributes
    ----------
    tolerance
        Largest error of a step that is right [deg, or the unit of a plane].
    ring
        Whether outputs are a direction (cosine and sine, or a ring), and errors angles [deg]; else
        they are a position, and errors are distances.
    """

    tolerance: Float[Array, ""]
    ring: bool = eqx.field(static=True)

    def __call__(
        self, task: Any, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> dict[str, Array]:
        """Errors and the share of steps that are right.

        Returns
        -------
        dict
            ``correct``: share of scored steps within tolerance; ``error``: mean error of scored
            steps; ``error_last``: that of the last step; ``mse``.
        """
        if self.ring:
            away = degrees_apart(direction_of(outputs), direction_of(trials.targets))
        else:
            away = jnp.sqrt(jnp.sum(squared_error(outputs, trials.targets), axis=-1))
        weights = trials.mask[..., :1]
        right = (away <= self.tolerance.astype(away.dtype)).astype(away.dtype)
        last = last_steps(trials, outputs.shape[1])
        return {
            "correct": weighted_mean(right[..., None], weights),
            "error": weighted_mean(away[..., None], weights),
            "error_last": jnp.take_along_axis(away, last[:, None], axis=1)[:, 0],
            "mse": weighted_mean(squared_error(outputs, trials.targets), trials.mask),
        }

    def units(self) -> dict[str, str]:
        """Degrees on a circle, metres in a plane."""
        return dict.fromkeys(("error", "error_last"), "deg" if self.ring else "m")
