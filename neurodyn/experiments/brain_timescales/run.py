"""Intrinsic timescales of recorded units, beside those that networks learnt."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, cast

import jax
import numpy as np
import xarray as xr

from neurodyn import analysis, datasets, labels, spikes
from neurodyn.analysis.shared.conditions import noise
from neurodyn.analysis.timescales.recovery import rate_modulation
from neurodyn.experiments.brain_timescales.figures import figures, summary
from neurodyn.experiments.shared.experiment import Experiment, Run
from neurodyn.experiments.shared.limits import Count, Fraction, Limits, Positive
from neurodyn.experiments.shared.seeds import SeededSettings, result
from neurodyn.experiments.timescales.networks import raw_tau
from neurodyn.experiments.timescales.trained import load_network
from neurodyn.labels import LabelError

__all__ = ["EXPERIMENT", "Settings", "run"]

#: Trials that a condition must have for its mean to be taken off them.
LEAST = 3
#: A session is drawn again in runs that last this long [ms]: longer than its timescales.
RUN = 30_000.0
#: Timescales that the check of the bias tries to recover [ms].
KNOWN = (50.0, 100.0, 200.0, 400.0)

#: Data sets that are known here.
Recorded = Literal["zheng2022", "mante2013", "decision_example"]


@dataclasses.dataclass(frozen=True)
class Settings(SeededSettings):
    """Settings.

    Attributes
    ----------
    seed
        Seed of everything.
    recordings
        Names of data sets, out of ``zheng2022``, ``mante2013`` and ``decision_example``; of a
        recording of your own, ``neurodyn.analysis.intrinsic_timescale`` takes the counts.
    bin_width
        Bins in which spikes are counted [ms].
    window
        A session without trials is cut into windows of this length, one after the other [ms]. For
        intervals windows are drawn in runs of 30 s, because neighbours are alike.
    silent
        Largest fraction of bins in which a unit may be silent in all trials. Published: 0, which
        would leave out units of few trials at low rates; pairs with silent bins are left out of the
        averages instead.
    n_draws
        Draws of the bootstrap.
    n_repeats
        Surrogate recordings for each of four known timescales, in the check of the bias.
    networks
        Folder of a run of the experiment ``timescales``; empty: recordings alone.
    n
        The N that its networks have solved.
    n_steps
        Steps of the run in which the networks' timescales are measured (ten trials).
    """

    recordings: tuple[Recorded, ...] = ("zheng2022", "mante2013")
    bin_width: Positive = 50.0
    window: Positive = 2000.0
    silent: Fraction = 0.25
    n_draws: Count = 200
    n_repeats: Count = 5
    networks: str = ""
    n: Annotated[int, Limits(2)] = 10
    n_steps: Count = 100_000


class Counted(NamedTuple):
    """Spike counts of one area ``(trial, time, unit)``, and what is asked for their timescales.

    Attributes
    ----------
    counts
        As they were recorded.
    fluctuations
        The same around the means of their conditions, where there are conditions.
    block
        Trials that are drawn together, since they follow each other without a break.
    """

    counts: xr.DataArray
    fluctuations: xr.DataArray
    block: int = 1


def run(settings: Settings, run: Run) -> xr.DataTree:
    """Measure recordings and networks."""
    del run
    key = jax.random.key(settings.seed)
    tree: dict[str, xr.Dataset] = {}
    if settings.networks:
        for curriculum in ("single", "cumulative"):
            own = jax.random.fold_in(key, 1000)
            tree[f"/model/{curriculum}"] = _network(settings, curriculum, own)
    for i, name in enumerate(settings.recordings):
        for j, (area, counted) in enumerate(_LOAD[name](settings).items()):
            own = jax.random.fold_in(jax.random.fold_in(key, i), j)
            found = _intrinsic(settings, counted, own, name)
            tree[f"/recording/{area}"] = found
            tree[f"/analysis/recovery/{area}"] = _recovery(settings, counted, found, own)
    return result(tree, settings)


def _intrinsic(settings: Settings, counted: Counted, key: Any, name: str) -> xr.Dataset:
    data = counted.fluctuations
    options: dict[str, Any] = {"n_draws": settings.n_draws, "silent": settings.silent, "key": key}
    found = analysis.intrinsic_timescale(data, block=counted.block, **options)
    units = analysis.intrinsic_timescale(data, over="unit", **options)
    for end in ("low", "high"):
        about = {"long_name": f"{end} end of the interval over units, mean of units"}
        found[f"population_{end}_units"] = units[f"population_{end}"].assign_attrs(about)
    return found.assign_attrs(source="recording", dataset=name, bin_width=settings.bin_width)


def _recovery(settings: Settings, counted: Counted, found: xr.Dataset, key: Any) -> xr.Dataset:
    """Known timescales, estimated from as few spikes and trials as there are."""
    modulation = 1.0  # where nothing decays there is nothing to go by: as an exponential law
    if str(found["population_status"].values) == "ok":
        mean = np.nanmean(counted.counts.values, axis=0)
        modulation = rate_modulation(found, counted.fluctuations.values, mean)
    return analysis.timescale_recovery(
        counted.counts,
        KNOWN,
        modulation=modulation,
        n_repeats=settings.n_repeats,
        silent=settings.silent,
        key=key,
    )


def _network(settings: Settings, curriculum: str, key) -> xr.Dataset:
    network = load_network(settings.networks, curriculum, settings.n, seed=settings.seed)
    found = analysis.network_timescale(network, n_steps=settings.n_steps, key=key)
    tau = raw_tau(network)
    about = {"units": "1", "long_name": "time constant as trained"}
    found["trained_tau"] = ("unit", np.asarray(tau), about)
    return found.drop_vars("own_tau", errors="ignore").assign_attrs(source="model", n=settings.n)


# --- recordings ------------------------------------------------------------------------------


def _windows(settings: Settings) -> dict[str, Counted]:
    """Hippocampus and amygdala of one patient: the whole session in windows, both sides."""
    loaded = datasets.load("zheng2022")
    session = loaded["spikes"].to_dataset()
    stop = float(session.attrs["window"][1])
    starts = np.arange(0.0, stop - settings.window, settings.window)
    cut = spikes.align(session, starts, (0.0, settings.window))
    counts = spikes.bin(cut, bin_width=settings.bin_width)["spike_count"]
    area = np.array([str(a).split("_")[0] for a in counts["area"].values])
    block = max(1, round(RUN / settings.window))
    found = {}
    for name in ("hippocampus", "amygdala"):
        own = counts.isel(unit=np.flatnonzero(area == name))
        found[name] = Counted(own, own, block)
    return found


def _prefrontal(settings: Settings) -> dict[str, Counted]:
    """Units recorded one at a time: what their trials differ by from the mean of the condition."""
    loaded = datasets.load("mante2013", form="trials")
    by = ["motion", "colour", "context", "choice"]
    parts = [
        _residual(_rebinned(node.to_dataset(), settings.bin_width), by)
        for node in loaded.children.values()
    ]
    counts, fluctuations = (_side_by_side([part[i] for part in parts]) for i in (0, 1))
    return {"prefrontal": Counted(counts, fluctuations)}


def _rebinned(unit: xr.Dataset, width: float) -> xr.DataArray:
    """Counts in wider bins; what does not fill a last one is left out."""
    times, step, _ = labels.clock(unit, what="the recording")
    some = round(width / step)
    if some < 1 or not np.isclose(some * step, width):
        raise LabelError(
            f"Setting 'bin_width' is {width:g} ms, but the recording was counted in bins of "
            f"{step:g} ms: take a multiple of that."
        )
    n = unit.sizes["time"] // some
    values = unit["spike_count"].values[:, : n * some].astype(np.float64)
    values = values.reshape(len(values), n, some, -1).sum(2)
    start = float(times[0]) - step / 2
    kept = {str(k): c for k, c in unit.coords.items() if c.dims in (("trial",), ("unit",))}
    centres = start + (np.arange(n) + 0.5) * some * step
    time = ("time", centres, {"units": "ms", "long_name": "time"})
    return xr.DataArray(
        values,
        dims=("trial", "time", "unit"),
        coords=kept | {"time": time},
        attrs={"units": "count", "long_name": "spike count"},
        name="spike_count",
    )


def _residual(counts: xr.DataArray, by: list[str]) -> Counted:
    """Deviations from condition means, scaled so that small conditions vary as much as large."""
    codes = np.unique(list(zip(*(counts[n].values.astype(str) for n in by), strict=True)), axis=0,
                      return_inverse=True)[1]  # fmt: skip
    size = np.bincount(codes.ravel())[codes.ravel()]
    enough = np.flatnonzero(size >= LEAST)
    kept = counts.isel(trial=enough)
    scale = np.sqrt(size[enough] / (size[enough] - 1))
    left = noise(kept, by) * xr.DataArray(scale, dims="trial")
    return Counted(kept, left.assign_attrs(counts.attrs))


def _side_by_side(parts: list[xr.DataArray]) -> xr.DataArray:
    """Units with trials of their own: NaN where a unit has fewer than the others."""
    most = max(a.sizes["trial"] for a in parts)
    values = np.full((most, parts[0].sizes["time"], len(parts)), np.nan)
    for i, a in enumerate(parts):
        values[: a.sizes["trial"], :, i] = a.values[:, :, 0]
    return xr.DataArray(
        values,
        dims=("trial", "time", "unit"),
        coords={"time": parts[0]["time"], "unit": [str(a["unit"].values[0]) for a in parts]},
        attrs={"units": "count", "long_name": "spike count", "simultaneous": 0},
        name="spike_count",
    )


def _example(settings: Settings) -> dict[str, Counted]:
    """The bundled simulated decision network, around its condition means."""
    cut = datasets.load("decision_example")
    binned = spikes.bin(cast(xr.Dataset, cut), bin_width=settings.bin_width, window=(0.0, 1000.0))
    counts = binned["spike_count"]
    excitatory = np.flatnonzero(counts["ei"].values > 0)
    chosen = counts.isel(unit=excitatory).astype(float)
    return {"simulated": _residual(chosen, ["coherence", "choice"])}


_LOAD: dict[str, Callable[[Settings], dict[str, Counted]]] = {
    "zheng2022": _windows,
    "mante2013": _prefrontal,
    "decision_example": _example,
}

EXPERIMENT = Experiment(
    name="brain_timescales",
    title="How long do recorded units remember, beside networks that learnt to?",
    reference=("murray2014", "zheng2022", "mante2013", "khajehabdollahi2024"),
    presets={
        "quick": Settings(recordings=("decision_example",), n_draws=50, n_repeats=2),
        "paper": Settings(n_draws=1000, n_repeats=20),
    },
    run=run,
    figures=figures,
    summary=summary,
    method=(
        "Spikes of {recordings} were counted in bins of {bin_width} ms, and exponentials were "
        "fitted to the autocorrelations of areas and of single units around the means of their "
        "conditions. Surrogate spikes with known timescales, as few as were recorded, tell how "
        "well these are recovered."
    ),
    ranges="In brackets the bootstrap interval of 95 % over trials and over units.",
    captions={
        "intrinsic_timescales": (
            "Autocorrelations of areas with fitted exponentials; timescales with their "
            "intervals; ratio of recovered to true timescales in surrogates; and spreads "
            "beside those of networks, where there are some."
        ),
    },
)
