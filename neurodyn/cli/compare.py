"""``neurodyn compare``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neurodyn.cli.output import document, spread, table
from neurodyn.cli.run import Json

METRICS = "cka,debiased_cka,procrustes,ridge_r"


def compare(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="A run, as a file; FILE:/model for a part of a result."),
    ],
    rec: Annotated[
        str, typer.Argument(metavar="REC", help="A recording, as a file or the name of a dataset.")
    ],
    by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...", help="Labels that define a condition, e.g. 'coherence,choice'."
        ),
    ] = None,
    metrics: Annotated[
        str, typer.Option(metavar="NAME,...", help="Measures; 'neurodyn list measures' lists them.")
    ] = METRICS,
    window: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="START STOP", help="Times to compare [ms]. [default: all shared]"),
    ] = None,
    bin_width: Annotated[float, typer.Option(metavar="MS", help="Bins for spikes [ms].")] = 50.0,
    join: Annotated[
        str,
        typer.Option(
            help="'exact': both sides have the same conditions; 'inner': use those in both."
        ),
    ] = "exact",
    n_null: Annotated[
        int, typer.Option(help="Shuffles of the null distribution; 0: no null.")
    ] = 200,
    n_splits: Annotated[int, typer.Option(help="Splits of the recording for the ceiling.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of shuffles, splits and folds.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the labelled result (.nc or .zarr).")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare a run with a recording, condition by condition, with ceiling and null."""
    from neurodyn import analysis
    from neurodyn.io.files import save

    if join not in ("exact", "inner"):
        raise typer.BadParameter(f"--join is 'exact' or 'inner', got '{join}'.")
    if out is not None and out.exists() and not overwrite:
        raise FileExistsError(f"'{out}' exists. Choose another name, or pass --overwrite.")
    score = analysis.compare(
        activity(run, bin_width, window),
        activity(rec, bin_width, window),
        _names(metrics),
        by=None if by is None else _names(by),
        join=join,  # type: ignore[arg-type]  # checked above
        window=window,
        n_null=n_null,
        n_splits=n_splits,
        key=seed,
    )
    if out is not None:
        save(out, score, overwrite=overwrite)
    if as_json:
        document({"metrics": _numbers(score), "attrs": score.attrs})
        return
    table(["measure", "score", "ceiling", "shuffled", "p"], _rows(score))
    typer.echo(f"\n{score.attrs['n_conditions']} conditions")
    if note := score.attrs.get("ceiling_note"):
        typer.echo(f"No ceiling: {note}")
    if out is not None:
        typer.echo(f"Saved to {out}")


def opened(name: str) -> Any:
    """Labelled data from a file or a dataset by name, or a part of one (``NAME:/part``).

    Raises
    ------
    ValueError, OSError
        If there is neither a file nor a dataset of this name, or it cannot be read.
    """
    from neurodyn import datasets

    path, _, part = name.partition(":/")
    return _part(datasets.open(path), path, part)


def _part(data: Any, path: str, part: str) -> Any:
    import xarray as xr

    if not isinstance(data, xr.DataTree):
        if part:
            raise ValueError(f"'{path}' has no parts; leave out ':/{part}'.")
        return data
    parts = [node.path for node in data.subtree if node.has_data]
    if not part and len(parts) > 1:
        shown = ", ".join(f"{path}:{p}" for p in parts)
        raise ValueError(f"'{path}' has several parts; name one of {shown}.")
    wanted = f"/{part}" if part else parts[0]
    if wanted not in parts:
        raise ValueError(f"'{path}' has no part '{wanted}'; it has {', '.join(parts)}.")
    return data[wanted].to_dataset()


def activity(name: str, bin_width: float, window: tuple[float, float] | None) -> Any:
    """Labelled data as activity on a time axis; spikes become rates in bins.

    Raises
    ------
    ValueError
        If the data hold spikes without trials.
    """
    from neurodyn import spikes

    data = opened(name)
    if "spike" not in data.dims:
        return data
    if "spike_trial" not in data.coords:
        raise ValueError(
            f"'{name}' holds spikes without trials: cut them into trials with "
            "neurodyn.spikes.align and save the result."
        )
    return spikes.rate(data, bin_width=bin_width, window=window)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _rows(score: Any) -> list[list[str]]:
    rows = []
    for metric in score["metric"].values:
        one = score.sel(metric=metric)
        unit = str(one["score_units"].values)
        rows.append(
            [
                str(one["title"].values) + ("" if unit in ("1", "") else f" [{unit}]"),
                spread(one["score"].values),
                spread(one["ceiling"].values),
                spread(one["null"].mean().values) if "null" in one else "-",
                f"{float(one['p_value'].max()):.3g}" if "p_value" in one else "-",
            ]
        )
    return rows


def _numbers(score: Any) -> dict[str, Any]:
    shown = ("score", "ceiling", "corrected", "p_value")
    numbers = {}
    for metric in score["metric"].values:
        one = score.sel(metric=metric)
        numbers[str(metric)] = {name: one[name].values for name in shown if name in one}
        if "null" in one:
            numbers[str(metric)]["null_mean"] = float(one["null"].mean())
    return numbers
