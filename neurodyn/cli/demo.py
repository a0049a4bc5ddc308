"""``neurodyn demo``."""

from pathlib import Path
from typing import Annotated

import typer

from neurodyn.cli.run import Json, Overwrite, Resume, carry_out

__all__ = ["demo"]


def demo(
    recording: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            help="What to compare with: a dataset ('neurodyn data' lists them) or a file with "
            "trials labelled by coherence and choice. [default: the bundled example]",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the result, figures and report.")
    ] = Path("neurodyn-demo"),
    resume: Resume = False,
    overwrite: Overwrite = False,
    seed: Annotated[int, typer.Option(help="Seed of everything.")] = 0,
    as_json: Json = False,
) -> None:
    """Train networks on a task and compare them with neurons recorded in it; takes minutes.

    The task is the one that the recording was made with: a perceptual decision for the bundled
    example and for files, a context-dependent decision for 'mante2013'.
    """
    name, settings = _choose(recording)
    carry_out(
        name,
        "quick",
        settings | {"seed": seed},
        out,
        resume=resume,
        overwrite=overwrite,
        as_json=as_json,
    )


def _choose(recording: str | None) -> tuple[str, dict]:
    """The experiment that goes with a recording."""
    from neurodyn.experiments import EXPERIMENTS

    if recording is None:
        return "perceptual_decision", {}
    for name, experiment in EXPERIMENTS.items():
        if getattr(experiment.presets["quick"], "recording", None) == recording:
            return name, {}
    return "perceptual_decision", {"recording": recording}
