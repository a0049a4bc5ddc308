"""Predictions of sequences: errors by horizon, and error regression along a stream."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.common.intervals import t_interval
from neurodyn.labels import clock, pair_sequences, place
from neurodyn.plot.style import BLUE, GREY, ORANGE, panel, styled, subplots, timeline, whole_ticks

_COLOURS = (BLUE, ORANGE, "#4d9a5b", "#8a5fa8", "#b3564d")


@styled
def prediction_error(
    errors: xr.Dataset, *, reference: Sequence[str] = (), what: str = "mean squared error"
) -> Any:
    """Error of predictions by horizon, one curve for each variable.

    Parameters
    ----------
    errors
        One variable for each predictor, on `horizon`; other dims but `seed` are averaged.
    reference
        Variables that are drawn as grey lines: bounds and chance.
    what
        Name of the errors, for the axis.

    Returns
    -------
    matplotlib.figure.Figure
        Means over `seed` with 95 % intervals (Student's t), where there is one.

    Raises
    ------
    ValueError
        If there are more than 20 predictors besides the references.
    """
    figure, ax = panel(size=(4.4, 3.0))
    # Colours are used again with another marker, so that twenty curves can be told apart.
    looks = itertools.product(("o-", "s--", "^:", "D-."), _COLOURS)
    if (n := len(set(map(str, errors.data_vars)) - set(reference))) > 4 * len(_COLOURS):
        raise ValueError(f"{n} predictors; {4 * len(_COLOURS)} can be told apart in one figure.")
    dashes = itertools.cycle(("--", ":", "-.", (0, (8, 2))))
    for name, curve in errors.data_vars.items():
        name = str(name)
        mean, half = t_interval(curve)
        x = curve["horizon"].values
        text = curve.attrs.get("long_name", name)
        if name in reference:
            ax.plot(x, mean, color=GREY, ls=next(dashes), lw=1.1, label=text)
            continue
        form, colour = next(looks)
        ax.plot(x, mean, form, color=colour, ms=3, label=text)
        if half is not None:
            ax.fill_between(x, mean - half, mean + half, color=colour, alpha=0.2, lw=0)
    whole_ticks(ax.xaxis)
    ax.set(xlabel="steps ahead", ylabel=what)
    ax.set_ylim(bottom=0)
    figure.legend(loc="outside right upper")
    return figure


@styled
def error_regression(
    result: xr.Dataset,
    observed: Any,
    *,
    trial: Any = None,
    times: Sequence[float] | None = None,
    output: Sequence[Any] | None = None,
) -> Any:
    """A stream, its explanation by a network, and the predictions of the network.

    Parameters
    ----------
    result
        Of :func:`neurodyn.models.pvrnn.error_regression`; with `postdiction` the explanation of
        the window is drawn too.
    observed
        ``(trial, time, output)``, the streams that were followed: an array, or labelled, its
        trials, times and outputs in any order.
    trial
        Label of the one to draw; default the first.
    times
        Times [ms] at which predictions are drawn; default three, evenly spread.
    output
        Labels of the outputs to draw; default the first two.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each output: observations grey; from each of the times the prediction
        (orange, with one and two standard deviations of its rollouts where there are several); the
        window before it (blue).
    """
    result = result.sortby(["time", "horizon"])
    seen = pair_sequences(result["prediction"].isel(horizon=0), observed)
    which = place(result, "trial", trial)
    x = seen.transpose("trial", "time", "output").values[which]
    one = result.isel(trial=which)
    t, step, _ = clock(one, what="`result`", default=1.0)
    n_ahead = one.sizes["horizon"]
    if times is None:
        last = max(len(t) - 1 - n_ahead, 0)
        places = np.unique(np.linspace(last / 4, last, 3).astype(int))
    else:
        places = np.array([int(np.abs(t - at).argmin()) for at in times])
    shown = range(min(2, x.shape[1]))
    if output is not None:
        shown = [place(result, "output", one_of) for one_of in output]
    names = _names(result, x.shape[1])
    figure, axes = subplots(len(shown), 1, size=(6.4, 1.7), sharex=True)
    for ax, k in zip(axes.flat, shown, strict=True):
        ax.plot(t, x[:, k], color=GREY, lw=1.2, label="observed")
        for i, at in enumerate(places.tolist()):
            here = one.isel(time=at, output=k)
            texts = (None, None) if i else ("explained", "predicted")
            _window(ax, here, t[at], t[0], step, texts[0])
            _fan(ax, here, t[at], step, texts[1])
        ax.set_ylabel(names[k])
    axes[-1, 0].set_xlabel(timeline(one)[1])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _names(result: xr.Dataset, n: int) -> list[str]:
    """Outputs by their names, numbers where they have none."""
    named = result.coords.get("output")
    if named is not None and named.dtype.kind in "UOT":
        return [str(name) for name in named.values]
    return [f"output {k}" for k in range(n)]


def _window(ax: Any, one: xr.Dataset, now: float, first: float, step: float, label: Any) -> None:
    ax.axvline(now, color="0.85", lw=0.8, zorder=0)
    if "postdiction" not in one:
        return
    # Before the start of the stream there is nothing to explain.
    window = one["postdiction"].sortby("lag")
    lags = clock(window, dim="lag", what="the window", default=step).time
    inside = now + lags > first - step / 2
    lags, seen = lags[inside], window.values[inside]
    ax.axvspan(now + lags.min() - step / 2, now, color=BLUE, alpha=0.06, lw=0)
    ax.plot(now + lags, seen, ".-", color=BLUE, ms=3, lw=1, label=label)


def _fan(ax: Any, one: xr.Dataset, now: float, step: float, label: Any) -> None:
    later = one["ahead"] if "ahead" in one.coords else step * one["horizon"]
    ahead = now + later.values
    mean = one["prediction"].values
    ax.plot(ahead, mean, ".-", color=ORANGE, ms=3, lw=1, label=label)
    if "prediction_std" in one:
        for width, alpha in ((1, 0.22), (2, 0.12)):
            spread = width * one["prediction_std"].values
            ax.fill_between(ahead, mean - spread, mean + spread, color=ORANGE, alpha=alpha, lw=0)
