"""``neurodyn data``."""

from typing import Annotated, Any

import typer

from neurodyn.cli.output import document, pairs, table
from neurodyn.cli.run import Json


def data(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A dataset. [default: a table of all]")
    ] = None,
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch", help="Download the dataset if it is not on this machine, and verify it."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """List datasets, show location, licence and citation of one, or download it.

    A dataset is read from the folder in the environment variable NEURODYN_DATA if that folder holds
    it, else from the cache, else it is downloaded into the cache.
    """
    from neurodyn import datasets

    if name is None:
        if fetch:
            raise typer.BadParameter("--fetch needs the name of a dataset.")
        _all(datasets, as_json)
        return
    if name not in {record.name for record in datasets.available()}:
        try:
            datasets.info(name)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    path = str(datasets.path(name)) if fetch else None
    about = _about(datasets, name) | ({"path": path} if fetch else {})
    if as_json:
        document(about)
        return
    citation = about.pop("citation")
    pairs({key: str(value) for key, value in about.items()})
    typer.echo("\n" + citation)


def _all(datasets: Any, as_json: bool) -> None:
    records = [_about(datasets, record.name) for record in datasets.available()]
    if as_json:
        document(records)
        return
    shown = ("name", "title", "size", "where")
    table(shown, [[str(record[key]) for key in shown] for record in records])


def _about(datasets: Any, name: str) -> dict[str, Any]:
    record = datasets.info(name)
    same = ("name", "title", "description", "species", "area", "task", "licence", "source")
    return {field: getattr(record, field) for field in same} | {
        "size": f"{record.size / 1e6:.1f} MB",
        "where": datasets.where(name),
        "citation": record.citation,
    }
