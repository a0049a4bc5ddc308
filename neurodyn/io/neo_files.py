"""Read files with the readers of neo."""

import importlib.util
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.labels import LabelError

#: Modes of those readers of neo that read folders.
_FOLDERS = ("dir", "one-dir", "one-or-many-dir")
#: Advice for formats that are not read.
_ADVICE = {
    ".mat": "Load it with scipy.io.loadmat (or h5py)",
    ".npy": "Load it with numpy.load",
    ".npz": "Load it with numpy.load",
    ".xlsx": "Load it with pandas.read_excel",
    ".parquet": "Load it with pandas.read_parquet",
}
#: Advice for those whose files are not read.
BUILD = "and build a Dataset with neurodyn.spikes.from_times or neurodyn.labels.dataset"


def read_neo(path: Path) -> xr.Dataset | xr.DataTree:
    """Read a file with the reader of neo that knows its format."""
    import neo

    from neurodyn.io.abf import with_commands
    from neurodyn.io.neo import from_neo

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = _reader(path, neo)
        try:
            blocks = [b for b in reader.read() if b.segments]
        except Exception as error:  # the readers of neo raise errors of many types
            raise FileFormatError(
                f"'{path}' could not be read as {reader.name or type(reader).__name__} "
                f"({type(error).__name__}: {error}). It may be damaged, or of another kind than "
                f"its name says{_advice(path)}."
            ) from error
        finally:
            if hasattr(reader, "close"):
                reader.close()
        recordings = [from_neo(block) for block in blocks]
        if len(recordings) == 1 and hasattr(reader, "read_protocol"):
            recordings[0] = with_commands(recordings[0], reader)
    if not recordings:
        raise LabelError(f"'{path}' holds no recording: its blocks are empty.")
    if len(recordings) == 1:
        return recordings[0]
    return xr.DataTree.from_dict(
        {
            f"/block{i}/{node.path.strip('/')}".rstrip("/"): node.to_dataset()
            for i, recording in enumerate(recordings)
            for node in (
                recording if isinstance(recording, xr.DataTree) else xr.DataTree(recording)
            ).subtree
        }
    )


def _reader(path: Path, neo: Any) -> Any:
    refused = (neo.io.PickleIO, neo.io.NWBIO, neo.io.AsciiSignalIO, neo.io.AsciiSpikeTrainIO)
    candidates, problems = [], []
    with suppress(ValueError):  # neo found no reader
        candidates = [c for c in neo.io.list_candidate_ios(str(path)) if c not in refused]
    if path.is_dir():
        candidates = [c for c in candidates if getattr(c, "mode", "file") in _FOLDERS]
    for candidate in candidates:
        if candidate is neo.io.NixIO and importlib.util.find_spec("nixio") is None:
            raise ImportError(
                f"'{path}': NIX files need the package nixio: pip install 'neurodyn[nix]'."
            )
        try:
            if candidate is neo.io.NixIO:
                return candidate(str(path), mode="ro")
            return candidate(str(path))
        except Exception as error:
            problems.append(f"{candidate.__name__}: {type(error).__name__} {error}".strip())
    if problems:
        raise FileFormatError(
            f"'{path}' could not be opened ({'; '.join(problems)[:600]}). It may be damaged or "
            f"truncated, or of another kind than its name says{_advice(path)}."
        )
    raise FileFormatError(
        f"'{path}' is of no known kind ('{path.suffix or path.name}'). NWB, NIX, neurodyn's netCDF "
        "and Zarr, and the formats of neo are read"
        f"{_advice(path) or f'. Load it yourself {BUILD}'}."
    )


def _advice(path: Path) -> str:
    advice = _ADVICE.get(path.suffix.lower())
    return f". {advice}, {BUILD}" if advice else ""
