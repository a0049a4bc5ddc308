"""Test configuration: compiled programs on disk, strict promotion, fixed seeds."""

import contextlib
import functools
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
from jax._src import compiler  # noqa: E402
from jax._src.interpreters import mlir  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
# The place of each operation in Python is of no use here, and costs time in each trace.
jax.config.update("jax_include_full_tracebacks_in_locations", False)
# JAX makes a context of MLIR for each program and loads all dialects into it, which takes longer
# than lowering most programs of the suite does. One context serves all programs but those that are
# needed while another one is lowered: in its context their parts would come into that program.
_new, _shared = mlir.make_ir_context, functools.cache(mlir.make_ir_context)
mlir.make_ir_context = lambda: _shared() if mlir.ir.Context.current is None else _new()


#: Tests that compile the same program with other kernels, chosen by the environment.
KERNELS = (
    "kernels",
    "models/spiking/test_backends.py",
    "models/spiking/test_brian.py",
    "neurodyn/simulation/test_simulation.py",
)
#: A process drops its programs beyond this number of mappings of memory. Each program has about
#: eight, and Linux allows 65,530 in a process: beyond them, XLA crashes while it compiles. The
#: largest file of tests compiles some 600 programs.
MAPPINGS = 45_000
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
#: Programs of these tests are compiled as users have them, because they are about published
#: numbers or about bits that must not depend on the program. With `--as-users`, those of all are.
AS_USERS = (
    "benchmarks",
    "neurodyn/cli/test_cli.py",
    "neurodyn/training/test_checkpoint.py",
    "proof",
    "reference",
)
#: Elsewhere tests are about what happens, and compile more than they run. With few optimisations
#: and these options of XLA a program is compiled much faster: compare `--as-users`.
QUICKLY = {"xla_cpu_use_fusion_emitters": False, "xla_cpu_parallel_codegen_split_count": 1}


def below(path: Path, places: tuple[str, ...]) -> bool:
    """Whether a test file is one of some files, or in one of some folders."""
    return any(path.is_relative_to(HERE / place) for place in places)


HERE = Path(__file__).parent
MOVED = [place for place in (*AS_USERS, *KERNELS, *PROCESSOR) if not (HERE / place).exists()]
assert not MOVED, f"tests/conftest.py lists files that are not there: {MOVED}"


def pytest_addoption(parser):
    """The option of `.ci/run`."""
    parser.addoption(
        "--as-users",
        action="store_true",
        help="compile every program as users have it, which takes longer",
    )


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
    items.sort(key=lambda item: below(item.path, AS_USERS))


def pytest_collection_finish(session):
    """Compile quickly where that is asked for, if this version of XLA has the options.

    Collect garbage rarely: a collection looks at all objects, and there are a million.
    """
    with contextlib.suppress(jax.errors.JaxRuntimeError):
        jax.jit(lambda: 0).lower().compile(compiler_options=QUICKLY)
        compiler.get_compile_options = quickly(compiler.get_compile_options)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def quickly(options_of):
    """Options of a program as JAX has them, and ours where it leaves optimisations out."""

    @functools.wraps(options_of)
    def options(*args, **kwargs):
        made = options_of(*args, **kwargs)
        if jax.config.read("jax_disable_most_optimizations"):
            made.env_option_overrides = [*made.env_option_overrides, *QUICKLY.items()]
        return made

    return options


@pytest.fixture(autouse=True, scope="module")
def _compilation(request):
    """Compile as the file needs it, and drop programs that no later file may use."""
    quick = not (request.config.getoption("as_users") or below(request.path, AS_USERS))
    if quick != jax.config.read("jax_disable_most_optimizations"):
        jax.config.update("jax_disable_most_optimizations", quick)
        jax.clear_caches()
    yield
    if below(request.path, KERNELS) or n_mappings() > MAPPINGS:
        jax.clear_caches()
        gc.collect()


def n_mappings() -> float:
    """Mappings of memory of this process; infinitely many where the system does not say."""
    try:
        return Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        return float("inf")


@pytest.fixture
def key():
    """A fixed JAX key."""
    return jax.random.key(0)


@pytest.fixture
def x64():
    """Run the test in float64."""
    with jax.enable_x64(True):
        yield
