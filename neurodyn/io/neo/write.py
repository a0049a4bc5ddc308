"""Write recordings as neo Blocks, and as NIX files."""

import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any

import neo
import numpy as np
import quantities as pq
import xarray as xr

from neurodyn import spikes
from neurodyn.io import layout
from neurodyn.io.atomic import atomic_path
from neurodyn.io.neo.write_parts import add_rows, add_signals, clean_text, row
from neurodyn.io.pieces import is_signal, row_dim
from neurodyn.labels import LabelError
from neurodyn.labels.convention import OWN_DIMS, SPIKE_COLUMNS
from neurodyn.spikes.gaps import gaps_of
from neurodyn.spikes.join import positions, refuse_single_trial, tidy
from neurodyn.spikes.observation import without

#: Annotation of a Block that holds the labels for which neo has no place.
NOTE = "neurodyn"
#: Annotation of a spike train with the part of the recording, if there are several.
PART = "neurodyn_part"


def to_neo(recording: xr.Dataset | xr.DataTree) -> neo.Block:
    """Convert a recording to a neo Block.

    Parameters
    ----------
    recording
        What `neurodyn.io.read` returns. Spikes become one segment per trial (a single one if
        continuous) with one SpikeTrain per unit. Signals on (time), (time, channel) or (sweep,
        time, channel), also with `trial`, `condition` or `unit`, become one segment per sweep or
        trial with one signal per variable; lazy ones are computed. Tables of intervals and events
        become Epochs and Events of the first segment, other tables annotations of the block only.

    Returns
    -------
    Block in ms and the units of `recording`; unit coordinates are annotations of the spike trains,
    trial coordinates of the segments. `from_neo` gives the identical recording back, because the
    annotation `neurodyn` of the block holds what neo has no place for; delete it to read what was
    changed in the Block since.

    Raises
    ------
    LabelError
        If `recording` does not follow the convention, or holds what has no place in a Block.

    See Also
    --------
    to_nix : The same in a file.

    Examples
    --------
    >>> from neurodyn import spikes
    >>> block = to_neo(spikes.from_times([[10.0, 20.0], [5.0]], window=(0, 100)))
    >>> [len(train) for train in block.segments[0].spiketrains]
    [2, 1]
    """
    if not isinstance(recording, (xr.Dataset, xr.DataTree)):
        given = type(recording).__name__
        fix = ": .to_dataset(name='...')" if given == "DataArray" else ""
        raise TypeError(f"to_neo takes a Dataset or a DataTree, got a {given}{fix}.")
    parts = layout.parts_of(recording)
    if not any(ds.dims for ds in parts.values()):
        raise LabelError("there is nothing to convert: no spikes, signals or tables.")
    block = neo.Block(name=parts[""].attrs.get("title"))
    texts = {at: _add(block, at, ds) for at, ds in parts.items()}
    tree = isinstance(recording, xr.DataTree)
    block.annotations[NOTE] = layout.joined(texts, tree=tree, name=recording.name if tree else None)
    for index, segment in enumerate(block.segments):
        segment.index = index
    return block


def to_nix(
    recording: xr.Dataset | xr.DataTree, path: str | os.PathLike, *, overwrite: bool = False
) -> Path:
    """Write a recording to a NIX file, which neo and nixio read.

    Parameters
    ----------
    recording
        What `to_neo` takes.
    path
        File to write, which ends in `.nix`; written atomically.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    The path. `neurodyn.io.read` gives the identical recording back.

    Raises
    ------
    LabelError
        As `to_neo`. Nothing is written then.
    ValueError
        If the name does not end in `.nix`, by which neo knows the format.
    FileExistsError, FileNotFoundError, PermissionError
        If the file exists already, or its folder does not or cannot be written to.

    Examples
    --------
    >>> to_nix(recording, "session.nix")  # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix.lower() != ".nix":
        raise ValueError(f"'{path.name}': NIX files are known by their name: '{path.stem}.nix'.")
    if importlib.util.find_spec("nixio") is None:
        raise ImportError("NIX files need the package nixio: pip install 'neurodyn[nix]'.")
    block = to_neo(recording)
    with atomic_path(path, overwrite=overwrite) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with neo.NixIO(str(temporary), mode="ow") as file:
            file.write_block(block)
    return path


def _add(block: neo.Block, at: str, ds: xr.Dataset) -> str:
    """Add a part to the block; returns the text that describes it."""
    if "spike_time" in ds:
        return _add_spikes(block, at, ds)
    if is_signal(ds):
        places = add_signals(block, at, ds)
        keep = [str(n) for n in ds.variables if str(n) not in places]
        return layout.describe(ds, columns=places, keep=keep)
    if ds.dims and not row_dim(ds):
        raise LabelError(
            f"{at or 'the Dataset'}: there are no spikes and no variables on 'time', nor rows of a "
            f"table, for which neo has a place: {list(ds.variables)}. Use neurodyn.save."
        )
    add_rows(_segments(block, 1)[0], at, ds)
    return layout.describe(ds, keep=[str(n) for n in ds.variables])


def _segments(block: neo.Block, n: int) -> list[neo.Segment]:
    """The first segments of a block, which are made if they are not there."""
    block.segments.extend([neo.Segment() for _ in range(len(block.segments), n)])
    return block.segments[:n]


def _add_spikes(block: neo.Block, at: str, ds: xr.Dataset) -> str:
    known = {"unit", "trial", "spike", "gap", *ds.attrs.get(OWN_DIMS, [])}
    odd = [n for n, v in ds.variables.items() if not known >= {*v.dims}]
    if odd:
        raise LabelError(f"{odd} have no place in a neo Block: drop them first.")
    refuse_single_trial(ds)
    ds = tidy(ds)
    spike_time, unit, trial = positions(ds)
    n_units, in_trials = ds.sizes["unit"], trial is not None
    n_segments = ds.sizes["trial"] if in_trials else 1
    train = unit + (trial * n_units if in_trials else 0)
    order = np.argsort(train, kind="stable")
    ends = np.cumsum(np.bincount(train, minlength=n_segments * n_units))
    trains = np.split(spike_time[order], ends[:-1])
    notes, seen = [row(ds, "unit", u) for u in range(n_units)], _observed(ds, spike_time)
    part = {PART: at} if at else {}
    for s, segment in enumerate(_segments(block, n_segments)):
        segment.annotations |= row(ds, "trial", s) if in_trials else {}
        for u in range(n_units):
            if seen[s][u] is not None:
                times, name = trains[s * n_units + u], clean_text(ds["unit"].values[u])
                about = {"name": name} | notes[u] | part
                segment.spiketrains.append(_train(times, seen[s][u], **about))
    # Annotations do not keep dtypes, so the tables of units and trials go into the note as well.
    tables = [str(n) for n in ds.variables if n not in SPIKE_COLUMNS]
    return layout.describe(ds, keep=tables)


def _train(times: np.ndarray, edges: tuple[float, float], **about: Any) -> neo.SpikeTrain:
    # neo's trains are closed at t_stop, and rounding may have moved a spike past the window.
    start, stop = times.min(initial=edges[0]), times.max(initial=edges[1])
    return neo.SpikeTrain(times, units=pq.ms, t_start=start * pq.ms, t_stop=stop * pq.ms, **about)


def _observed(ds: xr.Dataset, spike_time: np.ndarray) -> list[list[tuple[float, float] | None]]:
    """First and last time [ms] that each unit was observed in each trial; None where it was not."""
    start, stop = ds.attrs.get("window", (spike_time.min(initial=0.0), spike_time.max(initial=0.0)))
    n_units = ds.sizes["unit"]
    if "spike_trial" not in ds.variables:
        if not {"window", "obs_intervals", "observed_start"} & {*ds.attrs, *ds.coords}:
            return [[(float(start), float(stop))] * n_units]
        found = spikes.observed_intervals(ds)
        return [[(float(e[0, 0]), float(e[-1, 1])) if len(e) else None for e in found]]
    ends = np.full(ds.sizes["trial"], float(stop))
    if "valid_until" in ds:
        ends = np.fmin(ends, ds["valid_until"].values)
    edges: list[tuple[float, float] | None]
    edges = [(float(start), float(end)) for end in np.repeat(ends, n_units)]
    if (gaps := gaps_of(ds)) is not None:
        numbers = np.arange(len(edges))
        low, high = (np.searchsorted(gaps.cell, numbers, side) for side in ("left", "right"))
        lost = np.stack([gaps.start, gaps.stop], 1)
        for cell in np.flatnonzero(high > low):
            left = without(np.array([edges[cell]]), lost[low[cell] : high[cell]])
            edges[cell] = (float(left[0, 0]), float(left[-1, 1])) if len(left) else None
    return [edges[t * n_units : (t + 1) * n_units] for t in range(ends.size)]
