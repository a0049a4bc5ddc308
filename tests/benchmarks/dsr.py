"""Training an almost-linear RNN with sparse forcing, against a PyTorch loop, on one core.

Both train on the same noisy recording of Lorenz's system with the published setting (20 units, 2
rectified, windows of 200 steps, batches of 16, forcing every 16 steps, RAdam). Ours is a whole
`fit`: drawing windows, history and checks of divergence included, compilation apart.
"""

import time

import jax
import numpy as np

from neurodyn.models import ALRNN
from neurodyn.tasks import Windows
from neurodyn.training import Seeds, SparseTeacherForcing, fit, radam
from tests.benchmarks.harness import Row

try:
    import torch
except ModuleNotFoundError:
    torch = None

CORES = 1
UNITS, RECTIFIED, OBSERVED = 20, 2, 3
STEPS, BATCH, EVERY = 200, 16, 16
UPDATES, MEMBERS = 1000, 8
SIZES = {"units": UNITS, "time": STEPS, "batch": BATCH}


def run() -> list[Row]:
    """One model and an ensemble against PyTorch; the full setting against its time limit."""
    data = recording()
    peer = None if torch is None else torch_rate(data)
    rows, rates = [], {}
    for members, bar in ((1, 10.0), (MEMBERS, 25.0)):
        rates[members] = fit_rate(data, members)
        rows.append(
            Row(
                name="AL-RNN updates" if members == 1 else f"AL-RNN updates, {members} in total",
                peer_name="PyTorch loop, one model",
                ours=rates[members],
                peer=peer,
                unit="/s",
                better="higher",
                bar=bar,
                sizes=SIZES,
                note="torch is not installed" if peer is None else "",
            )
        )
    for members, limit in ((1, 150.0), (MEMBERS, 540.0)):
        rate = fit_rate(data, members, noise=0.05)
        rows.append(
            Row(
                name=f"100,000 updates of {members}, with noise",
                peer_name="limit",
                ours=members * 100_000 / rate,
                peer=limit,
                unit="s",
                bar=1.0,
                sizes=SIZES,
                note=f"from {UPDATES} updates of each",
            )
        )
    return rows


def recording(n: int = 20_000, dt: float = 0.01) -> np.ndarray:
    """Lorenz's system by fourth-order Runge-Kutta steps, standardised, with 5 % noise."""

    def flow(x):
        a, b, c = x
        return np.array([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c])

    x, states = np.array([1.0, 2.0, 20.0]), []
    for _ in range(n + 500):
        k1 = flow(x)
        k2 = flow(x + dt / 2 * k1)
        k3 = flow(x + dt / 2 * k2)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + flow(x + dt * k3))
        states.append(x)
    data = np.stack(states[500:])
    data = (data - data.mean(0)) / data.std(0)
    return data + 0.05 * np.random.default_rng(0).normal(size=data.shape)


def fit_rate(data: np.ndarray, members: int, noise: float = 0.0) -> float:
    """Updates per second, all members together, the best of three runs."""
    task = Windows(data, STEPS, noise_std=noise)
    objective, optimizer = SparseTeacherForcing(EVERY), radam(1e-3, 1e-5, epochs=2000)

    def train(updates: int) -> float:
        result = fit(
            lambda key: ALRNN(0, UNITS, OBSERVED, n_relu=RECTIFIED, key=key),
            task,
            objective=objective,
            optimizer=optimizer,
            steps=updates,
            batch_size=BATCH,
            evaluate=False,
            ensemble=Seeds(members, how="map"),
            progress=False,
            key=0,
        )
        jax.block_until_ready(result.model)
        return members * updates / result.seconds["train"]

    return max(train(UPDATES) for _ in range(3))


def torch_rate(data: np.ndarray, updates: int = 60) -> float:
    """Updates per second of the loop that one would write in PyTorch, the best of three runs."""
    torch.set_num_threads(CORES)
    torch.manual_seed(0)
    x = torch.tensor(data, dtype=torch.float32)
    hidden = UNITS - OBSERVED
    A = torch.full((UNITS,), 0.7, requires_grad=True)
    W = (0.01 * torch.randn(UNITS, UNITS)).requires_grad_()
    h = torch.zeros(UNITS, requires_grad=True)
    L = (0.1 * torch.randn(hidden, OBSERVED)).requires_grad_()
    optimizer = torch.optim.RAdam([A, W, h, L], lr=1e-3)
    offsets = torch.arange(STEPS + 1)

    def update() -> None:
        start = torch.randint(len(x) - STEPS, (BATCH, 1))
        window = x[start + offsets]
        z = torch.cat([window[:, 0], window[:, 0] @ L.T], 1)
        predictions = []
        for t in range(1, STEPS + 1):
            g = torch.cat([z[:, :-RECTIFIED], torch.relu(z[:, -RECTIFIED:])], 1)
            z = torch.addmm(torch.addcmul(h, A, z), g, W.T)
            predictions.append(z[:, :OBSERVED])
            if t % EVERY == 0:
                z = torch.cat([window[:, t], z[:, OBSERVED:]], 1)
        loss = torch.nn.functional.mse_loss(torch.stack(predictions, 1), window[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def rate() -> float:
        start = time.perf_counter()
        for _ in range(updates):
            update()
        return updates / (time.perf_counter() - start)

    rate()
    return max(rate() for _ in range(3))
