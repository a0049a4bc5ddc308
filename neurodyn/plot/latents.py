"""Latents and words of generative models."""

import itertools
from typing import Any

import numpy as np
import xarray as xr

from neurodyn.labels import entry
from neurodyn.labels.only import takes
from neurodyn.labels.values import is_words, plain
from neurodyn.plot.style import (
    BLUE,
    GREY,
    ORANGE,
    colours_of,
    label,
    panel,
    styled,
    subplots,
    timeline,
)

_COLOURS = (BLUE, ORANGE, GREY, "#5b8c5a", "#7a5195")


@styled
def latent_bands(run: xr.Dataset, *, trial: Any = None, latents: int = 4) -> Any:
    """Posterior and prior of each latent over time, as bands of one standard deviation.

    Parameters
    ----------
    run
        Of one :class:`neurodyn.models.PVRNN` along its posterior: ``mean``, ``sigma``,
        ``prior_mean``, ``prior_sigma`` on `latent`.
    trial
        Label of the trial; default: the first.
    latents
        How many latents, from the first on.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a variable is missing, or there are several networks.
    """
    needed = ("mean", "sigma", "prior_mean", "prior_sigma")
    if missing := [name for name in needed if name not in run]:
        raise ValueError(f"The run has no {', '.join(missing)}: is it that of a PVRNN?")
    one = entry(run, "trial", trial)
    if set(one["mean"].dims) != {"time", "latent"}:
        raise ValueError(f"latent_bands draws one network, got dims {run['mean'].dims}.")
    n = min(latents, one.sizes["latent"])
    figure, axes = subplots(n, 1, size=(5.4, 1.5 if n > 1 else 2.1), sharex=True)
    time, text = timeline(one)
    for i, ax in enumerate(axes[:, 0]):
        z = one.isel(latent=i)
        for mean, sigma, colour, name in (
            ("prior_mean", "prior_sigma", GREY, "prior"),
            ("mean", "sigma", ORANGE, "posterior"),
        ):
            m, s = z[mean].values, z[sigma].values
            ax.fill_between(time, m - s, m + s, color=colour, alpha=0.3, lw=0)
            ax.plot(time, m, color=colour, lw=1.2, label=name)
        layer = f", layer {int(z['latent_layer'])}" if "latent_layer" in z.coords else ""
        ax.set_ylabel(f"latent {z['latent'].item() if 'latent' in z.coords else i}{layer}")
    axes[0, 0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    axes[-1, 0].set_xlabel(text)
    return figure


@takes(scores=[])
@styled
def latent_space(scores: Any, *, by: str | None = None) -> Any:
    """Points in the plane of the first two components or latents, one panel for each network.

    Parameters
    ----------
    scores
        ``{title: DataArray}`` or one DataArray, with the dim `component` (e.g. ``scores`` of
        :func:`neurodyn.analysis.pca`), `latent` or `unit`; all other dims are points.
    by
        Coordinate of points that sets their colour.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are fewer than two components, or there is no such coordinate.
    """
    panels = scores if isinstance(scores, dict) else {"": scores}
    figure, axes = subplots(1, len(panels), size=(2.6, 2.5))
    shade, words = None, _words(panels.values(), by)
    for ax, (title, da) in zip(axes.flat, panels.items(), strict=True):
        dim = next((d for d in ("component", "latent", "unit") if d in da.dims), None)
        if dim is None or da.sizes[dim] < 2:
            raise ValueError(f"latent_space needs two components, latents or units, got {da.dims}.")
        if by is not None and by not in da.coords:
            raise ValueError(f"There is no coordinate {by!r}; there are {list(da.coords)}.")
        points = da.stack(point=[d for d in da.dims if d != dim], create_index=False)
        x, y = (points.isel({dim: i}).values for i in (0, 1))
        across, up = (_axis(dim, v) for v in points[dim].values[:2])
        if by is None:
            ax.plot(x, y, ".", color=BLUE, ms=2, alpha=0.5)
        else:
            shade = _scatter(ax, x, y, points[by].values, words) or shade
        ax.set(title=title, xlabel=across, ylabel=up if ax is axes[0, 0] else "")
    if by is not None:
        one = next(iter(panels.values()))[by]
        if shade is not None:
            figure.colorbar(shade, ax=axes[0, -1], label=label(one))
        else:
            figure.legend(*_legend(axes), title=label(one), loc="outside right upper")
    return figure


def _scatter(ax: Any, x: np.ndarray, y: np.ndarray, labels: np.ndarray, words: dict) -> Any:
    """Points in the colour of their label: shades of numbers, or a colour for each word."""
    if not words:
        return ax.scatter(x, y, c=labels, s=5, cmap="viridis", lw=0)
    labels = plain(labels)
    for word, colour in words.items():
        here = labels == word
        ax.scatter(x[here], y[here], color=[colour], s=5, lw=0, label=str(word))
    return None


def _words(panels: Any, by: str | None) -> dict[str, Any]:
    """A colour for each word, the same in all panels; {} where labels are numbers."""
    given = [plain(da[by].values).ravel() for da in panels if by is not None and by in da.coords]
    return colours_of(np.concatenate(given)) if any(map(is_words, given)) else {}


def _legend(axes: np.ndarray) -> tuple[list[Any], list[str]]:
    """Each name once, of whichever panel has it first."""
    found: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)


def _axis(dim: str, label: Any) -> str:
    """Text of an axis; components count from 1 in papers, and from 0 in their labels."""
    return f"{dim} {label + 1 if dim == 'component' else label}"


@takes(panels=["meta_prior"])
@styled
def meta_prior(panels: dict[str, Any], *, floor: float | None = None) -> Any:
    """Quantities against the meta-prior, with every network as a dot.

    Parameters
    ----------
    panels
        ``{axis label: DataArray}`` or ``{axis label: {name: DataArray}}`` with dims
        ``(meta_prior, seed)``, and one line for each layer where there is the dim `layer`.
    floor
        A value to draw as a dashed line in the last panel.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If a quantity has no `meta_prior`, or there are more than 20 lines in a panel.
    """
    # Room for the legend too, however few the panels are.
    figure, axes = subplots(1, len(panels), size=(2.5 + 1.2 / len(panels), 2.4))
    named: dict[str, Any] = {}
    for ax, (title, given) in zip(axes.flat, panels.items(), strict=True):
        lines = _lines(given)
        looks = itertools.product(("-", "--", ":", "-."), _COLOURS)
        if len(lines) > 4 * len(_COLOURS):
            raise ValueError(
                f"{title!r} has {len(lines)} lines; {4 * len(_COLOURS)} can be told apart."
            )
        for i, ((name, da), (dash, colour)) in enumerate(zip(lines.items(), looks, strict=False)):
            if "meta_prior" not in da.dims:
                raise ValueError(f"{title!r} has no dim 'meta_prior', only {da.dims}.")
            da = da.sortby("meta_prior")
            w = da["meta_prior"].values
            values = da.transpose("meta_prior", ...).values.reshape(len(w), -1)
            beside = w * 1.06 ** (i - (len(lines) - 1) / 2)
            ax.plot(beside, values, "o", color=colour, ms=2.5, alpha=0.45, mew=0)
            named[name] = ax.plot(w, np.nanmean(values, axis=1), dash, color=colour)[0]
        ax.set(xscale="log", xlabel="meta-prior w", title=title)
        ax.set_xticks(w, [f"{x:g}".removeprefix("0") for x in w], fontsize=7)
        ax.minorticks_off()
        low, high = ax.get_ylim()
        if low < 0 < high:
            ax.axhline(0, color="0.85", lw=0.8, zorder=0)
    if floor is not None:
        named["true source"] = axes[0, -1].axhline(floor, color=GREY, ls="--", lw=1)
    named.pop("", None)
    if named:
        figure.legend(named.values(), named.keys(), loc="outside right upper")
    return figure


def _lines(given: Any) -> dict[str, xr.DataArray]:
    if isinstance(given, dict):
        return given
    if "layer" in given.dims and given.sizes["layer"] > 1:
        return {f"layer {int(k)}": given.sel(layer=k) for k in given["layer"].values}
    return {"": given.squeeze("layer") if "layer" in given.dims else given}


@styled
def words(true: xr.Dataset, generated: dict[str, xr.Dataset], *, most: int = 30) -> Any:
    """Word probabilities, true against generated.

    Parameters
    ----------
    true
        Of :func:`neurodyn.analysis.true_words`.
    generated
        ``{name: words}``, of :func:`neurodyn.analysis.word_frequencies`.
    most
        How many words are shown, the likeliest ones; what is left is added up as "others", and
        words that cannot occur as "impossible".

    Returns
    -------
    matplotlib.figure.Figure
    """
    order = np.argsort(-true["probability"].values, kind="stable")[:most]
    shown = true["word"].values[order].tolist()
    p = _table(true)
    figure, ax = panel(size=(1.6 + 0.16 * (len(shown) + 2), 3.0))
    x = np.arange(len(shown) + 2)
    ax.bar(x, _grouped(p, shown, p), color="0.85", width=0.85, label="true")
    looks = zip(itertools.cycle(_COLOURS), itertools.cycle("osv^DPX"), strict=False)
    for (name, ds), (colour, marker) in zip(generated.items(), looks, strict=False):
        ax.plot(x, _grouped(_table(ds), shown, p), marker, color=colour, ms=3.5, label=name)
    ax.set_xticks(x, [*shown, "others", "impossible"], rotation=90, fontsize=6, family="monospace")
    ax.set(xlabel="word", ylabel="probability", xlim=(-0.8, len(x) - 0.2))
    ax.legend()
    return figure


def _table(ds: xr.Dataset) -> dict[str, float]:
    return dict(zip(ds["word"].values.tolist(), ds["probability"].values.tolist(), strict=True))


def _grouped(q: dict[str, float], shown: list[str], p: dict[str, float]) -> list[float]:
    others = sum(v for w, v in q.items() if w in p and w not in shown)
    impossible = sum(v for w, v in q.items() if w not in p)
    return [*(q.get(w, 0.0) for w in shown), float(others), float(impossible)]
