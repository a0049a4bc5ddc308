"""``neurodyn run``: an experiment by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from neurodyn.cli import meshes
from neurodyn.cli.output import document, pairs

Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the interrupted run in the folder.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the result in the folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def run(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Experiment; 'neurodyn list experiments' shows them."),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset: 'quick' takes minutes, 'paper' is as published. "
            "[default: the first of the experiment]"
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting, e.g. n_seeds=3, tau=2,8 or brian2=true. Can be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the result, figures and report. [default: neurodyn-NAME]",
        ),
    ] = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    mesh: meshes.Devices = None,
    distributed: meshes.Distributed = False,
    coordinator: meshes.Coordinator = None,
    processes: meshes.Processes = None,
    process: meshes.Process = None,
) -> None:
    """Run an experiment and write its result, figures and report into a folder.

    'neurodyn run NAME --help' lists the settings of an experiment.
    """
    settings: dict[str, str] = {}
    for change in changes or []:
        key, value = setting(change, "--set")
        if key in settings:
            raise typer.BadParameter(f"--set gives '{key}' twice: {settings[key]} and {value}.")
        settings[key] = value
    meshes.join(distributed, coordinator, processes, process)
    carry_out(
        name,
        preset,
        settings,
        Path(f"neurodyn-{name}") if out is None else out,
        resume=resume,
        overwrite=overwrite,
        as_json=as_json,
        mesh=meshes.mesh_of(mesh, distributed),
    )


def carry_out(
    name: str,
    preset: str | None,
    settings: Mapping[str, Any],
    out: Path,
    *,
    resume: bool,
    overwrite: bool,
    as_json: bool,
    mesh: Any = None,
) -> None:
    """Run an experiment, and print its summary and its files; process 0 does, of several."""
    from neurodyn import experiments
    from neurodyn.common import hosts

    if resume and overwrite:
        raise typer.BadParameter("--resume and --overwrite exclude each other.")
    try:
        experiment = experiments.EXPERIMENTS.find(name)
        configured = experiments.configure(experiment, preset, settings)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    finished = experiments.run(
        experiment,
        preset,
        settings=configured,
        out=out,
        resume=resume,
        overwrite=overwrite,
        progress=True,
        mesh=mesh,
    )
    if not hosts.is_first():
        return
    files = {what: str(path) for what, path in finished.files.items()}
    if as_json:
        attrs = dict(finished.tree.attrs)
        about = {key: attrs[key] for key in ("experiment", "preset", "seconds")}
        document(about | {"summary": finished.summary, "files": files})
        return
    typer.echo(experiment.title)
    pairs(finished.summary)
    typer.echo()
    pairs(
        {
            "result": files["result"],
            "figures": f"{out / 'figures'} ({len(files) - 2})",
            "report": files["report"],
            "time": f"{finished.tree.attrs['seconds']:.0f} s",
        }
    )


def setting(change: str, option: str) -> tuple[str, str]:
    """Name and value of a setting, as an option gives them."""
    name, equals, value = change.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{option} takes KEY=VALUE, got '{change}'.")
    return name.strip(), value
