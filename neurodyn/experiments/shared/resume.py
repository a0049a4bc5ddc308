"""Long simulations in parts: results so far are kept in a file, with the state to go on from."""

import dataclasses
from typing import Any

import numpy as np

from neurodyn.experiments.shared.experiment import Run
from neurodyn.io.archive import read_archive, write_archive
from neurodyn.io.trees import leaf_names, named_leaves, with_leaves

__all__ = ["Resumed"]


class Resumed:
    """The file of one simulation that runs in parts.

    Parameters
    ----------
    run
        Where it is kept, and whether to go on from it.
    name
        Of the file, without its extension.
    settings
        A dataclass; a file made with others is refused.
    """

    def __init__(self, run: Run, name: str, settings: Any):
        self._path = None if run.folder is None else run.folder / f"{name}.ckpt"
        self._resume, self._settings = run.resume, _plain(dataclasses.asdict(settings))

    def load(self, like: Any) -> tuple[dict[str, np.ndarray], Any]:
        """Results so far by name, and the state; both empty when nothing was done.

        Parameters
        ----------
        like
            Any tree of the structure of the state.

        Raises
        ------
        ValueError
            If the file was made with other settings, or for another state.
        """
        if self._path is None or not self._resume or not self._path.exists():
            return {}, None
        header, arrays = read_archive(self._path, kind="simulation")
        if header["settings"] != self._settings:
            raise ValueError(
                f"{self._path} was made with other settings, {header['settings']}. Choose another "
                "folder, or overwrite it (--overwrite)."
            )
        results = {k[2:]: v for k, v in arrays.items() if k.startswith("r.")}
        if header["leaves"] == 0:  # it is finished
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
        """Keep what is done; ``state`` is None after the last part."""
        if self._path is None:
            return
        leaves = named_leaves(state, "s")
        arrays = {f"r.{k}": np.asarray(v) for k, v in results.items()} | leaves
        header = {"settings": self._settings, "leaves": len(leaves)}
        write_archive(self._path, header, arrays, kind="simulation", overwrite=True)


def _plain(settings: Any) -> Any:
    """As JSON gives it back: tuples become lists."""
    if isinstance(settings, dict):
        return {k: _plain(v) for k, v in settings.items()}
    return [_plain(v) for v in settings] if isinstance(settings, (tuple, list)) else settings
