"""Runs with plasticity take no more memory however long they are."""

import equinox as eqx
import jax
import jax.numpy as jnp

import neurodyn as nd
from tests.benchmarks.peers import library


def test_memory_does_not_grow_with_time():
    model = library.plastic(20)
    arrays, static = eqx.partition(model, eqx.is_array)
    sine = library.Sine()

    def needed(n_steps: int) -> int:
        def run(arrays, dt):
            save = nd.Save(outputs="last")
            done = nd.integrate(
                eqx.combine(arrays, static), sine, dt=dt, n_steps=n_steps, key=0, save=save
            )
            return done.outputs, done.final_state.memory.readout

        memory = jax.jit(run).lower(arrays, jnp.float32(0.5)).compile().memory_analysis()
        return memory.temp_size_in_bytes + memory.output_size_in_bytes

    # Times and numbers of steps are lists; any variable of the 20 units takes 80 bytes a step.
    short, long = needed(1_000), needed(100_000)
    assert long - short <= 16 * 99_000
    P = 4 * 20 * 20
    assert short > P
