"""Training the network of Yang et al. (2019) on all twenty rules, against the same in PyTorch.

256 softplus units, 64 trials of one rule a step, noise inside the nonlinearity, gradients clipped
entry by entry, Adam. `fit` draws its batches as it goes; PyTorch takes batches that were drawn
beforehand, whose rules and lengths come as often. Without noise, the losses of both must agree. The
published training takes tens of thousands of steps; a call of `fit` also plans its run, which takes
a third of a second, so that the calls here are not too short.
"""

import itertools
from collections.abc import Callable

import equinox as eqx
import jax
import numpy as np
import optax

import neurodyn as nd
from neurodyn.models import CTRNN
from neurodyn.tasks import Yang2019
from neurodyn.training import BPTT, AbstractGradient
from tests.benchmarks.harness import Row, alternate

try:
    import torch
except ModuleNotFoundError:
    torch = None

CORES = 1
UNITS, BATCH, ALPHA, NOISE, STEPS = 256, 64, 0.2, 0.05, 200


def run() -> list[Row]:
    """Steps of training per second."""
    task = Yang2019()
    batches = [task.batch(seed, BATCH) for seed in range(STEPS)]
    ours, calls = our_steps(task, NOISE), []
    if torch is not None:
        agree(task)
        calls = [torch_steps(task, NOISE, batches)]
    timings = alternate(ours, *calls, rounds=3, burst=1, warmup=1)
    speeds = [1000 * STEPS / timing.median for timing in timings]
    return [
        Row(
            "training, all rules",
            "PyTorch",
            speeds[0],
            speeds[1] if calls else None,
            unit="steps/s",
            better="higher",
            bar=1.5,
            sizes={"units": UNITS, "batch": BATCH},
            threads=CORES,
            note="" if calls else "torch is not installed",
        )
    ]


def network(task: Yang2019, noise: float) -> CTRNN:
    """The published network."""
    W = 0.5 * np.eye(UNITS, dtype=np.float32)
    options = {"activation": "softplus", "noise_std": noise or None, "noise_at": "drive"}
    return CTRNN(task.n_inputs, UNITS, task.n_outputs, tau=task.dt / ALPHA, W=W, **options, key=0)


def our_steps(task: Yang2019, noise: float):
    """A call that trains the network from its start, with other trials each time."""
    model, seeds = network(task, noise), itertools.count()
    options = {"batch_size": BATCH, "optimizer": optimizer(), "progress": False}
    options["evaluate"] = lambda model, task, *, key: {"nothing": np.zeros(())}

    def train() -> None:
        nd.fit(model, task, steps=STEPS, key=next(seeds), **options)

    return train


def torch_steps(task: Yang2019, noise: float, batches):
    """A call that makes as many updates, with the input products of a batch formed at once."""
    take = torch_step(network(task, noise), noise)
    turns = itertools.cycle([tensors(trials) for trials in batches])

    def train() -> None:
        for batch in itertools.islice(turns, STEPS):
            take(*batch)

    return train


def tensors(trials) -> list:
    """Inputs, targets and weights of the steps that trials have, time first."""
    n = int(trials.length)
    arrays = (np.asarray(a)[:, :n] for a in (trials.inputs, trials.targets, trials.mask))
    return [torch.tensor(np.swapaxes(a, 0, 1).copy()) for a in arrays]


def torch_step(model: CTRNN, noise: float):
    """One update, as tight as operations of PyTorch allow."""
    torch.set_num_threads(CORES)
    torch.manual_seed(0)
    names = ("W", "U", "b", "W_out", "b_out")
    weights = [torch.tensor(np.asarray(getattr(model, k))).requires_grad_() for k in names]
    W, U, b, W_out, b_out = weights
    optimizer = torch.optim.Adam(weights, lr=1e-3, fused=True)
    scale = noise * (2 / ALPHA) ** 0.5
    softplus = torch.nn.functional.softplus

    def step(x, target, mask) -> float:
        drive = x @ U + b
        if noise:
            drive = drive + scale * torch.randn(len(x), BATCH, UNITS)
        r, rates = torch.zeros(BATCH, UNITS), []
        for u in drive.unbind(0):
            r = torch.lerp(r, softplus(torch.addmm(u, r, W)), ALPHA)
            rates.append(r)
        outputs = torch.sigmoid(torch.stack(rates) @ W_out + b_out)
        loss = (mask * (outputs - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(weights, 1.0)
        optimizer.step()
        return float(loss.detach())

    return step


class Recorded(AbstractGradient):
    """Exact gradients, and a note of every batch that they are taken for."""

    note: Callable = eqx.field(static=True)

    def __call__(self, objective):
        gradient = BPTT()(objective)

        def noted(model, task, trials, aux, *, key):
            jax.debug.callback(self.note, trials, ordered=True)
            return gradient(model, task, trials, aux, key=key)

        return noted


def agree(task: Yang2019) -> None:
    """Refuse to compare trainings that are not the same: losses of three steps without noise."""
    model, seen = network(task, 0.0), []
    options = {"batch_size": BATCH, "optimizer": optimizer(), "progress": False}
    fit = nd.fit(model, task, steps=3, gradient=Recorded(seen.append), key=0, **options)
    take = torch_step(model, 0.0)
    wanted = [take(*tensors(trials)) for trials in seen]
    np.testing.assert_allclose(fit.history["loss"], wanted, rtol=1e-3)


def optimizer() -> optax.GradientTransformation:
    """As published."""
    return optax.chain(optax.clip(1.0), optax.adam(1e-3))
