"""Train with checkpoints, and be killed: `python -m tests.neurodyn.training.killed FILE WHEN`."""

import sys
import time
import zipfile

import optax

from neurodyn.training import fit
from tests.systems import Leaky, Sequences

STEPS = 60


def train(path, *, resume=False, callbacks=(), key=7):
    """A run that exercises all that a checkpoint holds."""
    return fit(
        lambda k: Leaky(key=k),
        Sequences(10),
        steps=STEPS,
        batch_size=4,
        sampler="shuffle",
        optimizer=optax.adam(optax.exponential_decay(1e-2, 10, 0.9)),
        evaluate_every=4,
        select="min:validation_mse",
        ensemble=2,
        checkpoint=path,
        checkpoint_every=None if path is None else 3,
        resume=resume,
        callbacks=callbacks,
        key=key,
    )


def hang():
    """Tell whoever watches that now is the time, and wait for the end."""
    print("now", flush=True)
    time.sleep(600)


def training(snapshot):
    if snapshot.step == 32:
        hang()


def writing():
    """Stop half-way through the file of some later checkpoint."""
    original, calls = zipfile.ZipFile.writestr, []

    def writestr(self, name, data):
        calls.append(name)
        if len(calls) == 50:
            original(self, name, data[: len(data) // 2])
            self.fp.flush()
            hang()
        original(self, name, data)

    zipfile.ZipFile.writestr = writestr


if __name__ == "__main__":
    path, when = sys.argv[1:]
    if when == "writing":
        writing()
    train(path, resume=True, callbacks=[training] if when == "training" else [])
    print("over", flush=True)
