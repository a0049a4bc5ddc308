"""`import neurodyn` costs little more than the libraries that it stands on."""

import subprocess
import sys

FOUNDATION = "import jax, equinox, diffrax"
HEAVY = ("brian2", "matplotlib.pyplot", "neo", "pynwb", "scipy.stats", "sklearn", "typer", "zarr")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_import_adds_under_half_a_second():
    """Timed after the foundation in the same process; the best of five shuts out other load."""
    timed = (
        f"{FOUNDATION}\nimport time\nstart = time.perf_counter()\n"
        "import neurodyn\nprint(time.perf_counter() - start)"
    )
    seconds = min(float(run(timed)) for _ in range(5))
    assert seconds < 0.5, f"import neurodyn adds {seconds:.2f} s"


def test_heavy_libraries_wait_for_first_use():
    loaded = run(
        f"import sys, neurodyn\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert not loaded, f"import neurodyn loads {loaded}"


def test_listing_public_names_imports_nothing_heavy():
    """`dir(neurodyn)` shows all of `__all__` without loading what is lazy."""
    code = (
        "import sys, neurodyn\nassert set(neurodyn.__all__) <= set(dir(neurodyn))\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert not run(code)
