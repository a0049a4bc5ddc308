"""Training on N-parity as published: against PyTorch, and against the matrix-multiply peak.

500 units, batches of 256, one random length per batch; network, heads, buffers and curriculum are
those of the experiment, as they are when it has come to N. PyTorch runs the same lengths with as
many heads, vectorised: the leak is folded into the recurrent matrix, so a step of time is one
``addmm`` and one activation, and heads at rest are left out of the readout.

Ours is measured plain and, with the extra ``fast``, with the compiled kernel, which is the default
there; the whole training run is the default. ``TIMESCALES_PARTS`` names some of the parts:
"kernel" for the recurrence alone, N of single steps, and "whole" for the run.
"""

import os
import time
from functools import partial
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.timescales.networks import (
    curriculum_of,
    network,
    optimizer_of,
    task_of,
    variants,
)
from neurodyn.experiments.timescales.settings import Settings
from neurodyn.experiments.timescales.training import train
from neurodyn.kernels import ctrnn_scan
from neurodyn.kernels.rate.ctrnn import missing
from neurodyn.training import FreshTrials
from neurodyn.training import step as compiled
from neurodyn.training.members import Members
from neurodyn.training.plan import make_plan
from tests.benchmarks.harness import Row, alternate

try:
    import torch
except ModuleNotFoundError:
    torch = None

CORES = 2
UNITS, BATCH, STEPS = 500, 256, 24
_BAR, _SHARE, _SAMPLING, _RUN = 1.5, 0.85, 0.02, 120.0
_KERNEL_STEPS = 16


def run() -> list[Row]:
    """Rows for both curricula at N = 2, 5 and 10, and a run to N = 5."""
    if torch is not None:
        torch.set_num_threads(CORES)
    peaks = _peaks()
    rows = []
    for part in os.environ.get("TIMESCALES_PARTS", "kernel 2 5 10 whole").split():
        if part == "kernel":
            rows += _kernel(peaks)
        elif part == "whole":
            rows.append(_whole())
        else:
            for curriculum in ("single", "cumulative"):
                rows += _step(curriculum, int(part), peaks)
    return rows


def _kernel(peaks: dict[str, float]) -> list[Row]:
    """The recurrence alone over some steps, forward, and forward and backward."""
    rng = np.random.default_rng(0)
    draw = partial(rng.standard_normal, dtype=np.float32)
    weights = {
        "W": draw((UNITS, UNITS)) / np.float32(np.sqrt(UNITS)),
        "U": draw((1, UNITS)),
        "b": np.zeros(UNITS, np.float32),
        "alpha": rng.uniform(0.3, 1.0, UNITS).astype(np.float32),
    }
    x, h0 = draw((_KERNEL_STEPS, BATCH, 1)), np.zeros((BATCH, UNITS), np.float32)
    h_bar = draw((_KERNEL_STEPS, BATCH, UNITS))
    calls, names = [], []
    for backend in ("xla", "compiled") if _compiles() else ("xla",):

        def states(weights, backend=backend):
            return ctrnn_scan(**weights, x=x, h0=h0, activation="leaky_relu", backend=backend)

        def grads(weights, states=states):
            return jax.vjp(states, weights)[1](jnp.asarray(h_bar))

        for function in (states, grads):
            jitted = jax.jit(function)
            calls.append(lambda jitted=jitted: jax.block_until_ready(jitted(weights)))
        kind = "plain" if backend == "xla" else backend
        names += [f"recurrence, forward ({kind})", f"recurrence, forward and backward ({kind})"]
    best = max(peaks, key=peaks.get)
    products = 2 * BATCH * UNITS * UNITS * np.array([_KERNEL_STEPS, 3 * _KERNEL_STEPS - 1])
    return [
        Row(
            name,
            f"{best}'s product at the step's shape",
            ours=flops / t.best / 1e6,
            peer=peaks[best],
            unit="GFLOP/s",
            better="higher",
            sizes={"T": _KERNEL_STEPS, "units": UNITS, "batch": BATCH},
            threads=CORES,
            note=f"{t.best:.1f} ms",
        )
        for name, t, flops in zip(
            names, alternate(*calls), [*products] * (len(names) // 2), strict=True
        )
    ]


def _compiles() -> bool:
    return missing("forward", "update", "leaky_relu", np.float32) is None


def _step(curriculum: str, n: int, peaks: dict[str, float]) -> list[Row]:
    """One training step, ours and PyTorch's."""
    plain, lengths, task = _ours(curriculum, n, "xla")
    ours = {"plain": plain}
    if _compiles():
        ours["compiled"], _, _ = _ours(curriculum, n, "compiled")
    ns = task.ns[task.ns > 0].tolist()
    peers = [] if torch is None else [_torch(ns, task.n_heads, lengths)]
    calls = [*ours.values(), *peers, _sampling(task)]
    timings = [t.best / STEPS for t in alternate(*calls, rounds=4, burst=1, warmup=1)]
    sample, peer = timings[-1], timings[len(ours)] if peers else None
    sizes = {"N": n, "heads": task.n_heads, "used": len(ns), "units": UNITS, "batch": BATCH}
    # Forward, and backward to weights and states, but for the initial state: it is not trained.
    per_step = 2 * BATCH * UNITS * UNITS
    flops = per_step * (3 * np.mean(lengths) - 1) + 3 * 2 * BATCH * UNITS * 2 * len(ns)
    best = max(peaks, key=peaks.get)
    note = f"mean length {np.mean(lengths):.1f}, the same in both"
    rows = []
    for kind, ms in zip(ours, timings, strict=False):
        about = {"sizes": sizes, "threads": CORES, "better": "higher"}
        rows += [
            Row(
                f"training step ({kind})",
                "PyTorch, vectorised",
                ours=1e3 / ms,
                peer=None if peer is None else 1e3 / peer,
                unit="steps/s",
                bar=_BAR,
                note=note if peers else "torch is not installed",
                **about,
            ),
            Row(
                f"training step, products on true lengths ({kind})",
                f"{best}'s product at the step's shape",
                ours=flops / ms / 1e6,
                peer=peaks[best],
                unit="GFLOP/s",
                bar=_SHARE,
                note=", ".join(f"{library} {rate:.0f}" for library, rate in peaks.items()),
                **about,
            ),
        ]
    sampling = Row(
        "sampling a batch",
        f"{100 * _SAMPLING:.0f} % of a step",
        ours=sample,
        peer=_SAMPLING * timings[len(ours) - 1],
        bar=1.0,
        sizes=sizes,
        threads=CORES,
    )
    return [*rows, sampling]


def _ours(name: str, n: int, backend: str):
    """A chunk of the experiment's steps at N, the lengths that it draws, and its task."""
    settings = Settings(curricula=(name,), n_units=UNITS, batch_size=BATCH)
    variant = variants(settings)[0]
    curriculum = curriculum_of(settings, variant)
    task = task_of(settings, variant)
    task = task.with_ns([n] if name == "single" else range(2, n + 1))
    plan = make_plan(
        network(settings, variant, key=0),
        task,
        objective=None,
        gradient=None,
        optimizer=optimizer_of(settings),
        steps=STEPS,
        batch_size=BATCH,
        sampler="random",
        evaluate=FreshTrials(settings.n_test, BATCH),
        evaluate_every=STEPS,
        select="last",
        curriculum=curriculum,
        ensemble=None,
        key=0,
    )
    start = compiled.start(plan.setup, plan.models[0], plan.task, plan.keys[0])
    training = Members(plan.setup, [start])
    jax.clear_caches()  # or the program of the other backend would be taken for this one's
    with mock.patch.dict(os.environ, NEURODYN_KERNELS=backend):
        (chunk,) = training.compile((compiled.chunk, 2))
    keys = [jax.random.split(jax.random.fold_in(start[0].step_key, k))[0] for k in range(STEPS)]
    lengths = [int(task.batch(key, 1).length) for key in keys]
    return lambda: chunk(0, STEPS), lengths, task


def _sampling(task):
    """As many batches as a chunk has steps."""

    @jax.jit
    def draw(key):
        def body(k, total):
            trials = task.batch(jax.random.fold_in(key, k), BATCH)
            return total + trials.inputs.sum() + trials.targets.sum()

        return lax.fori_loop(0, STEPS, body, jnp.zeros(()))

    return lambda: jax.block_until_ready(draw(jax.random.key(0)))


def _torch(ns, n_heads, lengths):
    """The same steps in PyTorch."""
    generator = torch.Generator().manual_seed(0)

    def uniform(shape, k):
        return ((2 * torch.rand(shape, generator=generator) - 1) * k).requires_grad_()

    k = UNITS**-0.5
    W, U = uniform((UNITS, UNITS), k), uniform((1, UNITS), 1.0)
    b, b_in = uniform((UNITS,), k), uniform((UNITS,), 1.0)
    W_out, b_out = uniform((UNITS, 2 * n_heads), k), uniform((2 * n_heads,), k)
    tau = (1 + torch.rand(UNITS, generator=generator)).requires_grad_()
    parameters = [W, U, b, b_in, W_out, b_out, tau]
    optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.1, nesterov=True, foreach=True)

    def batch(length):
        p = torch.rand((BATCH, 1), generator=generator)
        bits = torch.rand((BATCH, length), generator=generator) < p
        ones = bits.flip(1).cumsum(1)
        return bits.float().T.unsqueeze(-1), torch.stack([ones[:, n - 1] % 2 for n in ns], 1)

    def step(length):
        x, labels = batch(length)
        with torch.no_grad():
            W.fill_diagonal_(0)
        alpha = 1 / tau.clamp(min=1)
        M = W * alpha + torch.diag(1 - alpha)
        h = torch.rand((BATCH, UNITS), generator=generator) * 0.1
        u, shift = U * alpha, (b + b_in) * alpha
        for drive in torch.addcmul(shift, x, u).unbind(0):
            h = torch.nn.functional.leaky_relu(torch.addmm(drive, h, M), 0.01)
        used = 2 * len(ns)
        logits = torch.addmm(b_out[:used], h, W_out[:, :used]).reshape(-1, 2)
        loss = torch.nn.functional.cross_entropy(logits, labels.reshape(-1)) * len(ns)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 2.0, foreach=True)
        optimizer.step()

    def call():
        for length in lengths:
            step(length)

    return call


def _peaks() -> dict[str, float]:
    """Products of a state with the weights by each library at hand [GFLOP/s]."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s, dtype=np.float32) for s in ((BATCH, UNITS), (UNITS, UNITS)))
    b /= np.float32(np.sqrt(UNITS))
    repeats = 100

    @jax.jit
    def chain(a, b):
        return lax.fori_loop(0, repeats, lambda _, left: left @ b, a)

    ja, jb = jnp.asarray(a), jnp.asarray(b)
    calls = {"XLA": lambda: jax.block_until_ready(chain(ja, jb))}
    if torch is not None:
        ta, tb, out = torch.tensor(a), torch.tensor(b), torch.empty(BATCH, UNITS)
        calls["torch"] = lambda: [torch.mm(ta, tb, out=out) for _ in range(repeats)]
    flops = repeats * 2 * BATCH * UNITS * UNITS
    times = alternate(*calls.values(), rounds=5)
    return {library: flops / t.best / 1e6 for library, t in zip(calls, times, strict=True)}


def _whole() -> Row:
    """Training with one head to N = 5, compilation and tests included."""
    began = time.perf_counter()
    trained = train(Settings(curricula=("single",), n_last=5), Run(None, False, False))
    seconds = time.perf_counter() - began
    epochs = trained.epochs(trained.variants[0]).sizes["evaluation"]
    return Row(
        "training to N = 5, with compilation",
        "two minutes",
        ours=seconds,
        peer=_RUN,
        unit="s",
        bar=1.0,
        threads=CORES,
        note=f"{epochs} epochs",
    )
