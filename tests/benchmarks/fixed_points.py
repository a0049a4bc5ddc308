"""Fixed points of a network with many of them, against a search by gradients alone."""

import time

import numpy as np

import neurodyn as nd
from neurodyn import models, tasks
from neurodyn.analysis import fixed_points
from tests.benchmarks.harness import Row

CORES = 2
N_UNITS, N_STARTS = 128, 1024
#: Squared speed [1/ms^2] at which a search has found a point, such as of states of length 10.
TOLERANCE = 1e-12
TAU = 100.0
#: Steps of the peer after which it is given up.
MOST = 50_000


def run() -> list[Row]:
    """The comparison, and the wall time of ours beside its bar of five seconds."""
    model, starts = network()
    scale = np.sqrt(((starts - starts.mean(0)) ** 2).sum(1).mean())

    def ours():
        return fixed_points(
            model, starts=starts, n_starts=N_STARTS, jitter=0.0, progress=False,
            tolerance=np.sqrt(TOLERANCE) / scale,
        )  # fmt: skip

    seconds = []
    for _ in range(4):
        begin = time.perf_counter()
        points = ours()
        seconds.append(time.perf_counter() - begin)
    W, b = (np.asarray(getattr(model, name), np.float64) for name in ("W", "b"))
    taken, found, n_steps = adam(W, b, starts, tuned_rate(W, b, starts))
    note = (
        f"{points.sizes['equilibrium']} points, {points.attrs['n_moving']} searches ended nowhere; "
        f"peer: {distinct(found, 1e-2 * scale)} points, {len(found)} searches arrived in "
        f"{n_steps} steps; ours with compilation {1e3 * seconds[0]:.0f} ms"
    )
    sizes = {"units": N_UNITS, "starts": N_STARTS}
    best = 1e3 * min(seconds[1:])
    return [
        Row("fixed points to a squared speed of 1e-12", "Adam in PyTorch, float64", best,
            1e3 * taken, bar=10.0, sizes=sizes, threads=CORES, note=note),
        Row("the same, wall time", "a bar of 5 s", best, 5e3, bar=1.0, sizes=sizes, threads=CORES),
    ]  # fmt: skip


def network():
    """A network trained to hold three bits, and states of its trials with jitter."""
    task = tasks.FlipFlop()
    untrained = models.CTRNN(3, N_UNITS, 3, tau=TAU, form="rate", key=0)
    model = nd.fit(untrained, task, steps=1500, key=1, progress=False).model
    run = nd.simulate(model, task, n_trials=64, key=2, progress=False)
    states = run["rate"].values.reshape(-1, N_UNITS).astype(np.float64)
    states = states[np.isfinite(states).all(1)]
    rng = np.random.default_rng(0)
    noise = 0.5 * states.std(0) * rng.standard_normal((N_STARTS, N_UNITS))
    return model, states[rng.permutation(len(states))[:N_STARTS]] + noise


def adam(W, b, starts, rate, most=MOST):
    """All searches in one batch; those that have arrived leave it.

    Returns the seconds, the points of those that arrived, and the steps made. The gradient of half
    the squared speed is written out, because it costs half of what automatic derivatives do, and
    the step size falls with the speed of each search, because a constant one stops to gain at
    speeds of its own size.
    """
    import torch

    torch.set_num_threads(CORES)
    W, b = torch.tensor(W), torch.tensor(b)
    x = torch.tensor(starts, dtype=torch.float64)
    m, v = torch.zeros_like(x), torch.zeros_like(x)
    arrived, begin, step = [], time.perf_counter(), 0
    highest = None
    with torch.inference_mode():
        while len(x) and step < most:
            step += 1
            r = torch.tanh(torch.addmm(b, x, W))
            f = (r - x) / TAU
            q = (f * f).sum(1)
            if step % 50 == 0:
                there = q <= TOLERANCE
                if there.any():
                    arrived.append(x[there])
                    x, m, v, f, r, q = (a[~there] for a in (x, m, v, f, r, q))
                    if highest is not None:
                        highest = highest[~there]
                    if not len(x):
                        break
            highest = q if highest is None else torch.maximum(highest, q)
            g = ((f * (1 - r * r)) @ W.T - f) / TAU
            m.mul_(0.9).add_(g, alpha=0.1)
            v.mul_(0.999).addcmul_(g, g, value=0.001)
            size = rate * (q / highest).sqrt().clamp(1e-9, 1.0)[:, None]
            x = x - size * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-12)
    taken = time.perf_counter() - begin
    return taken, np.concatenate([a.numpy() for a in arrived]) if arrived else x[:0].numpy(), step


def tuned_rate(W, b, starts):
    """The step size with which a few searches arrive in the fewest steps; not timed."""
    few = starts[:: N_STARTS // 32]
    steps = {rate: adam(W, b, few, rate, 10_000) for rate in (0.003, 0.01, 0.03, 0.1)}
    return min(steps, key=lambda rate: (-len(steps[rate][1]), steps[rate][2]))


def distinct(points, apart):
    """Number of points further apart than this."""
    kept = points[:0]
    for point in points:
        if not len(kept) or np.linalg.norm(kept - point, axis=1).min() > apart:
            kept = np.concatenate([kept, point[None]])
    return len(kept)
