"""Test configuration: compiled programs on disk, strict promotion, fixed seeds."""

import contextlib
import gc
import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")
#: Compiled programs, shared by all processes and kept for the next run.
PROGRAMS = Path(sys.prefix, "cache", "programs")
#: The folder is emptied beyond this size in bytes; one run of all tests fills a part of it.
PROGRAMS_MAX = 2**30
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # a folder that the user chose is kept
    os.environ.setdefault("NEURODYN_CACHE", str(PROGRAMS))

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
# The place of each operation in Python is of no use here, and costs time in each trace.
jax.config.update("jax_include_full_tracebacks_in_locations", False)


#: Where tests are about what happens, and compile more than they run: few optimisations save a
#: fifth to a half of that. Elsewhere programs are compiled as users have them, since it is about
#: bits that must not depend on the program, about kernels, published numbers, speed or memory.
QUICK = (
    "conformance",
    "analysis/comparison/test_compare.py",
    "analysis/networks/test_lesion.py",
    "analysis/timescales/test_network_timescales.py",
    "models/plrnn/test_maps.py",
    "models/pvrnn/test_elbo.py",
    "models/pvrnn/test_modes.py",
    "models/pvrnn/test_regression.py",
    "models/pvrnn/test_vrnn.py",
    "models/rate/test_ctrnn.py",
    "neurodyn/experiments/test_error_regression.py",
    "neurodyn/experiments/test_gtf.py",
    "neurodyn/experiments/test_hierarchy.py",
    "neurodyn/experiments/test_meta_prior.py",
    "neurodyn/experiments/test_runs.py",
    "neurodyn/experiments/test_timescales_training.py",
    "neurodyn/plot/test_figures.py",
    "neurodyn/engine/test_integrate.py",
    "neurodyn/engine/test_solve.py",
    "neurodyn/training/test_fit.py",
    "neurodyn/training/test_forcing.py",
    "neurodyn/training/test_heads.py",
    "tasks/memory/test_bits.py",
    "tasks/choice/test_choice_tasks.py",
)

#: Tests that compile the same program with other kernels, chosen by the environment.
KERNELS = ("kernels", "models/spiking", "neurodyn/simulation")
#: A process drops its programs beyond this share of the machine's memory, divided by the number of
#: processes; those of all files would fill several gigabytes.
SHARE = 0.35

#: Marked `processor`: what kernels, runs, training and spikes compute, where another processor
#: rounds differently; .ci/run tests it as on an older one.
PROCESSOR = (
    "analysis/reconstructions/test_reconstruction.py",
    "kernels",
    "models/rate/test_ctrnn.py",
    "models/rate/test_leaky.py",
    "models/spiking/test_backends.py",
    "models/spiking/test_network.py",
    "neurodyn/engine/test_integrate.py",
    "neurodyn/simulation/test_simulation.py",
    "neurodyn/training/test_fit.py",
    "proof/test_timescales.py",
    "tasks/choice/test_center_out.py",
)


def below(path: Path, places: tuple[str, ...]) -> bool:
    """Whether a test file is one of some files, or in one of some folders."""
    return any(path.is_relative_to(HERE / place) for place in places)


HERE = Path(__file__).parent
MOVED = [place for place in (*QUICK, *KERNELS, *PROCESSOR) if not (HERE / place).exists()]
assert not MOVED, f"tests/conftest.py lists files that are not there: {MOVED}"


def pytest_sessionstart(session):
    """Empty the folder of programs once it is too large, before any worker starts."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        size = 0
        for file in PROGRAMS.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # another session may remove it
                size += file.stat().st_size
        if size > PROGRAMS_MAX:
            shutil.rmtree(PROGRAMS, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # markers, before they are asked for
def pytest_collection_modifyitems(items):
    """Mark tests by their file, and bring files together that are compiled alike."""
    for item in items:
        if below(item.path, PROCESSOR):
            item.add_marker("processor")
    items.sort(key=lambda item: below(item.path, QUICK))


def pytest_collection_finish(session):
    """Collect garbage rarely: a collection looks at all objects, and there are a million."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


@pytest.fixture(autouse=True, scope="module")
def _compilation(request):
    """Compile as the file needs it, and drop programs that no later file may use."""
    quick = below(request.path, QUICK)
    if quick != jax.config.read("jax_disable_most_optimizations"):
        jax.config.update("jax_disable_most_optimizations", quick)
        jax.clear_caches()
    yield
    if below(request.path, KERNELS) or is_large():
        jax.clear_caches()
        gc.collect()


def is_large() -> bool:
    """Whether the process takes more than its share of memory, or the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return True
    n_processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return pages > SHARE * os.sysconf("SC_PHYS_PAGES") / n_processes


@pytest.fixture
def key():
    """A fixed JAX key."""
    return jax.random.key(0)


@pytest.fixture
def x64():
    """Run the test in float64."""
    with jax.enable_x64(True):
        yield
