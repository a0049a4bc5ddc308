"""Gradient of a leaky tanh network: against PyTorch, and against the matrix-multiply peak.

Weights, bias and alpha are differentiated (torch.nn.RNN has no leak); inputs and h0 are not.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from neurodyn.kernels import ctrnn_scan
from neurodyn.kernels.rate.ctrnn import missing
from tests.benchmarks.harness import Row, alternate

try:
    import torch
except ModuleNotFoundError:
    torch = None

CORES = 1
_STEPS, _BATCH, _INPUTS = 200, 64, 8
_SQUARE = 2048
_BARS = {256: (1.7, 1.7), 64: (3.3, 4.3)}  # against nn.RNN, against the loop


def run() -> list[Row]:
    """Rows for 256 and 64 units, and the share of the peak at 256."""
    if torch is not None:
        torch.set_num_threads(CORES)
    against_torch = [row for n_units in _BARS for row in _against_torch(n_units)]
    return [*against_torch, *_against_peak(256), *_against_plain()]


def _problem(n_units: int, batch: int = _BATCH) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    draw = partial(rng.standard_normal, dtype=np.float32)
    return {
        "W": draw((n_units, n_units)) / np.float32(np.sqrt(n_units)),
        "U": draw((_INPUTS, n_units)),
        "b": np.zeros(n_units, np.float32),
        "alpha": rng.uniform(0.05, 0.5, n_units).astype(np.float32),
        "x": draw((_STEPS, batch, _INPUTS)),
        "h0": np.zeros((batch, n_units), np.float32),
        "h_bar": draw((_STEPS, batch, n_units)),
    }


def _ours(arrays, backend: str = "auto"):
    arrays = {name: jnp.asarray(array) for name, array in arrays.items()}

    @jax.jit
    def grads(parameters, x, h0, h_bar):
        _, pull = jax.vjp(lambda p: ctrnn_scan(**p, x=x, h0=h0, backend=backend), parameters)
        return pull(h_bar)

    parameters = {name: arrays[name] for name in ("W", "U", "b", "alpha")}
    rest = [arrays[name] for name in ("x", "h0", "h_bar")]
    return lambda: jax.block_until_ready(grads(parameters, *rest))


def _torch_rnn(arrays):
    """torch.nn.RNN: no leak, otherwise the same sizes."""
    rnn = torch.nn.RNN(_INPUTS, arrays["b"].size)
    x, h_bar = torch.tensor(arrays["x"]), torch.tensor(arrays["h_bar"])
    h0 = torch.tensor(arrays["h0"])[None]

    def call():
        rnn.zero_grad()
        rnn(x, h0)[0].backward(h_bar)

    return call


def _torch_loop(arrays):
    """The leaky cell in PyTorch, as tight as its operations allow."""
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    parameters = [tensors[name].requires_grad_() for name in ("W", "U", "b", "alpha")]
    W, U, b, alpha = parameters

    def call():
        for parameter in parameters:
            parameter.grad = None
        u = torch.addmm(b, tensors["x"].reshape(-1, _INPUTS), U).reshape(_STEPS, _BATCH, -1)
        h, states = tensors["h0"], []
        for u_t in u.unbind(0):
            h = torch.lerp(h, torch.tanh(torch.addmm(u_t, h, W)), alpha)
            states.append(h)
        torch.stack(states).backward(tensors["h_bar"])

    return call


def _against_torch(n_units: int) -> list[Row]:
    arrays = _problem(n_units)
    peers = {"torch.nn.RNN": _torch_rnn, "torch loop, leaky": _torch_loop}
    row = partial(
        Row, "gradient", sizes={"N": n_units, "T": _STEPS, "B": _BATCH, "I": _INPUTS}, threads=CORES
    )
    if torch is None:
        ours = alternate(_ours(arrays))[0].best
        note = "torch is not installed"
        bars = zip(peers, _BARS[n_units], strict=True)
        return [row(peer_name=name, ours=ours, peer=None, bar=bar, note=note) for name, bar in bars]
    timings = alternate(_ours(arrays), *(build(arrays) for build in peers.values()))
    ours, *theirs = [timing.best for timing in timings]
    return [
        row(peer_name=name, ours=ours, peer=peer, bar=bar)
        for name, peer, bar in zip(peers, theirs, _BARS[n_units], strict=True)
    ]


def _against_peak(n_units: int) -> list[Row]:
    """Products of the gradient per second, against the fastest product that anything here makes."""
    weights = n_units + _INPUTS
    # Forward h W and x U; backward p W' and the sums for W and U. x needs no cotangent.
    flops = 2 * _STEPS * _BATCH * n_units * (2 * weights + n_units)
    step, square = (_BATCH, n_units), (_SQUARE, _SQUARE)
    calls = [_ours(_problem(n_units))]
    products = {shape: _products(*shape) for shape in (step, square)}
    for shape in products:
        calls += [call for call, _ in products[shape].values()]
    ours, *theirs = [timing.best for timing in alternate(*calls, rounds=15)]
    rows = []
    for shape in (step, square):
        rates = {}
        for library, (_, shape_flops) in products[shape].items():
            rates[library] = shape_flops / theirs.pop(0) / 1e6
        best = max(rates, key=rates.get)
        label = "at the step's shape" if shape == step else f"{_SQUARE} square"
        rows.append(
            Row(
                "gradient, share of sgemm peak",
                f"{best} {label}",
                ours=flops / ours / 1e6,
                peer=rates[best],
                unit="GFLOP/s",
                better="higher",
                bar=0.8,
                sizes={"N": n_units},
                threads=CORES,
                note=", ".join(f"{library} {rate:.0f}" for library, rate in rates.items()),
            )
        )
    return rows


def _against_plain() -> list[Row]:
    """The compiled kernel against the plain one, where the compiled one can be used."""
    if missing("forward", "rate", "tanh", np.float32) is not None:
        return []
    rows = []
    for batch, n_units in ((8, 64), (32, 32), (64, 64), (64, 128), (64, 256)):
        arrays = _problem(n_units, batch)
        times = alternate(_ours(arrays, "compiled"), _ours(arrays, "xla"))
        compiled, plain = (t.best for t in times)
        sizes = {"N": n_units, "T": _STEPS, "B": batch, "I": _INPUTS}
        rows.append(Row("gradient, compiled", "plain", compiled, plain, sizes=sizes, threads=CORES))
    return rows


def _products(m: int, n: int):
    """Calls that multiply (m, n) by (n, n), and their operations, for each library at hand."""
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal(s, dtype=np.float32) for s in ((m, n), (n, n)))
    # Many products a call where one is short, so that the cost of a call does not count.
    repeats = max(1, int(2e9 / (2 * m * n * n)))
    flops = 2 * m * n * n * repeats

    @jax.jit
    def chain(a, b):
        return lax.fori_loop(0, repeats, lambda _, left: left @ b, a)

    out = np.empty((m, n), np.float32)
    ja, jb = jnp.asarray(a), jnp.asarray(b / np.float32(np.sqrt(n)))
    calls = {
        "XLA": lambda: jax.block_until_ready(chain(ja, jb)),
        "NumPy": lambda: [np.matmul(a, b, out=out) for _ in range(repeats)],
    }
    if torch is not None:
        ta, tb, tout = torch.tensor(a), torch.tensor(b), torch.empty(m, n)
        calls["torch"] = lambda: [torch.mm(ta, tb, out=tout) for _ in range(repeats)]
    return {library: (call, flops) for library, call in calls.items()}
