"""``neurodyn info`` without a file: versions, devices, kernels."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["machine", "rows"]

PACKAGES = (
    "neurodyn", "jax", "jaxlib", "numpy", "scipy", "xarray", "equinox", "diffrax", "optax",
    "brian2", "neo", "pynwb", "matplotlib", "llvmlite", "zarr", "nixio",
)  # fmt: skip


def machine() -> dict[str, Any]:
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


def rows(about: dict[str, Any]) -> dict[str, str]:
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
