"""Training PV-RNN through `nd.fit`: against the same network in PyTorch, written in two ways.

"torch, layer by layer" is the network as one writes it with care: modules for each layer, a loop
that only steps, outputs and divergences computed after it for all steps at once. The bars are about
this one. "torch, packed" goes on to our own form of the network, all layers in one masked product:
reported without a bar. Rates of both sides are epochs over a burst, the best of the rounds.

An epoch is a forward pass, backpropagation through time and an Adam step on the full batch, weights
and adaptive vectors together. Layers of 20, 10 and 10 units with 2 latents each, tanh outputs.
Compilation is left out of the rates and given in the notes.
"""

import math
import time
from functools import partial

import numpy as np
import optax

import neurodyn as nd
from neurodyn import models, tasks, training
from tests.benchmarks.harness import Row

try:
    import torch
except ModuleNotFoundError:
    torch = None

CORES = 1
_UNITS, _LATENTS, _TAU = (20, 10, 10), (2, 2, 2), (2.0, 8.0, 32.0)
_W, _W_FIRST = 0.01, 0.01
#: Sequences, steps, outputs, and how many times PyTorch's rate is to be reached.
_SIZES = {(16, 50, 2): 18.0, (48, 200, 5): 10.0, (18, 128, 20): 18.0}
_SEEDS = 8
_MOST = 4.5  # what so many seeds may cost, in units of one
_ROUNDS, _SECONDS = 2, 1.0
_ADAM = optax.adam(1e-3)


def run() -> list[Row]:
    """Epochs per second at three sizes, and the cost of an ensemble."""
    if torch is not None:
        torch.set_num_threads(CORES)
    rows = [row for size, bar in _SIZES.items() for row in _against_torch(size, bar)]
    return [*rows, _ensemble((16, 50, 2))]


def _data(size: tuple[int, int, int]) -> np.ndarray:
    n, n_time, n_outputs = size
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (n, 1, n_outputs))
    return 0.8 * np.sin(phase + np.linspace(0, 20, n_time)[None, :, None]).astype(np.float32)


def _ours(size: tuple[int, int, int], epochs: int, seeds: int | None = None):
    """Epochs per second of a fit, and the time that it took to compile [s]."""
    task = tasks.Sequences(_data(size))

    def make(key):
        return models.PVRNN(
            task.n_outputs, _UNITS, _LATENTS, _TAU, sequences=size[:2], w=_W, key=key
        )

    fit = nd.fit(
        make,
        task,
        objective=training.ELBO(over_trials="sum"),
        optimizer=_ADAM,
        steps=epochs,
        sampler="full",
        evaluate=False,
        ensemble=None if seeds is None else training.Seeds(seeds, how="vmap"),
        key=0,
        progress=False,
    )
    return epochs / fit.seconds["train"], fit.seconds["compile"]


def _against_torch(size: tuple[int, int, int], bar: float) -> list[Row]:
    row = partial(
        Row,
        "epochs, fit",
        unit="1/s",
        better="higher",
        sizes=dict(zip(("N", "T", "R"), size, strict=True)),
        threads=CORES,
    )
    epochs = max(50, int(500_000 * _SECONDS / math.prod(size[:2])))
    peers = {"torch, layer by layer": (_layered, bar), "torch, packed": (_packed, None)}
    if torch is None:
        ours = _ours(size, epochs)[0]
        note = "torch is not installed"
        return [
            row(peer_name=n, ours=ours, peer=None, bar=b, note=note) for n, (_, b) in peers.items()
        ]
    build = [make(size) for make, _ in peers.values()]
    ours, theirs, compile_time = [], [[] for _ in build], 0.0
    for _ in range(_ROUNDS):  # in turn, so that a busy moment hits all
        rate, seconds = _ours(size, epochs)
        ours.append(rate)
        compile_time = max(compile_time, seconds)  # later rounds find it compiled
        for epoch, rates in zip(build, theirs, strict=True):
            rates.append(_rate(epoch))
    note = f"compiled in {compile_time:.1f} s"
    return [
        row(peer_name=name, ours=max(ours), peer=max(rates), bar=bar, note=note)
        for (name, (_, bar)), rates in zip(peers.items(), theirs, strict=True)
    ]


def _ensemble(size: tuple[int, int, int]) -> Row:
    one, many = [], []
    for _ in range(_ROUNDS):
        one.append(_ours(size, 1000)[0])
        many.append(_ours(size, 300, _SEEDS)[0])
    ratio = max(one) / max(many)
    return Row(
        f"epoch, ensemble of {_SEEDS}",
        f"{_SEEDS} fits of one",
        ours=1e3 / max(many),
        peer=1e3 * _SEEDS / max(one),
        bar=_SEEDS / _MOST,
        sizes=dict(zip(("N", "T", "R"), size, strict=True)),
        threads=CORES,
        note=f"{ratio:.2f} times one",
    )


def _rate(epoch) -> float:
    """Epochs per second over a burst, the quantity that a fit of ours reports."""
    epoch()
    n, began = 0, time.perf_counter()
    while time.perf_counter() - began < _SECONDS:
        epoch()
        n += 1
    return n / (time.perf_counter() - began)


def _layered(size: tuple[int, int, int]):
    """One epoch, layer by layer: the loop makes states and laws, all else waits until after it."""
    n, n_time, n_outputs = size
    torch.manual_seed(0)
    nn, n_layers = torch.nn, len(_UNITS)

    def neighbours(i):
        return sum(_UNITS[max(0, i - 1) : i + 2])

    pairs = list(zip(_UNITS, _LATENTS, strict=True))
    # Units hear their neighbourhood and their own latents in one product.
    inward = nn.ModuleList(nn.Linear(neighbours(i) + z, d) for i, (d, z) in enumerate(pairs))
    prior = nn.ModuleList(nn.Linear(d, 2 * z) for d, z in pairs)
    posterior = nn.ModuleList(nn.Linear(d, 2 * z) for d, z in pairs)
    readout = nn.Linear(_UNITS[0], n_outputs)
    A = nn.ParameterList(nn.Parameter(torch.zeros(n_time, n, 2 * z)) for z in _LATENTS)
    modules = nn.ModuleList([inward, prior, posterior, readout, A])
    optimizer = torch.optim.Adam(modules.parameters(), lr=1e-3)
    targets = torch.tensor(_data(size)).transpose(0, 1)

    def epoch():
        optimizer.zero_grad(set_to_none=True)
        eps = [torch.randn(n_time, n, z).unbind(0) for z in _LATENTS]
        own = [a.unbind(0) for a in A]
        u = [torch.zeros(n, units) for units in _UNITS]
        d = [torch.zeros(n, units) for units in _UNITS]
        before, laws = [[] for _ in _UNITS], [[] for _ in _UNITS]
        lowest = []
        for t in range(n_time):
            new = []
            for i, tau in enumerate(_TAU):
                law = posterior[i](d[i]) + own[i][t]
                mean, log_sigma = law.chunk(2, 1)
                z = torch.tanh(mean) + torch.exp(log_sigma) * eps[i][t]
                heard = torch.cat([*d[max(0, i - 1) : i + 2], z], 1)
                new.append(torch.lerp(u[i], inward[i](heard), 1 / tau))
                before[i].append(d[i])
                laws[i].append(law)
            u, d = new, [torch.tanh(x) for x in new]
            lowest.append(d[0])
        outputs = torch.tanh(readout(torch.stack(lowest)))
        loss = ((outputs - targets) ** 2).sum() / n_outputs
        for i in range(n_layers):
            loss = loss + _weighted_kl(torch.stack(laws[i]), prior[i](torch.stack(before[i])))
        loss.backward()
        optimizer.step()

    return epoch


def _weighted_kl(q, p):
    """Of one layer, all steps at once; the prior of the first is the unit Gaussian."""
    n_latents = q.shape[-1] // 2
    p = torch.cat([torch.zeros_like(p[:1]), p[1:]])
    (q_mean, q_log), (p_mean, p_log) = q.chunk(2, -1), p.chunk(2, -1)
    ratio = q_log - p_log
    shift = (torch.tanh(q_mean) - torch.tanh(p_mean)) * torch.exp(-p_log)
    kl = 0.5 * (shift**2 + torch.exp(2 * ratio) - 1) - ratio
    return (_W_FIRST * kl[0].sum() + _W * kl[1:].sum()) / n_latents


def _packed(size: tuple[int, int, int]):
    """One epoch, as tight as PyTorch's operations allow."""
    n, n_time, n_outputs = size
    n_units, n_latents = sum(_UNITS), sum(_LATENTS)
    generator = torch.Generator().manual_seed(0)
    layer = torch.repeat_interleave(torch.arange(3), torch.tensor(_UNITS))
    z_layer = torch.repeat_interleave(torch.arange(3), torch.tensor(_LATENTS))
    near = (layer[:, None] - layer[None]).abs() <= 1
    own = (z_layer[:, None] == layer[None]).float()
    alpha = 1 / torch.tensor(_TAU)[layer]
    weight = _W / torch.tensor(_LATENTS)[z_layer].float()
    first = _W_FIRST / torch.tensor(_LATENTS)[z_layer].float()

    def parameter(*shape):
        return torch.empty(*shape).uniform_(-0.2, 0.2, generator=generator).requires_grad_()

    W, b, W_z = parameter(n_units, n_units), parameter(n_units), parameter(n_latents, n_units)
    W_law, b_law = parameter(n_units, 4 * n_latents), parameter(4 * n_latents)
    W_out, b_out = parameter(_UNITS[0], n_outputs), parameter(n_outputs)
    A = torch.zeros(n_time, n, 2 * n_latents, requires_grad=True)
    parameters = [W, b, W_z, W_law, b_law, W_out, b_out, A]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    targets = torch.tensor(_data(size)).transpose(0, 1)

    def epoch():
        optimizer.zero_grad(set_to_none=True)
        eps = torch.randn(n_time, n, n_latents, generator=generator)
        u, d = torch.zeros(n, n_units), torch.zeros(n, n_units)
        masked, into = W * near, W_z * own
        laws = W_law * own.T.repeat(1, 4)
        states, raw = [], []
        for A_t, eps_t in zip(A.unbind(0), eps.unbind(0), strict=True):
            law = torch.addmm(b_law, d, laws)
            q, p = law[:, : 2 * n_latents] + A_t, law[:, 2 * n_latents :]
            mean, log_sigma = q.chunk(2, 1)
            z = torch.tanh(mean) + torch.exp(log_sigma) * eps_t
            total = torch.addmm(torch.addmm(b, d, masked), z, into)
            u = torch.lerp(u, total, alpha)
            d = torch.tanh(u)
            states.append(d)
            raw.append(torch.cat([q, p], 1))
        d, raw = torch.stack(states), torch.stack(raw)
        out = torch.tanh(d[..., : _UNITS[0]] @ W_out + b_out)
        q_mean, q_log, p_mean, p_log = raw.chunk(4, -1)
        late = (torch.arange(n_time) > 0)[:, None, None]
        p_mean, p_log = torch.tanh(p_mean) * late, p_log * late
        shift = ((torch.tanh(q_mean) - p_mean) * torch.exp(-p_log)) ** 2
        ratio = q_log - p_log
        kl = 0.5 * (shift + torch.exp(2 * ratio) - 1) - ratio
        loss = ((out - targets) ** 2).sum() / n_outputs + (
            torch.where(late, weight, first) * kl
        ).sum()
        loss.backward()
        optimizer.step()

    return epoch
