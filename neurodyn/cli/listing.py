"""``neurodyn list``."""

from typing import Annotated

import typer

from neurodyn.cli.output import document, table
from neurodyn.cli.run import Json

__all__ = ["listing"]


def listing(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="[models|systems|tasks|measures|datasets|experiments]",
            help="What. [default: all]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the models, reference systems, tasks, measures, datasets and experiments there are."""
    from neurodyn import registry

    wanted = None
    if kind is not None:
        wanted = kind.removesuffix("s")
        if wanted not in registry.KINDS:
            known = ", ".join(f"{name}s" for name in registry.KINDS)
            raise typer.BadParameter(f"There is no kind '{kind}'; there are {known}.")
    found = registry.entries(wanted)
    if as_json:
        document(
            [
                {"kind": e.kind, "name": e.name, "title": e.title, "reference": e.reference}
                for e in found
            ]
        )
        return
    table(["kind", "name", ""], [[e.kind, e.name, e.title] for e in found])
