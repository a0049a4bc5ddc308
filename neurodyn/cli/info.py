"""``neurodyn info``."""

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

from neurodyn.cli.output import document, pairs, table
from neurodyn.cli.run import Json

PACKAGES = (
    "neurodyn", "jax", "jaxlib", "numpy", "scipy", "xarray", "equinox", "diffrax", "optax",
    "brian2", "neo", "pynwb", "matplotlib", "llvmlite", "zarr", "nixio",
)  # fmt: skip


def info(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A model, result or recording. [default: none; versions, devices and kernels]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show versions, devices and kernels, or the contents of a file.

    Files are saved models, labelled data, NWB, formats that neo reads, and folders of experiments.
    """
    if file is None:
        _machine(as_json)
        return
    from neurodyn import io

    if not file.exists():
        io.read(file)  # raises an error that lists similar names
    if (file / "result.nc").is_file():  # the folder of an experiment
        file = file / "result.nc"
    if _is_archive(file):
        _module(file, as_json)
    else:
        _labelled(file, io.read(file), as_json)


def _machine(as_json: bool) -> None:
    about = _facts()
    if as_json:
        document(about)
        return
    pairs(_rows(about))
    typer.echo()
    shown = [
        [one["kernel"], "compiled" if one["compiled"] else "plain JAX", one["reason"]]
        for one in about["kernels"]
    ]
    table(["kernel", "", ""], shown)


def _facts() -> dict[str, Any]:
    """Versions, devices and settings of JAX, folders, and whether kernels are compiled."""
    import jax

    from neurodyn import kernels

    devices = [f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()]
    return {
        "versions": {"python": platform.python_version()} | {n: _version(n) for n in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "devices": devices,
        "x64": bool(jax.numpy.zeros(()).dtype == "float64"),
        "threads": _threads(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "compilation_cache": _cache(),
        "data": os.environ.get("NEURODYN_DATA", ""),
        "kernels": [
            {"kernel": name, "compiled": on, "reason": reason}
            for name, on, reason in kernels.status()
        ],
    }


def _rows(about: dict[str, Any]) -> dict[str, str]:
    """The same as text, without the kernels."""
    unset = "not set"
    return {
        **{name: number or "not installed" for name, number in about["versions"].items()},
        "machine": about["machine"],
        "devices": ", ".join(about["devices"]),
        "double precision": "on" if about["x64"] else "off (jax_enable_x64)",
        "threads": about["threads"],
        "XLA_FLAGS": about["xla_flags"] or unset,
        "compilation cache": about["compilation_cache"] or "in memory only",
        "NEURODYN_DATA": about["data"] or unset,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _threads() -> str:
    """Number of threads that XLA uses, according to the environment."""
    from neurodyn.training.members import usable_cores

    asked = os.environ.get("NPROC")
    return f"{asked} (NPROC)" if asked else f"{usable_cores()}, one a core"


def _cache() -> str:
    import jax

    config: Any = jax.config  # type checkers do not know its flags
    folder = config.jax_compilation_cache_dir
    if not folder:
        return ""
    least = config.jax_persistent_cache_min_compile_time_secs
    return f"{folder} (programs that take {least:g} s or longer to compile)"


def _is_archive(file: Path) -> bool:
    if file.is_dir():
        return False
    with open(file, "rb") as opened:
        return opened.read(2) == b"PK"


def _module(file: Path, as_json: bool) -> None:
    """A saved model, task or ensemble; or the checkpoint of a training run."""
    import math

    from neurodyn.io import FileFormatError, files
    from neurodyn.io.archive import read_archive

    with suppress(FileFormatError):  # then it is something else, or damaged
        header, _ = read_archive(file, kind="checkpoint")
        about = {key: header[key] for key in ("step", "versions")}
        about = {"file": str(file), "format": "neurodyn checkpoint"} | about
        document(about) if as_json else pairs({key: str(value) for key, value in about.items()})
        return
    about = files.info(file)
    task = about["task"]
    about["task"] = None if task is None else type(task).__name__
    about["numbers"] = sum(math.prod(shape) for _, shape in about["arrays"].values())
    if as_json:
        document({"file": str(file), "format": "neurodyn object"} | about)
        return
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    pairs(
        {
            "file": str(file),
            "class": str(about["class"]),
            "trained on": str(about["task"] or "not said"),
            "key": str("not said" if about["key"] is None else about["key"]),
            "notes": str(about["notes"] or "none"),
            "written by": versions,
            "numbers": f"{about['numbers']} in {len(about['arrays'])} arrays",
        }
    )
    typer.echo()
    table(
        ["array", "type", "shape"],
        [[name, dtype, str(tuple(shape))] for name, (dtype, shape) in about["arrays"].items()],
    )


def _labelled(file: Path, data: Any, as_json: bool) -> None:
    import xarray as xr

    kind = type(data).__name__
    if isinstance(data, xr.DataArray):
        data = data.to_dataset(name=data.name or "values")
    tree = data if isinstance(data, xr.DataTree) else xr.DataTree(data)
    parts = {node.path: node.to_dataset() for node in tree.subtree}
    if as_json:
        described = {path: _described(ds) for path, ds in parts.items() if ds.variables or ds.attrs}
        document({"file": str(file), "format": "labelled data", "type": kind, "parts": described})
        return
    for path, ds in parts.items():
        if not (ds.variables or ds.attrs):
            continue
        sizes = ", ".join(f"{dim} {size}" for dim, size in ds.sizes.items())
        typer.echo(f"{path}  {sizes}")
        rows = [
            [f"  {name}", ", ".join(map(str, v.dims)), _said(v, "units"), _said(v, "long_name")]
            for name, v in {**ds.data_vars, **ds.coords}.items()
        ]
        if rows:
            table(["", "dims", "units", ""], rows)
        for name, value in ds.attrs.items():
            typer.echo(f"  {name}: {_short(value)}")
        typer.echo()


def _said(variable: Any, attr: str) -> str:
    return str(variable.attrs.get(attr, ""))


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 90 else text[:87] + "..."


def _described(ds: Any) -> dict[str, Any]:
    def variables(found: Any) -> dict[str, Any]:
        return {
            str(name): {"dims": v.dims, "dtype": str(v.dtype), "attrs": v.attrs}
            for name, v in found.items()
        }

    return {
        "sizes": dict(ds.sizes),
        "variables": variables(ds.data_vars),
        "coords": variables(ds.coords),
        "attrs": ds.attrs,
    }
