"""Free runs of trained maps."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from neurodyn.params import whole_model

__all__ = ["free_run"]


@eqx.filter_jit
def free_run(
    model: Any, start: Float[Array, " output"], n_steps: int
) -> tuple[Float[Array, "time unit"], Float[Array, "time output"]]:
    """Run a model of the PLRNN family without data, from the state of one observation.

    Parameters
    ----------
    model
        The model.
    start
        One observation, from which the model infers its initial state.
    n_steps
        Number of steps.

    Returns
    -------
    states, outputs
        Latent states and outputs after each step.

    Raises
    ------
    ValueError
        If the model has inputs, or separate parameters for each subject.
    """
    if model.n_inputs:
        raise ValueError(
            f"A free run takes a model without inputs; this {type(model).__name__} has "
            f"{model.n_inputs} inputs."
        )
    model = whole_model(model)

    def step(z, _):
        z = model.step(z)
        return z, z

    _, states = jax.lax.scan(step, model.infer(start), length=n_steps)
    return states, jax.vmap(model.observation.readout)(states)
