"""Named arrays of a checkpoint, from a file or an object, without running any code of it."""

import os
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from neurodyn.io.archive import FileFormatError
from neurodyn.io.heaps import check_heaps
from neurodyn.io.weights.keras import read_hdf5
from neurodyn.io.weights.safetensors import read_safetensors

#: Where training programs put the weights, beside the optimiser and the number of the epoch.
_INSIDE = ("state_dict", "model_state_dict", "model")
_PICKLE = (
    "'{path}' is a pickle, and opening one can run any code. Where PyTorch is installed, write its "
    "arrays into a file without code:\n"
    "    state = torch.load({path!r}, map_location='cpu', weights_only=True)\n"
    "    numpy.savez('weights.npz', **{{name: x.numpy() for name, x in state.items()}})"
)


def named_arrays(source: Any) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint by name.

    Parameters
    ----------
    source
        As for `from_weights`.

    Raises
    ------
    FileNotFoundError, FileFormatError, TypeError, ValueError
        If there is no such file; if it is of an unknown kind, damaged, or can run code; if the
        object holds no arrays; or if something in it is no array.
    """
    if isinstance(source, (str, os.PathLike)):
        source = _read(Path(source))
    elif callable(getattr(source, "state_dict", None)):  # a module of PyTorch
        source = source.state_dict()
    elif not isinstance(source, Mapping) and hasattr(source, "weights"):  # a model of Keras
        source = {getattr(x, "path", getattr(x, "name", "")): x for x in source.weights}
    if not isinstance(source, Mapping):
        raise TypeError(
            "weights come from a file, a mapping of names to arrays, or a model of PyTorch or "
            f"Keras, got {type(source).__name__}."
        )
    inside = [name for name in _INSIDE if isinstance(source.get(name), Mapping)]
    if len(inside) == 1:
        source = source[inside[0]]
    return {str(name): _array(name, x) for name, x in source.items()}


def _array(name: Any, x: Any) -> np.ndarray:
    """A NumPy array of real numbers."""
    if callable(getattr(x, "detach", None)):  # a tensor of PyTorch
        x = x.detach().cpu()
        x = (x.float() if "bfloat16" in str(x.dtype) else x).numpy()
    elif callable(getattr(x, "numpy", None)):  # of TensorFlow
        x = x.numpy()
    if isinstance(x, (Mapping, str, bytes)) or x is None or callable(x):
        raise ValueError(
            f"{name!r} is a {type(x).__name__} and no array: pass the mapping that holds the "
            "arrays themselves, such as checkpoint['state_dict']."
        )
    array = np.asarray(x)
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise ValueError(f"{name!r} holds {array.dtype}, and weights are real numbers.")
    return array


def _read(path: Path) -> Mapping[str, Any]:
    """The arrays of a file, by its content."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file '{path}'.")
    if path.is_dir():
        raise FileFormatError(
            f"'{path}' is a folder. A SavedModel of TensorFlow is read where it was made: "
            "model.save_weights('model.weights.h5') writes a file that can be read here."
        )
    try:
        return _reader(path)(path)
    except FileFormatError:
        raise
    except Exception as error:  # zipfile, NumPy and h5py raise errors of many types
        raise FileFormatError(
            f"'{path}' is damaged or truncated ({type(error).__name__}: {error})."
        ) from error


def _reader(path: Path) -> Callable[[Path], Mapping[str, Any]]:
    with open(path, "rb") as file:
        start = file.read(9)
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        check_heaps(path)
        return read_hdf5
    if start.startswith(b"PK"):
        return _read_zip
    if start[8:9] == b"{":
        return read_safetensors
    if start[:1] == b"\x80" or path.suffix in (".pt", ".pth", ".pkl", ".pickle"):
        return _read_torch
    raise FileFormatError(
        f"'{path}' is none of .safetensors, .npz, .h5, .keras and .pt. Load its arrays with the "
        "program that wrote it, and pass a mapping of names to arrays."
    )


def _read_zip(path: Path) -> Mapping[str, Any]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "model.weights.h5" in names:  # a .keras file
            return read_hdf5(BytesIO(archive.read("model.weights.h5")))
    if any(name.endswith("data.pkl") for name in names):
        return _read_torch(path)
    if not names or not all(name.endswith(".npy") for name in names):
        raise FileFormatError(f"'{path}' is a zip file, but no .npz, .keras or .pt file.")
    with np.load(path, allow_pickle=False) as arrays:
        try:
            return {name: arrays[name] for name in arrays.files}
        except ValueError as error:
            raise FileFormatError(
                f"'{path}' holds objects that are no plain arrays ({error})."
            ) from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    """The arrays of a file of PyTorch, which its loader reads without running code."""
    try:
        import torch
    except ImportError as error:
        raise FileFormatError(_PICKLE.format(path=str(path))) from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise FileFormatError(
            f"PyTorch reads no plain arrays from '{path}' ({type(error).__name__}): a file of a "
            "whole model can run any code. Write model.state_dict() instead."
        ) from error
