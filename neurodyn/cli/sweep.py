"""``neurodyn sweep``: an experiment, or a function, at every point of a grid."""

import ast
from pathlib import Path
from typing import Annotated, Any

import typer

from neurodyn.cli.output import document, pairs, table
from neurodyn.cli.run import Json, setting

#: Values of the states in the table, in the order in which they are counted.
_COUNTED = ("done", "failed", "waiting")


def sweep(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Experiment ('neurodyn list experiments' shows them), or a function as "
            "MODULE:FUNCTION.",
        ),
    ],
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="KEY=VALUES",
            help="Values of a setting, e.g. tau=10,20; with semicolons where a value has commas, "
            "e.g. 'currents=0,0.5;0,1'. Can be repeated: every combination is a point.",
        ),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="N|LIST", help="Number of seeds, from 0, or e.g. 3,4,7.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask scheduler, e.g. tcp://node1:8786. [default: processes on this machine]",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes on this machine. [default: one for each core]")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Preset. [default: the first of the experiment]")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting at all points. Can be repeated.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Store only this result, or part of a tree, e.g. /analysis/scores. Can be "
            "repeated. [default: all]",
        ),
    ] = None,
    key: Annotated[int, typer.Option(help="Seed of the keys that a function gets.")] = 0,
    retries: Annotated[int, typer.Option(help="How often a failed point is tried again.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Zarr store. [default: neurodyn-NAME-sweep.zarr]"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the sweep there.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: also try again what failed.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the sweep there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run an experiment or a function at every point of a grid, into one Zarr store.

    Points run in processes on this machine, or on any Dask cluster. A failed point is tried again,
    then recorded with its error; the exit code is 1 if any failed.
    """
    from neurodyn import sweeps

    work, path = _work(name), out or Path(f"neurodyn-{name.replace(':', '-')}-sweep.zarr")
    listed = _apart(grid or [], "--grid")
    function = not isinstance(work, str)
    try:
        found = sweeps.sweep(
            work,
            {key: _values(text, typed=function) for key, text in listed.items()},
            seeds=None if seeds is None else _seeds(seeds),
            key=key,
            settings={
                key: _value(text) if function else text
                for key, text in _apart(changes or [], "--set").items()
            },
            preset=preset,
            keep=keep or None,
            client=scheduler,
            workers=workers,
            retries=retries,
            out=path,
            resume=resume,
            retry_failed=retry_failed,
            overwrite=overwrite,
            progress=True,
        )
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error)) from None
    failed = _show(found, path, as_json)
    if failed:
        raise typer.Exit(1)


def _show(found: Any, path: Path, as_json: bool) -> int:
    """Print the points and how many there are of each state; returns how many failed."""
    from neurodyn import sweeps
    from neurodyn.sweeps.store import STATES

    flat, number = sweeps.table(found), found["point_state"]
    counts = {state: int((number == STATES.index(state)).sum()) for state in _COUNTED}
    if as_json:
        points = [{name: row[name] for name in flat.columns} for _, row in flat.iterrows()]
        document({"store": str(path), **counts, "points": points})
        return counts["failed"]
    quiet = "error" in flat and not flat["error"].any()
    columns = [name for name in flat.columns if not (quiet and name == "error")]
    table(columns, [[_text(row[name]) for name in columns] for _, row in flat.iterrows()])
    typer.echo()
    told = {state: str(n) for state, n in counts.items() if n or state == "done"}
    pairs(
        {
            **told,
            "time of all points": f"{float(found['point_seconds'].sum()):.1f} s",
            "store": str(path),
        }
    )
    return counts["failed"]


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _work(name: str) -> Any:
    """An experiment by name, or a function that a module holds."""
    import importlib

    module, colon, attribute = name.partition(":")
    if not colon:
        return name
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise typer.BadParameter(
            f"There is no function {name!r} ({error}); --load FILE imports a file first."
        ) from None


def _apart(texts: list[str], option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, value = setting(text, option)
        if name in found:
            raise typer.BadParameter(f"{option} gives '{name}' twice: {found[name]} and {value}.")
        found[name] = value
    return found


def _values(text: str, *, typed: bool) -> list[Any]:
    parts = text.split(";" if ";" in text else ",")
    values = [part.strip() for part in parts if part.strip()]
    return [_value(value) for value in values] if typed else values


def _value(text: str) -> Any:
    """A value for a function: a number, true, false, none, numbers with commas, or text."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _seeds(text: str) -> Any:
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise typer.BadParameter(
            f"--seeds takes a number of seeds, or seeds with commas, got '{text}'."
        ) from None
    return numbers if "," in text else numbers[0]
