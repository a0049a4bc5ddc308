"""Timescales of 500 units over ten trials of 100 000 steps: time and memory; fits against SciPy.

And what the fits recover of processes whose timescales are known.
"""

import time

import numpy as np
import xarray as xr
from scipy.optimize import curve_fit
from scipy.signal import lfilter

from neurodyn import analysis, models
from tests.benchmarks.harness import Row, alternate
from tests.benchmarks.peers.memory import peak_mb

CORES = 2
_UNITS, _STEPS, _TRIALS, _CHUNK, _LAG = 500, 100_000, 10, 2000, 30
#: Seconds that the analysis may take.
_ALLOWED = 60.0
#: Units that SciPy fits; its time is scaled to all.
_SOME = 10


def run() -> list[Row]:
    """Rows for the analysis alone, with the simulation, and for the fits."""
    before = peak_mb()
    alone = _analysed_chunks()
    held = (peak_mb() - before) / 2**10
    model = models.LeakyRNN(1, _UNITS, 2, key=0)
    analysis.network_timescale(model, n_steps=_CHUNK, n_trials=_TRIALS, key=0)  # compiles
    start = time.perf_counter()
    analysis.network_timescale(model, n_steps=_STEPS, n_trials=_TRIALS, key=0)
    whole = time.perf_counter() - start
    sizes = {"N": _UNITS, "T": _STEPS, "trials": _TRIALS, "lags": _LAG}
    size = _UNITS * _STEPS * _TRIALS * 4 / 2**30
    note = f"peak memory {held:.2f} GiB more than before, for {size:.1f} GiB of activity"
    allowed = "60 s allowed"
    return [
        Row("timescales, analysis", allowed, alone, _ALLOWED, "s", bar=1.0, sizes=sizes,
            threads=CORES, note=note),
        Row("timescales, simulation and analysis", allowed, whole, _ALLOWED, "s", bar=1.0,
            sizes=sizes, threads=CORES),
        _fits(),
        _recovered(double=False),
        _recovered(double=True),
    ]  # fmt: skip


def _analysed_chunks() -> float:
    """Seconds for autocorrelations and fits of noise that is made outside of the clock."""
    rng = np.random.default_rng(0)
    chunk = rng.standard_normal((_CHUNK, _TRIALS, _UNITS), np.float32)

    def chunks(n):
        for i in range(n):
            yield chunk[:, :, ::-1] if i % 2 else chunk

    def analysed(n):
        acf = analysis.streaming_autocorrelation(chunks(n), _LAG, units="1")
        return analysis.fit_exponentials(acf, longest=100.0)

    analysed(2)  # compiles
    start = time.perf_counter()
    analysed(_STEPS // _CHUNK)
    return time.perf_counter() - start


def _fits() -> Row:
    rng = np.random.default_rng(0)
    lag = np.arange(_LAG + 1.0)
    tau = rng.uniform(1, 15, (2, _UNITS))
    share = rng.uniform(0.2, 0.8, _UNITS)
    r = share * np.exp(-lag[:, None] / tau[0]) + (1 - share) * np.exp(-lag[:, None] / tau[1])
    r = r + 1e-3 * rng.standard_normal(r.shape)
    acf = xr.DataArray(r, coords={"lag": lag}, dims=("lag", "unit"))

    def single(k, a, t):
        return a * np.exp(-k / t)

    def double(k, a, c, t, s):
        return a * (c * np.exp(-k / t) + (1 - c) * np.exp(-k / s))

    def scipy():
        for unit in range(_SOME):
            for curve, n in ((single, 1), (double, 2)):
                bounds = (0, [1] * n + [100] * n)
                curve_fit(curve, lag, r[:, unit], bounds=bounds, maxfev=2000)

    def ours():
        analysis.fit_exponentials(acf, longest=100.0)

    fast, slow = (timing.best for timing in alternate(ours, scipy, rounds=3, burst=1, warmup=1))
    return Row("timescales, fits", "scipy.optimize.curve_fit, unit by unit", fast,
               slow * _UNITS / _SOME, bar=1.0, sizes={"N": _UNITS, "lags": _LAG + 1}, threads=CORES,
               note=f"{_SOME} units measured, scaled to {_UNITS}")  # fmt: skip


def _recovered(*, double: bool) -> Row:
    """Error of the timescales of autoregressive processes, one or two of them to a unit."""
    rng, n = np.random.default_rng(0), 100
    tau = rng.uniform(2.0, 10.0, n)

    def process(tau):
        x = rng.standard_normal((4, 20_000, n))
        for unit, a in enumerate(np.exp(-1 / tau)):
            x[:, 1:, unit] *= np.sqrt(1 - a**2)  # stationary from the start, with unit variance
            x[..., unit] = lfilter([1.0], [1.0, -a], x[..., unit], axis=1)
        return x

    x = process(tau) + process(tau / 6) if double else process(tau)
    chunk = x.astype(np.float32).transpose(1, 0, 2)
    acf = analysis.streaming_autocorrelation(iter([chunk]), _LAG, units="1")
    said = []
    for share in (0.0, 0.05):
        fit = analysis.fit_exponentials(acf, longest=100.0, least_share=share)
        ratio = fit["tau"].values / tau
        two = fit["n_exponentials"].values == 2
        error = 100 * np.median(np.abs(ratio - 1))
        faint = np.median(fit["amplitude_double"].values.min(1)[two]) if two.any() else np.nan
        mean = fit["tau"].values.mean() / tau.mean()
        text = (
            f"least_share={share:g}: two chosen for {two.sum()} of {n}, smaller share {faint:.3f}, "
            f"median error {error:.1f} %, mean timescale {mean:.2f} times the true one"
        )
        said.append((error, text))
    return Row(f"timescales, recovered, {'two' if double else 'one'}", "10 % allowed", said[0][0],
               10.0, "%", bar=1.0, sizes={"N": n, "T": 20_000, "trials": 4}, threads=CORES,
               note="; ".join(text for _, text in said))  # fmt: skip
