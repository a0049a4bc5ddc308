"""Error regression written out in NumPy for one stream, gradients by finite differences."""

import numpy as np

from neurodyn import params


def weights(model):
    """The values of a network."""
    own = params.with_values(model)
    names = [
        *("W", "b", "W_z", "W_prior", "b_prior", "W_posterior", "b_posterior"),
        *("W_out", "b_out", "tau", "w", "w_first"),
    ]
    return {n: None if getattr(own, n) is None else np.asarray(getattr(own, n)) for n in names}


def laws(p, d, A, first):
    """Posterior and prior of one step: means and log standard deviations."""
    n = p["W_z"].shape[0]
    raw_q = A if p["W_posterior"] is None else d @ p["W_posterior"] + p["b_posterior"] + A
    raw_p = np.zeros(2 * n) if first else d @ p["W_prior"] + p["b_prior"]
    return (np.tanh(raw_q[:n]), raw_q[n:]), (np.tanh(raw_p[:n]), raw_p[n:])


def advance(p, u, z):
    return (1 - 1 / p["tau"]) * u + (np.tanh(u) @ p["W"] + z @ p["W_z"] + p["b"]) / p["tau"]


def output(p, u):
    return np.tanh(np.tanh(u)[: p["W_out"].shape[0]] @ p["W_out"] + p["b_out"])


def free_energy(p, layer, u, A, observed, first):
    """Loss of a window and the states along it; latents take their means."""
    total, states = 0.0, []
    for k, (a, x) in enumerate(zip(A, observed, strict=True)):
        opening = first and k == 0
        (mq, lq), (mp, lp) = laws(p, np.tanh(u), a, opening)
        u = advance(p, u, mq)
        states.append(u)
        kl = lp - lq + (np.exp(2 * lq) + (mq - mp) ** 2) / (2 * np.exp(2 * lp)) - 0.5
        w = p["w_first"] if opening else p["w"]
        for i in range(len(w)):
            total += w[i] * kl[layer == i].sum() / (layer == i).sum()
        total += ((output(p, u) - x) ** 2).sum() / len(x)
    return total, states


def slope(f, A, step=1e-6):
    g = np.zeros_like(A)
    for i in np.ndindex(*A.shape):
        up, down = A.copy(), A.copy()
        up[i] += step
        down[i] -= step
        g[i] = (f(up) - f(down)) / (2 * step)
    # Adam scales every slope to 1, also the rounding of differences where there is none.
    return np.where(np.abs(g) < 1e-8, 0.0, g)


def follow(p, layer, observed, *, window, n_updates, lr, betas, shifted, new, unit_edge, horizons):
    """Losses before each update and at the end, states of the newest step, predictions."""
    n_raw = 2 * p["W_z"].shape[0]
    u0, A, seen, states, dropped = np.zeros(len(p["tau"])), [], [], [], False
    rows, last = [], None
    for x in observed:
        if len(seen) == window:
            u0, seen, dropped = states[0], seen[1:], True
            A = A[1:] if shifted else A
        seen = [*seen, x]
        if len(A) < len(seen):
            row = np.zeros(n_raw)
            if new == "prior":
                d = np.tanh(states[-1] if states else u0)
                row = np.zeros(n_raw) if not states else d @ p["W_prior"] + p["b_prior"]
                if p["W_posterior"] is not None:
                    row = row - d @ p["W_posterior"] - p["b_posterior"]
            elif new == "previous" and states:
                row = last
            A = [*A, row]
        B, first = np.array(A), unit_edge or not dropped

        def f(B, u0=u0, seen=seen, first=first):
            return free_energy(p, layer, u0, B, seen, first)[0]

        m, v, losses = np.zeros_like(B), np.zeros_like(B), []
        for k in range(1, n_updates + 1):
            losses.append(f(B))
            g = slope(f, B)
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g**2
            B = B - lr * (m / (1 - betas[0] ** k)) / (np.sqrt(v / (1 - betas[1] ** k)) + 1e-8)
        loss, states = free_energy(p, layer, u0, B, seen, first)
        A, last = list(B), B[-1]
        u, ahead = states[-1], []
        for _ in range(horizons):
            (_, _), (mp, _) = laws(p, np.tanh(u), np.zeros(n_raw), False)
            u = advance(p, u, mp)
            ahead.append(output(p, u))
        rows.append(([*losses, loss], output(p, states[-1]), ahead))
    return [np.array(part) for part in zip(*rows, strict=True)]
