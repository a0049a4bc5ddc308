"""The leaky recurrence and its gradients in plain NumPy, one step at a time."""

import numpy as np


def _relu(z):
    return np.where(z.real > 0, z, 0 * z)


def _leaky_relu(z):
    return np.where(z.real >= 0, z, 0.01 * z)


VALUE = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "identity": lambda z: z,
    "linear": lambda z: z,
}
SLOPE = {
    "tanh": lambda z: 1 / np.cosh(z) ** 2,
    "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    "softplus": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "leaky_relu": lambda z: np.where(z >= 0, 1.0, 0.01),
    "identity": np.ones_like,
    "linear": np.ones_like,
}


def forward(form, activation, W, U, b, alpha, x, h0, noise=None, length=None):
    """States (time, batch, unit); rows from `length` on are zero."""
    act = VALUE[activation]
    h = h0
    arrays = [array for array in (W, U, b, alpha, x, h0, noise) if array is not None]
    states = np.zeros((len(x), *h0.shape), np.result_type(*arrays))
    for t in range(len(x) if length is None else length):
        if form == "rate":
            h = (1 - alpha) * h + alpha * act(h @ W + x[t] @ U + b)
        elif form == "current":
            h = (1 - alpha) * h + alpha * (act(h) @ W + x[t] @ U + b)
        else:
            h = act((1 - alpha) * h + alpha * (h @ W + x[t] @ U + b))
        h = h if noise is None else h + noise[t]
        states[t] = h
    return states


def backward(form, activation, W, U, b, alpha, x, h0, h_bar, noise=None, length=None, states=None):
    """Gradients of ``sum(h_bar * states)`` by name; `states` are those of `forward`, if known."""
    act, slope = VALUE[activation], SLOPE[activation]
    if states is None:
        states = forward(form, activation, W, U, b, alpha, x, h0, noise, length)
    likes = {"W": W, "U": U, "b": b, "alpha": alpha, "x": x, "noise": h_bar}
    grads = {name: np.zeros_like(like) for name, like in likes.items()}
    l = np.zeros_like(h0)
    for t in reversed(range(len(x) if length is None else length)):
        l = l + h_bar[t]
        h = h0 if t == 0 else states[t - 1]
        source = act(h) if form == "current" else h
        drive = source @ W + x[t] @ U + b
        grads["noise"][t] = l
        if form == "rate":
            drive_bar, leak_bar = l * alpha * slope(drive), l
            grads["alpha"] += (l * (act(drive) - h)).sum(0)
        elif form == "current":
            drive_bar, leak_bar = l * alpha, l
            grads["alpha"] += (l * (drive - h)).sum(0)
        else:
            leak_bar = l * slope((1 - alpha) * h + alpha * drive)
            drive_bar = leak_bar * alpha
            grads["alpha"] += (leak_bar * (drive - h)).sum(0)
        grads["W"] += source.T @ drive_bar
        grads["U"] += x[t].T @ drive_bar
        grads["b"] += drive_bar.sum(0)
        grads["x"][t] = drive_bar @ U.T
        source_bar = drive_bar @ W.T
        l = (1 - alpha) * leak_bar + source_bar * (slope(h) if form == "current" else 1)
    return {**grads, "h0": l}
