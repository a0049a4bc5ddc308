"""`ctrnn_scan` as two compiled functions, one for each pass, on all cores.

Trials do not depend on each other, so the batch is cut into parts, and a part runs through all of
time in one call. How it is cut depends on its size and on how many cores the machine has, not on
how many of them are at hand: on one machine, results are always the same.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.kernels.compiled import ffi
from neurodyn.kernels.rate.activations import ACTIVATIONS
from neurodyn.kernels.rate.adjoint import Saved

__all__ = ["adjoint", "fits", "forward", "keep", "obstacle", "trial"]

# Rows of the batch that are worth a part, and how many parts at most: each has a weight gradient.
_LEAST_PART_ROWS, _MOST_PARTS = 16, 16
# Rows (steps times trials) gathered for the weight gradient before they are multiplied.
_BLOCK_ROWS = 256
# Below these sizes the gain over XLA's loops does not pay for the half second of compilation.
_LEAST_BATCH, _LEAST_UNITS = 4, 16


def obstacle() -> str | None:
    """What is missing here for all passes, or None."""
    missing = ffi.obstacle()
    if missing is None:
        from neurodyn.kernels.compiled.llvm.functions import machine

        missing = None if machine() else "a processor with AVX2 and FMA, or AVX-512."
    return missing


def trial(which: str, form: str, activation: str, dtype: str, plain: Callable) -> str | None:
    """What is wrong with a pass, or None.

    `plain` is what `forward` or `adjoint` does after its first arguments, in plain JAX.
    """
    rng, steps, batch, units, inputs = np.random.default_rng(0), 3, 18, 21, 2
    shapes = [(units, units), (inputs, units), (units,), (steps, batch, inputs), (batch, units)]
    W, U, b, x, h0 = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    W, alpha = W / np.asarray(4, dtype), np.linspace(0.2, 1, units, dtype=dtype)
    noise, length = (
        np.zeros((steps, batch, units), dtype) + x[..., :1],
        np.asarray(steps, jnp.result_type(int)),
    )
    arrays = (W, U, b, alpha, x, h0, noise, length)
    kernel = f"ctrnn {which} {form} {activation} {dtype}"
    if which == "forward":

        def compiled(*arrays):
            return forward(form, activation, keep(form, activation, last=False), *arrays)

        return ffi.trial(kernel, compiled, plain, arrays)
    # Any states will do, but a change of a state in one step must not be beyond the activation.
    h = np.stack([h0 * np.asarray(0.9, dtype) ** (t + 1) for t in range(steps)]) + noise
    gate, wanted = (h > 0) if "gates" in keep(form, activation, last=False) else None, ()
    given: Any = (*arrays, h, gate, wanted, wanted, wanted)
    saved = Saved(*given)
    return ffi.trial(kernel, lambda *a: adjoint(form, activation, *a), plain, (saved, h))


def keep(form: str, activation: str, *, last: bool) -> str:
    """What the forward pass keeps for the backward pass."""
    kinked = form == "rate" and ACTIVATIONS[activation].below is not None
    # The backward pass reads no state after the last step.
    return ("run" if last else "states") + (" and gates" if kinked else "")


def fits(n_batch: int, n_units: int) -> bool:
    """Whether the compiled functions are faster for these sizes."""
    return n_batch >= _LEAST_BATCH and n_units >= _LEAST_UNITS


def forward(form, activation, keep, W, U, b, alpha, x, h0, noise, length):
    """As the plain forward pass: the last state, the states and the gates that are kept.

    `keep` is "nothing", "states", "states and gates", or "run" and "run and gates", which leave the
    states after the last step as they are.
    """
    from neurodyn.kernels.compiled import ctrnn_forward_code as code

    kept, gates = keep != "nothing", "gates" in keep
    kind = code.KEEP_ALL if "states" in keep else code.KEEP_RUN if kept else code.KEEP_NOTHING
    steps, batch, units = (x.shape[0], *h0.shape)
    n_parts, part_rows = _parts(batch)
    settings = _settings(length, steps, n_parts, part_rows, kind, noise is not None, gates)
    lanes, rows, _ = _machine(W.dtype)
    work = n_parts * rows * _private(units, lanes)
    shapes = [
        _like(h0, batch, units),
        _like(h0, steps if kept else 2, batch, units),
        jax.ShapeDtypeStruct((steps, batch, units) if gates else (1, 1, 1), jnp.bool_),
        _like(h0, (units + U.shape[0] + 1) * _up(units, lanes)),
        _like(h0, work),
    ]
    target = _target("forward", form, activation, W.dtype)
    call = jax.ffi.ffi_call(target, shapes, vmap_method="sequential")
    end, states, gate, _, _ = call(W, U, b, alpha, x, h0, _or_empty(noise, h0), settings)
    return end, states if kept else None, gate if gates else None


def adjoint(form: str, activation: str, saved: Saved, h_bar) -> tuple:
    """As `ctrnn_adjoint.adjoint`, from activations that are recovered."""
    W, U, b, alpha, x, h0, noise, length, h, gate = saved[:10]
    want_x, want_h0, want_noise = (mark is not None for mark in saved[10:])
    (steps, batch, units), inputs = h.shape, U.shape[0]
    n_parts, part_rows = _parts(batch)
    block = max(1, min(steps, _BLOCK_ROWS // part_rows))
    given = (noise is not None, gate is not None, h_bar.ndim == 2, want_x, want_h0, want_noise)
    settings = _settings(length, steps, n_parts, part_rows, block, *given)
    lanes, rows, width = _machine(W.dtype)
    wide, sources = _private(units, lanes), units + inputs + 1
    part = (part_rows + 1 + block * part_rows) * wide + block * part_rows * (sources + width)
    shapes = [
        _like(h0, units, units),
        _like(h0, inputs, units),
        _like(h0, units),
        _like(h0, units),
        _like(h0, *(x.shape if want_x else (1, 1, 1))),
        _like(h0, batch, units),
        _like(h0, *(h.shape if want_noise else (1, 1, 1))),
        _like(h0, units * (_up(units, lanes) + _up(inputs, lanes))),
        _like(h0, n_parts * _up(sources, rows) * _up(units, lanes)),
        _like(h0, n_parts * _up(part + lanes, lanes)),
    ]
    gate = jnp.zeros((1, 1, 1), bool) if gate is None else gate
    target = _target("backward", form, activation, W.dtype)
    call = jax.ffi.ffi_call(target, shapes, vmap_method="sequential")
    arrays = (W, U, b, alpha, x, h0, _or_empty(noise, h0), h, gate, h_bar, settings)
    W_bar, U_bar, b_bar, alpha_bar, x_bar, h0_bar, noise_bar, *_ = call(*arrays)
    return (
        *(W_bar, U_bar, b_bar, alpha_bar),
        x_bar if want_x else None,
        h0_bar if want_h0 else None,
        noise_bar if want_noise else None,
    )


def _parts(batch: int) -> tuple[int, int]:
    """Into how many parts to cut a batch, and rows of each but the last: whole tiles."""
    n_parts = min(os.cpu_count() or 1, _MOST_PARTS)
    rows = max(_LEAST_PART_ROWS, _up(-(-batch // n_parts), 8))
    return -(-batch // rows), min(rows, batch)


def _settings(length, steps, *more):
    known = jnp.asarray([int(number) for number in more], jnp.int32)
    length = jnp.asarray(steps if length is None else length).astype(jnp.int32)
    return jnp.concatenate([length[None], known])


def _machine(dtype) -> tuple[int, int, int]:
    """Floats in a vector, rows and columns of a tile."""
    from neurodyn.kernels.compiled.llvm.functions import machine

    vector_bytes, rows, vectors = machine()
    lanes = vector_bytes // jnp.dtype(dtype).itemsize
    return lanes, rows, vectors * lanes


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def _private(units: int, lanes: int) -> int:
    """Floats from row to row of private memory: an odd number of vectors."""
    return (-(-units // lanes) | 1) * lanes


def _like(array, *shape: int):
    return jax.ShapeDtypeStruct(shape, array.dtype)


def _or_empty(noise, like):
    return jnp.zeros((1, 1, 1), like.dtype) if noise is None else noise


def _target(which: str, form: str, activation: str, dtype) -> str:
    """Name under which XLA knows a pass; compiled and registered at its first use."""
    dtype = jnp.dtype(dtype).name

    def build():
        from neurodyn.kernels.compiled import ctrnn_backward_code, ctrnn_forward_code

        module = {"forward": ctrnn_forward_code, "backward": ctrnn_backward_code}[which]
        return module.build(form, activation, dtype)

    return ffi.register(f"neurodyn_ctrnn_{which}_{form}_{activation}_{dtype}", build)
