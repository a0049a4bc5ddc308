"""Read files with the readers of neo."""

import importlib.util
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn.io.archive import FileFormatError
from neurodyn.io.neo.damage import check_tables
from neurodyn.io.parts import combine
from neurodyn.io.selection import Selection
from neurodyn.labels import LabelError

#: Modes of those readers of neo that read folders.
_FOLDERS = ("dir", "one-dir", "one-or-many-dir")
#: Longest time [s] that writing a file takes.
_WRITING = 60
#: Packages that readers of neo need beside it.
_PACKAGES = {"EDFIO": "pyedflib", "StimfitIO": "stfio", "IgorIO": "igor2"}
#: Advice for formats that are not read.
_ADVICE = {
    ".npy": "Load it with numpy.load",
    ".npz": "Load it with numpy.load",
    ".xlsx": "Load it with pandas.read_excel",
    ".parquet": "Load it with pandas.read_parquet",
}
#: Advice for those whose files are not read.
BUILD = "and build a Dataset with neurodyn.spikes.from_times or neurodyn.labels.dataset"


def read_neo(path: Path, selection: Selection) -> xr.Dataset | xr.DataTree:
    """Read a file with the reader of neo that knows its format.

    Parameters
    ----------
    path
        File or folder.
    selection
        What is asked for: readers that can read parts of signals read little more. What they read
        still has to be selected.
    """
    import neo

    from neurodyn.io.neo.partly import load_partly

    if path.is_file():
        check_tables(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = _reader(path, neo)
        try:
            axon = isinstance(reader, neo.io.AxonIO)
            # Commands of Axon files need whole sweeps.
            partly = selection.of_signals and not axon and hasattr(reader, "get_sub_signal_streams")
            blocks = [b for b in reader.read(**({"lazy": True} if partly else {})) if b.segments]
            _note_units(reader, blocks)
            _forget_writing(reader, blocks)
            for block in blocks if partly else ():
                load_partly(block, selection)
            header = _axon_header(path, reader, blocks) if axon else None
        except Exception as error:  # the readers of neo raise errors of many types
            raise FileFormatError(
                f"'{path}' could not be read as {reader.name or type(reader).__name__} "
                f"({type(error).__name__}: {error}). It may be damaged, or of another kind than "
                f"its name says{_advice(path)}."
            ) from error
        finally:
            if hasattr(reader, "close"):
                reader.close()
        try:
            recordings = [_recording(block, header) for block in blocks]
        except (LabelError, FileFormatError):
            raise
        except Exception as error:  # a damaged file may hold anything, such as units of text
            raise FileFormatError(
                f"'{path}' is damaged or malformed ({type(error).__name__}: {error})."
            ) from error
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


def _axon_header(path: Path, reader: Any, blocks: list[Any]) -> Any:
    """What neo does not read from an Axon file; its times are corrected."""
    from neurodyn.io.neo.abf import correct
    from neurodyn.io.neo.abf_header import read_header

    header = read_header(path, reader._axon_info)
    correct(blocks[0], reader._axon_info, header)
    return header


def _note_units(reader: Any, blocks: list[Any]) -> None:
    """Note the units of the file, because neo calls those that it does not know dimensionless."""
    from neurodyn.io.neo.signals import UNIT

    if not hasattr(reader, "get_sub_signal_streams"):
        return
    streams, channels = reader.header["signal_streams"], reader.header["signal_channels"]
    units = []
    for index, inner, _ in reader.get_sub_signal_streams(reader._prefered_signal_group_mode):
        own = channels[channels["stream_id"] == streams[index]["id"]]
        units.append(str(own[slice(None) if inner is None else inner]["units"][0]))
    for block in blocks:
        for segment in block.segments:
            for each, unit in zip(segment.analogsignals, units, strict=False):
                if each.units.dimensionality.string == "dimensionless" and unit.strip():
                    each.annotations[UNIT] = unit.strip()


def _forget_writing(reader: Any, blocks: list[Any]) -> None:
    """Leave out dates that are those of writing, which NIX gives if there are no others."""
    written = getattr(getattr(reader, "nix_file", None), "created_at", None)
    if written is None:
        return
    for each in [each for block in blocks for each in (block, *block.segments)]:
        date = each.rec_datetime
        if date is not None and abs(date.timestamp() - written) < _WRITING:
            each.rec_datetime = None


def _recording(block: Any, header: Any) -> xr.Dataset | xr.DataTree:
    from neurodyn.io.neo.abf import add_commands
    from neurodyn.io.neo.read import is_ours, recording_of, restored

    if is_ours(block):
        return restored(block)
    parts, about = recording_of(block)
    if header is not None:
        add_commands(parts, about, header)
    return combine(parts, about)


def _reader(path: Path, neo: Any) -> Any:
    refused = (neo.io.PickleIO, neo.io.NWBIO, neo.io.AsciiSignalIO, neo.io.AsciiSpikeTrainIO)
    candidates, problems, errors = [], [], []
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
            return _opened(candidate, path, neo)
        except Exception as error:
            errors.append(error)
            problems.append(f"{candidate.__name__}: {type(error).__name__} {error}".strip())
    if problems:
        _refuse_missing(path, candidates, errors)
        raise FileFormatError(
            f"'{path}' could not be opened ({'; '.join(problems)[:600]}). It may be damaged or "
            f"truncated, or of another kind than its name says{_advice(path)}."
        )
    raise FileFormatError(
        f"'{path}' is of no known kind ('{path.suffix or path.name}'). NWB, NIX, neurodyn's netCDF "
        "and Zarr, and the formats of neo are read"
        f"{_advice(path) or f'. Load it yourself {BUILD}'}."
    )


def _opened(candidate: Any, path: Path, neo: Any) -> Any:
    if candidate is neo.io.NixIO:
        return candidate(str(path), mode="ro")
    if path.is_file() and candidate is neo.io.NeuralynxIO:  # its first argument is a folder
        return candidate(str(path.parent), include_filenames=[path.name])
    return candidate(str(path))


def _refuse_missing(path: Path, candidates: list[Any], errors: list[Exception]) -> None:
    """Name a package or a file that the only reader for this kind needs, if it was for that."""
    if len(candidates) > 1:
        return
    package = _PACKAGES.get(candidates[0].__name__)
    if package is not None and importlib.util.find_spec(package) is None:
        raise ImportError(
            f"'{path}': neo reads files of this kind with the package {package}: "
            f"pip install {package}."
        ) from errors[0]
    other = getattr(errors[0], "filename", None)
    if isinstance(errors[0], FileNotFoundError) and other and Path(other) != path:
        raise FileFormatError(
            f"'{path}' belongs to several files, and '{other}' is not there. Copy it, too."
        ) from errors[0]


def _advice(path: Path) -> str:
    advice = _ADVICE.get(path.suffix.lower())
    return f". {advice}, {BUILD}" if advice else ""
