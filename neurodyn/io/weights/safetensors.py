"""Arrays of a .safetensors file: a JSON header and raw numbers."""

import json
import math
from pathlib import Path

import ml_dtypes
import numpy as np

from neurodyn.io.archive import FileFormatError

_DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "BOOL": np.dtype(bool),
    **{f"I{8 * n}": np.dtype(f"<i{n}") for n in (1, 2, 4, 8)},
    **{f"U{8 * n}": np.dtype(f"<u{n}") for n in (1, 2, 4, 8)},
}


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The arrays by name.

    Raises
    ------
    FileFormatError
        If the file is truncated or damaged, or an array has a dtype that NumPy does not know.
    """
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    try:
        if length > len(data) - 8:
            raise ValueError("the header is longer than the file")
        header, body = json.loads(data[8 : 8 + length]), memoryview(data)[8 + length :]
        return {name: _array(x, body) for name, x in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError(
            f"'{path}' is a damaged or truncated .safetensors file ({error})."
        ) from error


def _array(about: dict, body: memoryview) -> np.ndarray:
    dtype, shape = _DTYPES[about["dtype"]], tuple(about["shape"])
    start, stop = about["data_offsets"]
    if not 0 <= start <= stop <= len(body) or stop - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"bytes {start} to {stop} do not hold an array {shape}")
    return np.frombuffer(body[start:stop], dtype).reshape(shape)
