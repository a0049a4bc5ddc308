"""Checkpoints: files from which a run is resumed with the same bits."""

import os
import time
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import PyTree

from neurodyn.io.archive import FileFormatError, read_archive, write_archive
from neurodyn.io.trees import named_leaves, with_leaves
from neurodyn.io.versions import other_orientation, renamed_leaf
from neurodyn.training.ensemble import Seeds
from neurodyn.training.errors import CheckpointError
from neurodyn.training.fingerprint import fingerprint
from neurodyn.training.history import History
from neurodyn.training.step import LONGEST

#: How often a checkpoint is written when no number of steps is given [s].
_CHECKPOINT = 60.0

#: Arguments of `fit` that a checkpoint gives back where a resumed run does not pass them.
_KEPT = ("batch_size", "sampler", "select", "patience", "evaluate_every")


class Checkpoint:
    """A file with the state of a run, written again and again.

    Parameters
    ----------
    path
        The file.
    resume
        Whether to go on from an existing file; without, one that exists is refused.

    Attributes
    ----------
    settings
        Fingerprints or numbers of the arguments of `fit`; a checkpoint with other settings is
        refused.
    """

    def __init__(self, path: str | os.PathLike, *, resume: bool):
        self.path = Path(path)
        self.settings: dict[str, Any] = {}
        if self.path.is_dir():
            raise CheckpointError(f"the checkpoint '{path}' is a folder; name a file.")
        if self.path.exists() and not resume:
            raise FileExistsError(
                f"the checkpoint '{path}' exists already: pass resume=True to go on from it, name "
                "another file, or remove it."
            )
        folder = self.path.parent
        if not folder.is_dir():
            raise FileNotFoundError(
                f"the folder '{folder}' of the checkpoint does not exist. Create it first."
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(
                f"the folder '{folder}' of the checkpoint cannot be written to. Choose another "
                "one, or change its rights."
            )
        self._found = self._content() if self.path.exists() else None

    def _content(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        try:
            return read_archive(self.path, kind="checkpoint")
        except FileFormatError as error:
            raise CheckpointError(f"cannot resume: {error}") from error

    def completed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of `fit`, with those of the earlier run in the place of None.

        The file holds numbers and words. Of objects (an optimiser, an objective) it holds only a
        fingerprint, which tells whether another one is the same.
        """
        given = dict(given)
        if self._found is None:
            return given
        stored = self._found[0]["settings"]
        if given["evaluate"] is None and stored.get("evaluate") == fingerprint(False):
            given["evaluate"] = False
        for name in _KEPT:
            if given[name] is None and not (
                name == "evaluate_every" and given["evaluate"] is False
            ):
                given[name] = stored.get(name)
        if stored.get("ensemble") is not None:
            given["ensemble"] = _as_before(given["ensemble"], Seeds.read(stored["ensemble"]))
        return given

    def write(
        self, step: int, state: PyTree, history: Mapping[str, np.ndarray], ended: bool
    ) -> None:
        """Replace the file, atomically; ``ended`` says that a callback ended the run here."""
        header = {
            "settings": self.settings,
            "step": step,
            "ended": ended,
            "versions": {name: version(name) for name in ("neurodyn", "jax", "equinox", "optax")},
        }
        arrays = named_leaves(state, "state")
        arrays |= {f"history/{name}": x for name, x in history.items()}
        write_archive(self.path, header, arrays, kind="checkpoint", overwrite=True)

    def read(self, state: PyTree) -> tuple[int, bool, PyTree, dict[str, np.ndarray]] | None:
        """Step, whether a callback ended the run there, state (of the structure given) and history.

        None where there was no file.
        """
        if self._found is None:
            return None
        (header, arrays), self._found = self._found, None
        old, turned = header["version"] < 3, header["version"] == 1
        self._refuse_other_settings(header["settings"], old)
        state = other_orientation(state) if turned else state
        stored = {k: x for k, x in arrays.items() if k.startswith("state")}
        history = {
            k.removeprefix("history/"): x for k, x in arrays.items() if k.startswith("history/")
        }
        expected = named_leaves(state, "state")
        if old:
            stored = {renamed_leaf(k, expected): x for k, x in stored.items()}
        if {k: (x.shape, x.dtype) for k, x in stored.items()} != {
            k: (x.shape, x.dtype) for k, x in expected.items()
        }:
            raise CheckpointError(
                f"the checkpoint '{self.path}' does not hold the arrays of this run; it was "
                f"written with {header['versions']}."
            )
        state = with_leaves(state, stored, "state")
        state = other_orientation(state) if turned else state
        return header["step"], header.get("ended", False), state, history

    def _refuse_other_settings(self, stored: Mapping[str, Any], old: bool) -> None:
        own = dict(self.settings)
        if old:
            # Fingerprints name classes and fields, some of which were renamed in version 3.
            # `read` compares the names, shapes and dtypes of all arrays.
            plain = (*_KEPT, "ensemble")
            stored, own = ({k: v for k, v in x.items() if k in plain} for x in (stored, own))
            warnings.warn(
                f"the checkpoint '{self.path}' was written by neurodyn 0.1, whose descriptions of "
                "objects cannot be compared with those of this version: make sure that model, task "
                "and optimiser were built with the same arguments.",
                stacklevel=2,
            )
        differing = [name for name in {**stored, **own} if stored.get(name) != own.get(name)]
        if differing:
            plain = [
                f"{name} was {stored.get(name)}, now {self.settings.get(name)}"
                if name in (*_KEPT, "ensemble")
                else f"another {name}"
                for name in differing
            ]
            raise CheckpointError(
                f"the checkpoint '{self.path}' was written by a run with other settings "
                f"({'; '.join(plain)}), so it cannot be resumed with these. Pass what that run was "
                "given (numbers and words may be left out, objects such as an optimiser are not in "
                "the file), or name another checkpoint."
            )


def _as_before(given: Any, stored: Seeds) -> Any:
    """Seeds as a user gives them, run as before where that was left open.

    What ``"auto"`` means depends on the devices, and a run may go on with others.
    """
    if given is None:
        return stored
    asked = Seeds(given) if type(given) is int else given
    left_open = isinstance(asked, Seeds) and asked.how == "auto"
    same = left_open and (asked.n, asked.seeds) == (stored.n, stored.seeds)
    return stored if same else given


class Saver:
    """Writes checkpoints when they are due; does nothing without a file."""

    def __init__(self, file: Checkpoint | None, every: int | None):
        self.file, self.every = file, every
        self.written, self.clock = -1, time.monotonic()

    def restore(self, run: Any, history: History, steps: int) -> tuple[int, bool]:
        """The step to go on from, and whether a callback ended the run there."""
        found = None if self.file is None else self.file.read(run.state)
        run.agree(
            "the checkpoint that is found",
            f"at step {found[0]}" if found else "none",
            "Its file must be on a file system that all hosts share.",
        )
        if found is None:
            return 0, False
        step, ended, run.state, arrays = found
        if step > steps:
            raise CheckpointError(
                f"the checkpoint '{self.file.path}' is at step {step}, beyond steps={steps}: pass "
                f"steps={step} for what it holds, or more to go on."
            )
        history.restore(arrays)
        self.written = step
        return step, ended

    def next_stop(self, step: int) -> int:
        """Steps until the next checkpoint is due."""
        return LONGEST if self.every is None else self.every - step % self.every

    def save(
        self, step: int, run: Any, history: History, *, ended: bool, now: bool = False
    ) -> None:
        """Write if it is time."""
        if self.every is None:
            due = time.monotonic() - self.clock > _CHECKPOINT
        else:
            due = step % self.every == 0
        if self.file is None or step <= self.written:
            return
        if now or run.decide(lambda: due):
            file, state = self.file, run.state
            run.decide(lambda: file.write(step, state, history.arrays(), ended))
            self.written, self.clock = step, time.monotonic()
