"""The program: commands, exit codes and error messages."""

import errno
import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neurodyn.cli import compare, data, demo, info, listing, run, sweep
from neurodyn.cli.settings import WithSettings

#: Errors whose message is shown as it is.
_TOLD = (OSError, ValueError, RuntimeError, ImportError)
INTERRUPTED = 130


class _Commands(TyperGroup):
    """Commands whose errors become one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            again = " Continue with the same command and --resume."
            say(
                "Interrupted."
                + (again if ctx.invoked_subcommand in ("demo", "run", "sweep") else "")
            )
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            own = type(error).__module__.split(".")[0] in ("typer", "click")
            closed = isinstance(error, OSError) and error.errno == errno.EPIPE
            if own or closed or ctx.params["debug"]:
                raise
            say(f"Error: {_told(error)}")
            raise typer.Exit(1) from None


def say(message: str) -> None:
    """Write to standard error."""
    typer.echo(message, err=True)


def _told(error: Exception) -> str:
    if isinstance(error, _TOLD) and str(error):
        return str(error)
    return (
        f"{type(error).__name__}: {error}\nThis may be a fault of neurodyn: "
        "'neurodyn --debug COMMAND ...' shows its traceback."
    )


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Messages and progress go "
    "to standard error, results to standard output.",
)


def _version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"neurodyn {version('neurodyn')}")
        raise typer.Exit
    return wanted


def _load(names: list[str]) -> None:
    """Import Python files and modules, which register experiments when they are imported."""
    for name in names:
        path = Path(name)
        if path.suffix != ".py":
            importlib.import_module(name)
            continue
        if not path.is_file():
            raise FileNotFoundError(f"--load: there is no file '{name}'.")
        sys.path.insert(0, str(path.parent.resolve()))
        module = importlib.import_module(path.stem)
        if module.__file__ is None or not path.samefile(module.__file__):
            raise ImportError(f"--load: rename '{name}', because {path.stem!r} is another module.")


@app.callback()
def program(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    load: Annotated[
        list[Path] | None,  # paths of a variable are separated as those of PATH are
        typer.Option(
            "--load",
            metavar="FILE|MODULE",
            envvar="NEURODYN_LOAD",
            help="Import this Python file or module first, e.g. one that registers an experiment "
            "with neurodyn.register. Can be repeated.",
        ),
    ] = None,
) -> None:
    """Train neural dynamical systems on cognitive tasks and compare them with recordings."""
    del debug, version
    _load([str(name) for name in load or []])


app.command("demo", short_help="Train on a task, compare with a recording.")(demo.demo)
app.command("run", cls=WithSettings, short_help="Run an experiment by name.")(run.run)
app.command("sweep", cls=WithSettings, short_help="Run an experiment at every point of a grid.")(
    sweep.sweep
)
app.command("list", short_help="List models, tasks, measures...")(listing.listing)
app.command("compare", short_help="Compare a run with a recording.")(compare.compare)
app.command("info", short_help="Show versions and devices, or a file.")(info.info)
app.command("data", short_help="Show datasets, or download one.")(data.data)


def main() -> None:
    """Run the program with the arguments of the process, and exit."""
    app(prog_name="neurodyn", args=sys.argv[1:])
