"""Symbols: outputs turned into them, trajectories and sequences read by their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.labels import LabelError, clock, in_positions
from neurodyn.labels.only import takes

LEVELS = ("visit", "step")


def read_states(states: Any, n_latent: int) -> tuple[np.ndarray, dict[str, Any]]:
    """The trajectory and its labels; without times, steps are counted."""
    coords: dict[str, Any] = {}
    if isinstance(states, xr.DataArray):
        if "time" not in states.dims:
            raise LabelError(f"the trajectory has no dim 'time': its dims are {states.dims}.")
        last = [str(dim) for dim in states.dims if dim not in ("trial", "time")]
        if len(last) != 1:
            raise LabelError(
                f"symbols takes ([trial], time, latent), got {states.dims}: choose one network "
                "with .isel(seed=...)."
            )
        states = states.transpose(..., "time", *last)
        ticks = clock(states, what="the trajectory", default=1.0, even=False)
        kept = [n for n, c in states.coords.items() if c.dims in (("trial",), ("time",))]
        coords = {str(name): states[name].variable for name in kept}
        coords["time"] = ("time", ticks.time, ticks.unit)
        # The map knows its latents by position.
        states = in_positions(states, last[0], what="trajectory")
    array = np.asarray(states)
    if array.ndim not in (2, 3) or array.shape[-1] != n_latent or not array.size:
        raise LabelError(
            f"states must be (time, latent) or (trial, time, latent) with {n_latent} latents, got "
            f"shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            "the trajectory holds NaN or infinite values: it has diverged and has no symbols."
        )
    return array, {"time": ("time", np.arange(1.0, array.shape[-2] + 1), "1")} | coords


def read_sequence(coded: Any) -> tuple[np.ndarray, np.ndarray]:
    """The symbols as positions along the regions, and the labels of the regions."""
    if isinstance(coded, xr.Dataset):
        if "symbol" not in coded:
            raise LabelError("there is no 'symbol': pass the result of neurodyn.analysis.symbols.")
        # Transitions are read from neighbouring symbols, so these must be one step apart.
        clock(coded, what="the sequence of symbols", default=1.0)
        return coded_positions(coded), regions_of(coded)
    sequence = np.asarray(coded)
    if sequence.ndim not in (1, 2) or not sequence.size or sequence.dtype.kind not in "iub":
        raise LabelError(
            "symbols are integers (time,) or (trial, time), got "
            f"{sequence.dtype}{list(sequence.shape)}."
        )
    sequence = sequence.astype(np.int64)
    if sequence.min() < 0:
        raise LabelError(f"symbols are integers from 0, got {sequence.min()}.")
    return sequence, np.arange(int(sequence.max()) + 1)


@takes(outputs=["time"], values=[])
def symbolise(outputs: xr.DataArray, values: Any) -> xr.DataArray:
    """The symbol that each output is nearest to.

    Parameters
    ----------
    outputs
        With dims `time` and, where a symbol is several numbers, `output`.
    values
        Output that stands for each symbol: ``(symbol,)`` or ``(symbol, output)``, e.g.
        ``machine.values``; labelled ones are matched by the labels of the outputs.

    Returns
    -------
    DataArray of whole numbers with the dims of `outputs` without `output`.

    Raises
    ------
    LabelError
        If there is no `time`, or the number of outputs is another.
    """
    if "time" not in outputs.dims:
        raise LabelError(f"outputs need the dim 'time', got {outputs.dims}.")
    wide = outputs if "output" in outputs.dims else outputs.expand_dims("output", -1)
    if isinstance(values, xr.DataArray) and "output" in values.dims:
        values = labels.pair(wide, values, "output", what=("outputs", "values"))[1]
        values = values.transpose(..., "output")
    else:
        wide = labels.in_positions(wide, "output", what="outputs")
    values = np.asarray(values, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    wide = wide.transpose(..., "output")
    if wide.sizes["output"] != values.shape[1]:
        raise LabelError(
            f"outputs have {wide.sizes['output']} channels, but `values` give "
            f"{values.shape[1]} for each symbol."
        )
    if not np.isfinite(wide.values).all():
        raise LabelError("outputs hold NaN or infinite values, which are no symbol.")
    apart = ((wide.values[..., None, :] - values) ** 2).sum(-1)
    symbols = wide.isel(output=0, drop=True).copy(data=apart.argmin(-1))
    return symbols.rename("symbol").assign_attrs(
        units="1", long_name="symbol", n_symbols=len(values), kind="statistic"
    )


def regions_of(coded: xr.Dataset) -> np.ndarray:
    """Labels of the regions."""
    return coded["region"].values if "region" in coded.coords else np.arange(coded.sizes["region"])


def _refuse_spread(coded: xr.Dataset) -> None:
    """Refuse symbols on further dims, over which `xr.concat` repeats them."""
    if extra := set(map(str, coded["symbol"].dims)) - {"seed", "trial", "time"}:
        raise LabelError(
            f"'symbol' lies on {sorted(extra)}, too: concatenating regions or latents spread it. "
            "Join with xr.concat(..., data_vars='minimal')."
        )


def coded_positions(coded: xr.Dataset) -> np.ndarray:
    """Symbols ([trial], time) as positions along `region`, wherever its labels stand there.

    Raises
    ------
    LabelError
        If a symbol has no region.
    """
    _refuse_spread(coded)
    sequence, regions = coded["symbol"].transpose(..., "time").values, regions_of(coded)
    order = np.argsort(regions)
    place = order[np.searchsorted(regions[order], sequence).clip(max=regions.size - 1)]
    if (wrong := np.setdiff1d(sequence, regions)).size:
        raise LabelError(
            f"the symbols {wrong[:8].tolist()} have no entry along 'region' (it has "
            f"{regions[:8].tolist()}): visits cannot be left out of a sequence; select regions "
            "of the result instead."
        )
    return place


def as_rows(sequence: np.ndarray) -> list[np.ndarray]:
    """The sequence of each trial."""
    return list(np.atleast_2d(sequence))


def visits_of(row: np.ndarray) -> np.ndarray:
    """The sequence without repetitions."""
    return row[np.r_[True, row[1:] != row[:-1]]]


def at_level(sequence: np.ndarray, level: str) -> list[np.ndarray]:
    """The sequence of each trial, one symbol for each step or for each visit.

    Raises
    ------
    ValueError
        For an unknown level.
    """
    if level not in LEVELS:
        raise ValueError(f"level is 'visit' or 'step', got {level!r}.")
    return [visits_of(row) if level == "visit" else row for row in as_rows(sequence)]
