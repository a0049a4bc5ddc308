"""A small environment of trials, with the attributes that neurogym's have."""

from types import SimpleNamespace

import numpy as np


class Fake:
    """Say which of two inputs is higher, after a delay of 0 to 3 steps."""

    def __init__(self, dt=20.0):
        self.dt, self.start_ind, self.end_ind = dt, {}, {}
        self.observation_space = SimpleNamespace(
            shape=(3,), name={"fixation": 0, "stimulus": range(1, 3)}
        )
        self.action_space = SimpleNamespace(n=3, name={"fixation": 0, "choice": [1, 2]})
        self.timing = {"fixation": 2 * dt, "stimulus": 3 * dt, "decision": 2 * dt}
        self.rng = np.random.RandomState()

    def seed(self, seed=None):
        self.rng = np.random.RandomState(seed)

    def new_trial(self, **given):
        drawn = {"coherence": self.rng.choice([12.8, 25.6, 51.2]), "side": self.rng.choice([1, 2])}
        trial = drawn | {"place": "left"} | given
        delay = self.rng.randint(4)
        steps = {"fixation": 2, "stimulus": 3, "delay": delay, "decision": 2}
        edges = np.cumsum([0, *(steps[name] for name in steps)])
        for name, a, b in zip(steps, edges[:-1], edges[1:], strict=True):
            if b > a:
                self.start_ind[name], self.end_ind[name] = a, b
        self.ob = np.zeros((edges[-1], 3), np.float32)
        self.ob[:-2, 0] = 1
        self.ob[2:5, 1:] = 0.5
        self.ob[2:5, trial["side"]] += trial["coherence"] / 200
        self.gt = np.zeros(edges[-1], int)
        self.gt[-2:] = trial["side"]
        return trial
