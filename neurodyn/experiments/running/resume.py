"""Long simulations in parts: finished parts are kept, with the state to continue from."""

import dataclasses
import json
from typing import Any

import numpy as np

from neurodyn.experiments.running.experiment import Run
from neurodyn.io.archive import read_archive, write_archive
from neurodyn.io.trees import leaf_names, named_leaves, with_leaves


class Resumed:
    """File of one simulation that runs in parts.

    Parameters
    ----------
    run
        Folder of the file, and whether to continue from it. Without a folder nothing is kept.
    name
        Name of the file, without its extension.
    settings
        Settings of the experiment, a dataclass. A file of other settings is refused.
    """

    def __init__(self, run: Run, name: str, settings: Any):
        self._path = None if run.folder is None else run.folder / f"{name}.ckpt"
        self._writes = run.writes
        self._resume, self._settings = (
            run.resume,
            json.loads(json.dumps(dataclasses.asdict(settings))),
        )

    def load(self, like: Any) -> tuple[dict[str, np.ndarray], Any]:
        """Load finished parts.

        Parameters
        ----------
        like
            A tree with the structure of the state.

        Returns
        -------
        results
            Results of the finished parts by name; empty if there are none.
        state
            State after the last finished part; None if there is none.

        Raises
        ------
        ValueError
            If the file belongs to other settings, or to a state of another structure.
        """
        if self._path is None or not self._resume or not self._path.exists():
            return {}, None
        header, arrays = read_archive(self._path, kind="simulation")
        if header["settings"] != self._settings:
            raise ValueError(
                f"{self._path} was made with other settings, {header['settings']}. Choose another "
                "folder (--out), or overwrite the file (--overwrite)."
            )
        results = {k[2:]: v for k, v in arrays.items() if k.startswith("r.")}
        if header["leaves"] == 0:  # the simulation is complete
            return results, None
        if "s.0" in arrays:  # version 0.1 numbered the leaves
            names = leaf_names(like, "s")
            if len(names) == header["leaves"]:
                arrays = {name: arrays[f"s.{i}"] for i, name in enumerate(names)}
        try:
            return results, with_leaves(like, arrays, "s")
        except KeyError as error:
            raise ValueError(
                f"{self._path} does not fit this version; overwrite it (--overwrite)."
            ) from error

    def save(self, results: dict[str, np.ndarray], state: Any) -> None:
        """Save finished parts.

        Parameters
        ----------
        results
            Results of all finished parts by name.
        state
            State after the last of them; None once the simulation is complete.
        """
        if self._path is None or not self._writes:
            return
        leaves = named_leaves(state, "s")
        arrays = {f"r.{k}": np.asarray(v) for k, v in results.items()} | leaves
        header = {"settings": self._settings, "leaves": len(leaves)}
        write_archive(self._path, header, arrays, kind="simulation", overwrite=True)
