"""Devices of a command: a mesh, and processes on several hosts that work together."""

from typing import Annotated, Any

import typer

Devices = Annotated[
    str | None,
    typer.Option(
        "--mesh",
        metavar="AXIS=N,...",
        help="Devices that share out trainings, e.g. trial=8 or seed=2,trial=4. "
        "[default: one; with --distributed all of them along trial]",
    ),
]
Distributed = Annotated[
    bool,
    typer.Option(
        "--distributed",
        help="Work together with the same command on other hosts. SLURM, Open MPI and Kubernetes "
        "say who they are; elsewhere the next three options do.",
    ),
]
Coordinator = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Address of process 0, with a port that is free there."),
]
Processes = Annotated[int | None, typer.Option(metavar="N", help="Number of processes.")]
Process = Annotated[int | None, typer.Option(metavar="I", help="Number of this one, from 0.")]


def join(
    distributed: bool, coordinator: str | None, processes: int | None, process: int | None
) -> None:
    """Join the processes that work together, before JAX computes anything."""
    given = {"--coordinator": coordinator, "--processes": processes, "--process": process}
    named = [name for name, value in given.items() if value is not None]
    if named and not distributed:
        raise typer.BadParameter(f"{named[0]} goes with --distributed.")
    if 0 < len(named) < len(given):
        left = " and ".join(name for name in given if name not in named)
        raise typer.BadParameter(f"--distributed with {named[0]} also needs {left}.")
    if processes is not None and process is not None and not 0 <= process < processes:
        raise typer.BadParameter(
            f"--process {process}: the {processes} processes count from 0 to {processes - 1}."
        )
    if not distributed:
        return
    import jax

    try:
        jax.distributed.initialize(coordinator, processes, process)
    except ValueError as error:
        raise typer.BadParameter(
            f"--distributed finds no other processes by itself here ({error}) Name them by "
            "--coordinator, --processes and --process."
        ) from None


def mesh_of(text: str | None, distributed: bool) -> Any:
    """The mesh of ``--mesh``, or None."""
    if text is None and not distributed:
        return None
    import jax

    from neurodyn.engine.devices import AXES

    axes = {"trial": jax.device_count()} if text is None else _axes(text, tuple(AXES))
    n = 1
    for size in axes.values():
        n *= size
    if n > jax.device_count():
        raise typer.BadParameter(
            f"--mesh {text} takes {n} devices, but JAX has {jax.device_count()} here."
        )
    return jax.make_mesh(tuple(axes.values()), tuple(axes), devices=jax.devices()[:n])


def _axes(text: str, known: tuple[str, ...]) -> dict[str, int]:
    axes: dict[str, int] = {}
    for part in text.split(","):
        name, _, size = (word.strip() for word in part.partition("="))
        if name not in known or name in axes or not size.isdecimal() or int(size) < 1:
            raise typer.BadParameter(
                f"--mesh takes AXIS=N with each of {', '.join(known)} at most once, e.g. trial=8 "
                f"or seed=2,trial=4; got '{text}'."
            )
        axes[name] = int(size)
    return axes
