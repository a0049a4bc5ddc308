"""``neurodyn list``."""

from typing import Annotated

import typer

from neurodyn.cli.output import document, table
from neurodyn.cli.run import Json


def listing(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="Kind: models (with spiking ones), spiking, synapses, rules (of plasticity), "
            "systems (known dynamics), tasks, measures, functions (of analysis), datasets or "
            "experiments. [default: all]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """List models, tasks, measures, datasets, experiments and other objects by name."""
    from neurodyn.common import registry

    kinds = list(registry.KINDS)
    if kind is not None:
        wanted = kind.removesuffix("s")
        if wanted not in kinds:
            known = ", ".join(name if name == "spiking" else f"{name}s" for name in kinds)
            raise typer.BadParameter(f"There is no kind '{kind}'; there are {known}.")
        kinds = ["model", "spiking"] if wanted == "model" else [wanted]
    found = [entry for name in kinds for entry in registry.entries(name)]
    if as_json:
        document(
            [
                {"kind": e.kind, "name": e.name, "title": e.title, "reference": e.reference}
                for e in found
            ]
        )
        return
    table(["kind", "name", ""], [[e.kind, e.name, e.title] for e in found])
