"""Runs written to a Zarr store piece by piece."""

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from neurodyn.common import hosts
from neurodyn.engine import devices
from neurodyn.simulation.chunks import part
from neurodyn.system import AbstractSpiking


def stream(run: Any, path: Path, advance: Callable) -> xr.Dataset:
    """Write piece after piece to a Zarr store that only gets its name when it is complete."""
    if importlib.util.find_spec("zarr") is None:
        raise ImportError("Streaming needs zarr: pip install 'neurodyn[zarr]'.")
    if isinstance(run.model, AbstractSpiking):
        raise ValueError("`to` cannot stream ragged spikes: run without it, in several calls.")
    partial = path.with_name(path.stem + ".partial.zarr")
    one = hosts.by_first if devices.spans_hosts(run.mesh) else _here
    one(lambda: _check_free(path, partial))
    for i, (ds, dim) in enumerate(_labelled_pieces(run, advance)):
        options = {"append_dim": dim} if i else {"mode": "w"}
        one(lambda ds=ds, options=options: _write(ds, partial, options))
    one(lambda: str(partial.rename(path)))
    return xr.open_zarr(path, consolidated=False, chunks=None)


def _here(compute: Callable[[], Any]) -> Any:
    return compute()


def _check_free(*paths: Path) -> None:
    for taken in paths:
        if taken.exists():
            raise FileExistsError(f"{taken} exists: choose another name, or remove it first.")


def _write(ds: xr.Dataset, partial: Path, options: dict[str, Any]) -> None:
    """Begin the store, or append to it."""
    with warnings.catch_warnings():
        # Fixed-length text is not in the Zarr 3 specification yet; xarray reads it back.
        warnings.filterwarnings("ignore", "The data type", category=UserWarning)
        warnings.filterwarnings("ignore", "The data type", category=FutureWarning)
        ds.to_zarr(partial, consolidated=False, **options)


def _labelled_pieces(run: Any, advance: Callable) -> Iterator:
    if len(run.blocks) == 1 and run.n_pieces > 1:
        piecewise = replace(run, plan=replace(run.plan, whole=False))
        for i, arrays in enumerate(run.pieces(0, advance)):
            yield piecewise.label(arrays, i * run.chunk_steps), "time"
        return
    for first in run.blocks:
        arrays = run.block(first, advance)
        stop = min(first + run.chunk, run.plan.n_trials)
        yield replace(run, plan=part(run.plan, first, stop)).label(arrays), "trial"
