"""`integrate` against scans written by hand, at the size of a training step, and its noise."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

import neurodyn as nd
from neurodyn import kernels, models
from neurodyn.kernels import backends
from tests.benchmarks.harness import Row, alternate

CORES = 1
_UNITS, _STEPS, _BATCH, _INPUTS = 128, 200, 64, 8
_DT, _TAU, _STD = 10.0, 100.0, 0.1
_SIZES = {"N": _UNITS, "T": _STEPS, "B": _BATCH, "I": _INPUTS}


def run() -> list[Row]:
    """Forward and gradient, without noise (bar 15 %) and with (bar 25 %)."""
    rows = []
    for noise in (None, _STD):
        # The fused kernel, and the generic path that any system takes.
        for path, activation in (("fused", "tanh"), ("generic", _tanh)):
            model = models.CTRNN(
                _INPUTS, _UNITS, 1, tau=nd.params.Free(_TAU), activation=activation,
                noise_std=noise, key=0,
            )  # fmt: skip
            assert model.can_fuse == (path == "fused")
            rows += _against_scan(model, path)
    return [*rows, *_noise()]


def _tanh(x):
    return jnp.tanh(x)


def _against_scan(model, path: str) -> list[Row]:
    noisy = model.noise_std is not None
    inputs = jax.random.normal(jax.random.key(0), (_STEPS, _BATCH, _INPUTS))
    weights = {name: getattr(nd.params.with_values(model), name) for name in ("W", "U", "b", "tau")}
    key = jax.random.key(1)

    def ours(model, key):
        save = nd.Save(("rate",), outputs=None)
        run = nd.integrate(model, inputs, dt=_DT, key=key if noisy else None, save=save)
        return run.variables["rate"]

    def by_hand(weights, key):
        w = weights
        alpha = _DT / w["tau"]

        def step(h, xs):
            x, n = xs
            h = h + alpha[None] * (jnp.tanh(h @ w["W"] + x @ w["U"] + w["b"][None]) - h)
            h = h if n is None else h + (_STD * jnp.sqrt(2 * alpha))[None] * n
            return h, h

        noise = jax.random.normal(key, (_STEPS, _BATCH, _UNITS)) if noisy else None
        return lax.scan(step, jnp.zeros((_BATCH, _UNITS)), (inputs, noise))[1]

    kind = "Euler-Maruyama" if noisy else "Euler"
    rows = []
    for what in ("forward", "gradient"):
        calls = []
        for function, argument in ((ours, model), (by_hand, weights)):
            if what == "gradient":
                function = eqx.filter_grad(partial(_square, function))
            calls.append(_timed(function, argument, key))
        mine, theirs = (t.best for t in alternate(*calls))
        rows.append(
            Row(
                f"integrate, {kind}, {what} ({path})",
                "scan by hand, noise up front" if noisy else "scan by hand",
                ours=mine,
                peer=theirs,
                bar=1 / 1.25 if noisy else 1 / 1.15,
                sizes=_SIZES,
                threads=CORES,
            )
        )
    return rows


def _noise() -> list[Row]:
    """Standard normal numbers, drawn anew in every step of a loop."""
    steps = 500

    def drawing(normal):
        @jax.jit
        def total(key):
            def body(k, total):
                return total + normal(jax.random.fold_in(key, k))

            return lax.fori_loop(0, steps, body, jnp.zeros(size))

        return lambda: jax.block_until_ready(total(jax.random.key(0)))

    ours = {"xla": "plain"} | ({"compiled": "compiled"} if backends.obstacle() is None else {})
    rows = []
    for size in (1000, 32_000):
        calls = [
            drawing(partial(kernels.standard_normal, shape=(size,), backend=backend))
            for backend in ours
        ]
        timings = alternate(*calls, drawing(partial(jax.random.normal, shape=(size,))))
        *mine, theirs = (1e6 * t.best / steps / size for t in timings)
        for kind, time in zip(ours.values(), mine, strict=True):
            name = f"a standard normal number, drawn in a loop ({kind})"
            sizes = {"numbers at once": size}
            rows.append(
                Row(name, "jax.random.normal", time, theirs, unit="ns", bar=2.0, sizes=sizes)
            )
    return rows


def _square(function, argument, key):
    return jnp.sum(function(argument, key) ** 2)


def _timed(function, argument, key):
    compiled = eqx.filter_jit(function)
    arrays, static = eqx.partition(argument, eqx.is_array)
    # Called as plain jit, so that filtering arguments counts on neither side.
    jitted = jax.jit(lambda arrays, key: compiled(eqx.combine(arrays, static), key))
    return lambda: jax.block_until_ready(eqx.filter(jitted(arrays, key), eqx.is_array))
