"""``neurodyn demo``."""

from pathlib import Path
from typing import Annotated

import typer

from neurodyn.cli.run import Json, Overwrite, Resume, carry_out


def demo(
    recording: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            help="Recording to compare with: a dataset ('neurodyn data' lists them) or a file with "
            "trials labelled by coherence and choice. [default: the bundled example]",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the result, figures and report.")
    ] = Path("neurodyn-demo"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
    as_json: Json = False,
) -> None:
    """Train networks on a task and compare them with recorded neurons; takes minutes.

    The task is that of the recording: a perceptual decision for the bundled example and for files,
    a context-dependent decision for 'mante2013'.
    """
    known = {None: ("perceptual_decision", {}), "mante2013": ("context_decision", {})}
    name, settings = known.get(recording, ("perceptual_decision", {"recording": recording}))
    carry_out(
        name,
        "quick",
        settings | {"seed": seed},
        out,
        resume=resume,
        overwrite=overwrite,
        as_json=as_json,
    )
