"""``neurodyn compare``."""

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from neurodyn.cli.output import document, spread, table
from neurodyn.cli.run import Json

METRICS = "cka,debiased_cka,procrustes,ridge_r"


def compare(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL... RECORDING",
            help="Runs or model files, then a recording: files, names of datasets, or FILE:/part "
            "for a part of a result. A model file is simulated.",
        ),
    ],
    recordings: Annotated[
        list[str] | None,
        typer.Option(
            "--recording",
            metavar="RECORDING",
            help="A recording; can be repeated. All arguments are models then.",
        ),
    ] = None,
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
    within: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Shuffle within these labels only, e.g. 'session'."),
    ] = None,
    bootstrap: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL,...",
            help="Levels to resample for an interval, the outermost first, e.g. 'session,trial'.",
        ),
    ] = None,
    each: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Take parts of a recording by this label, e.g. 'area'."),
    ] = None,
    among: Annotated[
        bool, typer.Option("--among", help="Also compare models, and recordings, with each other.")
    ] = False,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Task for model files. [default: the one stored in the file]"
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option(help="Simulated trials of each condition, of model files.", min=1)
    ] = 10,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the labelled result (.nc or .zarr).")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it exists.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare models with recordings, condition by condition, with ceiling and null."""
    from neurodyn import analysis
    from neurodyn.analysis.comparison.many import noted
    from neurodyn.cli.sides import sides
    from neurodyn.io.files import save

    if join not in ("exact", "inner"):
        raise typer.BadParameter(f"--join is 'exact' or 'inner', got '{join}'.")
    if not recordings:
        *files, last = files
        recordings = [last]
    if not files:
        raise typer.BadParameter(
            f"compare takes a model and a recording, got '{recordings[0]}' only."
        )
    if out is not None and out.exists() and not overwrite:
        raise FileExistsError(f"'{out}' exists. Choose another name, or pass --overwrite.")
    read = partial(sides, bin_width=bin_width, window=window)
    score = analysis.compare(
        read(files, task=task, repeats=repeats, key=seed),
        read(recordings),
        _names(metrics),
        by=None if by is None else _names(by),
        join=join,  # type: ignore[arg-type]  # checked above
        window=window,
        n_null=n_null,
        n_splits=n_splits,
        within=None if within is None else _names(within),
        bootstrap=None if bootstrap is None else _names(bootstrap),
        each=each,
        among=among,
        key=seed,
    )
    if out is not None:
        save(out, score, overwrite=overwrite)
    several = [dim for dim in ("model", "recording") if dim in score.dims]
    if as_json:
        if several:
            document({"pairs": _pairs(score, several), "attrs": score.attrs})
        else:
            document({"metrics": _numbers(score), "attrs": score.attrs})
        return
    interval = ["interval"] if "low" in score else []
    table([*several, "measure", "score", *interval, "ceiling", "shuffled", "p"], _rows(score))
    if several:
        n = score["n_conditions"]
        typer.echo(f"\n{_span(n)} conditions")
    else:
        typer.echo(f"\n{score.attrs['n_conditions']} conditions")
    for kind in ("ceiling", "interval"):
        for note in noted(score, f"{kind}_note"):
            typer.echo(f"No {kind}: {note}")
    if out is not None:
        typer.echo(f"Saved to {out}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _span(numbers: Any) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return str(low) if low == high else f"{low} to {high}"


def _each(score: Any) -> Iterator[tuple[list[str], Any]]:
    """Names and numbers of every pair by every measure."""
    several = [dim for dim in ("model", "recording") if dim in score.dims]
    for names in itertools.product(*(score[dim].values for dim in several)):
        pair = score.sel(dict(zip(several, names, strict=True)))
        for metric in score["metric"].values:
            yield list(map(str, names)), pair.sel(metric=metric)


def _rows(score: Any) -> list[list[str]]:
    rows = []
    for names, one in _each(score):
        unit = str(one["score_units"].values)
        interval = []
        if "low" in one:
            interval = [" to ".join(f"{float(one[end].mean()):.3f}" for end in ("low", "high"))]
        rows.append(
            [
                *names,
                str(one["title"].values) + ("" if unit in ("1", "") else f" [{unit}]"),
                spread(one["score"].values),
                *interval,
                spread(one["ceiling"].values),
                spread(one["null"].mean().values) if "null" in one else "-",
                f"{float(one['p_value'].max()):.3g}" if "p_value" in one else "-",
            ]
        )
    return rows


def _pairs(score: Any, several: list[str]) -> list[dict[str, Any]]:
    return [
        dict(zip(several, names, strict=True)) | {"metric": str(one["metric"].values)} | _shown(one)
        for names, one in _each(score)
    ]


def _shown(one: Any) -> dict[str, Any]:
    shown = ("score", "low", "high", "ceiling", "corrected", "p_value", "closer")
    numbers = {name: one[name].values for name in shown if name in one}
    if "null" in one:
        numbers["null_mean"] = float(one["null"].mean())
    return numbers


def _numbers(score: Any) -> dict[str, Any]:
    return {str(m): _shown(score.sel(metric=m)) for m in score["metric"].values}
