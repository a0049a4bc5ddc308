"""`ctrnn_scan` as two compiled functions, one for each pass, on all cores.

Trials do not depend on each other, so the batch is cut into parts, and each part runs through all
steps in one go. The parts depend on the size of the batch and on the number of the machine's cores,
not on the number of free cores, so that results on one machine are always the same bits.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.kernels.compiled import ffi
from neurodyn.kernels.compiled.llvm import processor
from neurodyn.kernels.compiled.programs import ctrnn_backward, ctrnn_forward
from neurodyn.kernels.rate.adjoint import Saved, kept_states

# Least rows of the batch in a part, and most parts: each part has a weight gradient of its own.
_LEAST_PART_ROWS, _MOST_PARTS = 16, 16
# Rows (steps times trials) that are gathered before they are multiplied into the weight gradient.
_BLOCK_ROWS = 256


def obstacle(which: str, form: str, activation: str, dtype: str, plain: Callable) -> str | None:
    """The reason why a pass cannot be used, or None.

    Parameters
    ----------
    which : {"forward", "backward"}
        The pass.
    form, activation, dtype : str
        As for `ctrnn_scan`.
    plain : callable
        The same pass in plain JAX, with the arguments of `forward` after the first three, or of
        `adjoint` after the first two.
    """
    if processor.registers() is None:
        return "a processor with AVX2 and FMA, or AVX-512."
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
    keep = kept_states(form, activation, last=False)
    plain = partial(ffi.run_once, plain)
    if which == "forward":
        return ffi.trial(kernel, partial(forward, form, activation, False, keep), plain, arrays)
    # Any states would do whose change in one step lies within the range of the activation.
    h = np.stack([h0 * np.asarray(0.9, dtype) ** (t + 1) for t in range(steps)]) + noise
    gate, wanted = (h > 0) if "gates" in keep else None, ()
    given: Any = (*arrays, h, gate, wanted, wanted, wanted)
    return ffi.trial(kernel, partial(adjoint, form, activation, False), plain, (Saved(*given), h))


def forward(form, activation, inside, keep, W, U, b, alpha, x, h0, noise, length):
    """Run the forward pass: the last state, and the states and gates that are kept.

    `keep` is "nothing" or a result of `kept_states`.
    """
    kept, gates = keep != "nothing", "gates" in keep
    code = ctrnn_forward
    kind = code.KEEP_ALL if "states" in keep else code.KEEP_RUN if kept else code.KEEP_NOTHING
    steps, batch, units = (x.shape[0], *h0.shape)
    n_parts, part_rows = _parts(batch)
    settings = _settings(length, steps, n_parts, part_rows, kind, _noise(noise, inside), gates)
    lanes, rows, _ = _tile(W.dtype)
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


def adjoint(form: str, activation: str, inside: bool, saved: Saved, h_bar) -> tuple:
    """Do the same as `neurodyn.kernels.rate.adjoint.adjoint` with ``recover=True``."""
    W, U, b, alpha, x, h0, noise, length, h, gate = saved[:10]
    want_x, want_h0, want_noise = (mark is not None for mark in saved[10:])
    (steps, batch, units), inputs = h.shape, U.shape[0]
    n_parts, part_rows = _parts(batch)
    block = max(1, min(steps, _BLOCK_ROWS // part_rows))
    given = (_noise(noise, inside), gate is not None, h_bar.ndim == 2, want_x, want_h0, want_noise)
    settings = _settings(length, steps, n_parts, part_rows, block, *given)
    lanes, rows, width = _tile(W.dtype)
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
    """Number of parts of a batch, and rows of each part but the last (whole tiles)."""
    n_parts = min(os.cpu_count() or 1, _MOST_PARTS)
    rows = max(_LEAST_PART_ROWS, _up(-(-batch // n_parts), 8))
    return -(-batch // rows), min(rows, batch)


def _settings(length, steps, *more):
    known = jnp.asarray([int(number) for number in more], jnp.int32)
    length = jnp.asarray(steps if length is None else length).astype(jnp.int32)
    return jnp.concatenate([length[None], known])


def _noise(noise, inside: bool) -> int:
    """Where there is noise: 0 nowhere, 1 in the state, 2 inside the activation."""
    return 0 if noise is None else 1 + inside


def _tile(dtype) -> tuple[int, int, int]:
    """Floats in a vector, and rows and columns of a tile."""
    vector_bytes, rows, vectors = processor.registers()
    lanes = vector_bytes // jnp.dtype(dtype).itemsize
    return lanes, rows, vectors * lanes


def _up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def _private(units: int, lanes: int) -> int:
    """Floats from row to row of private memory, an odd number of vectors."""
    return (-(-units // lanes) | 1) * lanes


def _like(array, *shape: int):
    return jax.ShapeDtypeStruct(shape, array.dtype)


def _or_empty(noise, like):
    return jnp.zeros((1, 1, 1), like.dtype) if noise is None else noise


def _target(which: str, form: str, activation: str, dtype) -> str:
    """The name under which XLA knows a pass, which is compiled at its first use."""
    dtype = jnp.dtype(dtype).name
    build = {"forward": ctrnn_forward.build, "backward": ctrnn_backward.build}[which]
    name = f"neurodyn_ctrnn_{which}_{form}_{activation}_{dtype}"
    return ffi.register(name, lambda: build(form, activation, dtype))
