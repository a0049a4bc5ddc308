"""Arrays of the HDF5 files of Keras, under the names that its layers give them."""

from typing import Any

import numpy as np

#: What Keras keeps beside the weights of a model.
_BESIDE = ("optimizer", "optimizer_weights", "seed_generator", "top_level_model_weights")


def read_hdf5(file: Any) -> dict[str, np.ndarray]:
    """The arrays by name, such as ``layers/gru/cell/recurrent_kernel``.

    Keras 3 numbers the arrays of a layer (``vars/0``, ``vars/1``...); those of recurrent and dense
    layers get their names.

    Parameters
    ----------
    file
        Path or file object.
    """
    import h5py

    found: dict[str, np.ndarray] = {}

    def take(name: str, x: Any) -> None:
        if isinstance(x, h5py.Dataset) and not set(name.split("/")) & {*_BESIDE}:
            found[name.partition(":")[0]] = x[()]

    with h5py.File(file, "r") as opened:
        opened.visititems(take)
    layers: dict[str, list[str]] = {}
    for name in sorted(name for name in found if "vars/" in name):
        layers.setdefault(name.rpartition("vars/")[0], []).append(name)
    for layer, numbered in layers.items():
        names = _names([found[name].ndim for name in numbered])
        for name, new in zip(numbered, names, strict=False):
            found[f"{layer}{new}"] = found.pop(name)
    return found


def _names(dims: list[int]) -> tuple[str, ...]:
    """Names of the arrays of a layer, in the order in which Keras makes them."""
    if dims[:2] == [2, 2] and len(dims) <= 3:
        return ("kernel", "recurrent_kernel", "bias")
    return ("kernel", "bias") if dims in ([2], [2, 1]) else ()
