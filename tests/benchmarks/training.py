"""`fit` against the bare compiled step, and ensembles against one member after the other."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from neurodyn import params
from neurodyn.models import CTRNN
from neurodyn.training import Seeds, fit
from neurodyn.training.gradients import BPTT
from neurodyn.training.objectives.supervised import Supervised
from tests.benchmarks.harness import Row, alternate
from tests.systems import Filter

CORES = 2
BATCH, STEPS = 64, 200
OPTIMIZER = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))


def run() -> list[Row]:
    """Both comparisons."""
    return [overhead(), *ensembles()]


def model(n_units: int, key) -> CTRNN:
    """The network that is trained."""
    tau = params.Bounded(20.0, 500.0, init=100.0)
    return CTRNN(3, n_units, 1, tau=tau, key=key)


def train(n_units: int, steps: int, ensemble=None):
    """Fit without evaluations."""
    return fit(
        functools.partial(model, n_units),
        Filter(n_steps=STEPS, n_inputs=3),
        optimizer=OPTIMIZER,
        steps=steps,
        batch_size=BATCH,
        evaluate=False,
        ensemble=ensemble,
        progress=False,
        key=0,
    )


def bare(n_units: int, steps: int):
    """The same steps, one jitted call each, with nothing around them."""
    task, objective = Filter(n_steps=STEPS, n_inputs=3), Supervised()
    start = model(n_units, 0)
    trained, rest = eqx.partition(start, params.trainable(start))

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(trained, state, k):
        batch_key, key = jax.random.split(jax.random.fold_in(jax.random.key(1), k))
        trials = task.batch(batch_key, BATCH)
        gradient = BPTT()(objective)
        loss, _, _, grads = gradient(eqx.combine(trained, rest), task, trials, None, key=key)
        updates, state = OPTIMIZER.update(grads, state, trained)
        return optax.apply_updates(trained, updates), state, loss

    def run():
        now = jax.tree.map(jnp.copy, trained)
        state = OPTIMIZER.init(now)
        for k in range(steps):
            now, state, loss = step(now, state, k)
        jax.block_until_ready((now, loss))

    return run


def overhead(n_units: int = 128, steps: int = 150) -> Row:
    """Wall time per step of a whole `fit` that finds its program compiled."""
    ours, peer = alternate(
        lambda: train(n_units, steps), bare(n_units, steps), rounds=5, burst=1, warmup=1
    )
    return Row(
        name="fit, wall time per step",
        peer_name="the bare compiled step",
        ours=ours.best / steps,
        peer=peer.best / steps,
        bar=1 / 1.1,
        sizes={"units": n_units, "batch": BATCH, "time": STEPS},
        threads=CORES,
        note="without evaluations; compiled before",
    )


def ensembles(n_units: int = 64, steps: int = 60, n: int = 8) -> list[Row]:
    """An ensemble against as many single members, by map and by vmap."""
    seconds = {}
    calls = {"one": Seeds(1, how="map")} | {how: Seeds(n, how=how) for how in ("map", "vmap")}
    for name, seeds in calls.items():
        train(n_units, 2, seeds)
        seconds[name] = []
    for _ in range(5):
        for name, seeds in calls.items():
            # Time in the compiled program: starting members happens once.
            seconds[name].append(train(n_units, steps, seeds).seconds["train"])
    best = {name: 1e3 * min(taken) / steps for name, taken in seconds.items()}
    return [
        Row(
            name=f"ensemble of {n} by {how}, wall time per step",
            peer_name=f"{n} times one member",
            ours=best[how],
            peer=n * best["one"],
            bar=n / 4.5 if how == "map" else None,
            sizes={"units": n_units, "batch": BATCH, "time": STEPS, "members": n},
            threads=CORES,
            note=f"{best[how] / best['one']:.2f} times one member",
        )
        for how in ("map", "vmap")
    ]
