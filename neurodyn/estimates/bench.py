"""Short measurements of what this machine reaches: the programs and their timing."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from neurodyn.estimates.work import Product

#: Each timed call is made to last about this long [s], shorter than the slices of time that a busy
#: machine deals out, and the best of so many counts.
_CALL, _ROUNDS = 4e-4, 12
#: Of the random places of gathers and scatters.
SEED = 0
#: Larger matrices are not multiplied: their speed is that of this size.
LARGEST = 256
#: Numbers in the arrays of elementwise measurements, which fit the first cache, and their rows.
_SIZE, LONG, SHORT = 4096, 512, 16
#: A carry so large that XLA does not compile the loop as one function.
_LARGE = (2**19,)
_FUNCTIONS: dict[str, Callable] = {
    "divide": lambda x: 0.5 / (x + 0.7),
    "exp": lambda x: jnp.exp(-x),
    "log": lambda x: jnp.log(x + 1.0),
    "tanh": lambda x: jnp.tanh(x) + 0.1,
    "sine": lambda x: jnp.sin(x + 0.3),
}


def repeated(body: Callable, carry: Any, *constants: Any, of: float = 1e-6) -> float:
    """Seconds of one pass through ``body(i, carry, *constants)`` in a compiled loop.

    `of` is a guess of the seconds, for the number of passes in a call.
    """
    n = int(min(max(_CALL / of, 2), 3000))

    @jax.jit
    def loop(carry, constants):
        return lax.fori_loop(0, n, lambda i, c: body(i, c, *constants), carry)

    # Whatever the caller's settings: they are about the caller's own programs.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return fastest(lambda: loop(carry, constants)) / n


def fastest(
    call: Callable[[], Any], rounds: int = _ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of the best of several calls."""
    jax.block_until_ready(call())
    best = np.inf
    for _ in range(rounds):
        begin = clock()
        jax.block_until_ready(call())
        best = min(best, clock() - begin)
    return best


def launch_and_step() -> tuple[float, float]:
    """Seconds that a launch costs inside a loop, and an iteration of the loop beside."""
    carry, factor = (jnp.ones(64), jnp.zeros(_LARGE)), jnp.float32(0.249)
    few, many = (repeated(_sums(k), carry, factor, of=1e-6 * k / 10) for k in (8, 40))
    launch = max((many - few) / 32, 1e-9)
    return launch, max(few - 11 * launch, launch)


def _sums(k: int) -> Callable:
    """A body with `k` short sums in a row, each of which needs the one before."""

    def body(i, carry, factor):
        x, large = carry
        for _ in range(k):
            x = jnp.repeat(x.reshape(-1, 4).sum(1), 4) * factor
        return x, large.at[i].set(x[0])

    return body


def plain(row: int) -> float:
    """Seconds of an addition, multiplication or choice for each number, in rows of that length."""

    def body(_, x, a):
        for _ in range(8):
            x = jnp.where(x > 0.5, x * a, x + 0.1)
        return x

    x = jnp.full((_SIZE // row, row), 0.3)
    return repeated(body, x, jnp.full((_SIZE // row, 1), 0.9), of=4e-6) / (32 * _SIZE)


def function(name: str, plain_seconds: float) -> float:
    """Seconds of one function of a number, the additions beside it taken off."""
    make = _FUNCTIONS[name]
    x = jnp.linspace(0.1, 0.9, _SIZE)
    each = repeated(lambda _, x: make(x), x, of=3e-6) / _SIZE
    return max(each - plain_seconds, plain_seconds)


def moving(name: str) -> float:
    """Seconds for each number of a gather, a scatter, a sort or a sum."""
    n = 2048
    index = jnp.asarray(np.random.default_rng(SEED).permutation(n), jnp.int32)
    bodies: dict[str, Callable] = {
        "gather": lambda _, x, at: x[at] * 0.99,
        "scatter": lambda _, x, at: jnp.zeros(n).at[at].add(x),
        "sort": lambda _, x, at: jnp.sort(x + at % 7),
        "reduce": lambda _, x, at: x + x.reshape(-1, 16).sum(1).repeat(16) * 1e-9,
    }
    each = repeated(bodies[name], jnp.ones(n), index, of=1e-5) / n
    return each / np.log2(n) if name == "sort" else each


def bandwidth(nbytes: int) -> float:
    """Bytes per second of reading an array and writing another, both of half that size."""
    x = jnp.ones(nbytes // 8)
    return nbytes / repeated(lambda _, x, a: x * a, x, jnp.float32(0.999), of=nbytes / 3e10)


def product(of: Product, launch: float) -> float:
    """Seconds of a matrix product whose sizes are not above `LARGEST`."""
    dtype = jnp.result_type(float) if of.dtype == "f64" else jnp.dtype("float32")
    left = jnp.ones((of.m, of.k), dtype)
    right, out = jnp.full((of.k, of.n), 1e-3, dtype), jnp.zeros((of.m, of.n), dtype)

    def body(i, out, large, left, right):
        # The left side changes, or the product would be taken once, before the loop.
        return lax.optimization_barrier((left + i.astype(dtype) * 1e-9) @ right)

    guess = of.flops / 3e10 + 5e-7
    arrays = (out, jnp.zeros(_LARGE), left, right)
    each = repeated(body, *arrays, of=guess)
    return max(each - 2 * launch, 0.2 * each)


def call_overhead() -> float:
    """Seconds of a call of a compiled program that does next to nothing."""
    program = jax.jit(lambda x: x + 1)
    x = jnp.zeros(())
    return fastest(lambda: program(x), 50)
