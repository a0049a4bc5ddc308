"""Compiled kernels are on where they can be used; where they are off, users learn why."""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn
from neurodyn import kernels
from neurodyn.kernels import backends
from neurodyn.kernels.events import arguments as events
from neurodyn.kernels.rate.ctrnn import missing
from tests.kernels import oracle
from tests.kernels.compiler import needs_compiler


@pytest.fixture
def fresh(monkeypatch):
    """Build and try kernels again, under names that XLA does not know yet."""
    from neurodyn.kernels.compiled import ffi

    register = ffi.register
    monkeypatch.setattr(ffi, "register", lambda target, build: register(f"{target}_again", build))
    monkeypatch.setattr(ffi, "_tried", {})
    monkeypatch.setattr(backends, "_warned", [])
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)
    return ffi


@needs_compiler
def test_all_are_on_where_the_compiler_is_installed():
    """Else a version of JAX would switch them off, and tests that need them would be skipped."""
    from neurodyn.kernels.compiled.llvm import processor

    for kernel, on, reason in kernels.status():
        if kernel.startswith("ctrnn") and processor.registers() is None:
            assert "AVX2" in reason
        else:
            assert on, reason
            assert not reason


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_kernel_passes_its_trial(dtype, monkeypatch):
    from neurodyn.kernels.compiled import ffi

    monkeypatch.setattr(ffi, "_tried", {})
    with jax.enable_x64(dtype == "float64"):
        for name in events.FUNCTIONS:
            assert events.missing(name, dtype) is None
        for form, activation in (("rate", "tanh"), ("current", "softplus"), ("update", "relu")):
            for which in ("forward", "backward"):
                reason = missing(which, form, activation, dtype)
                assert reason is None or "processor" in reason, (which, form, activation)


def in_a_scan(function):
    return lambda x: jax.lax.scan(lambda c, y: (c, function(y)), 0, x[None])[1].sum()


@needs_compiler
@pytest.mark.parametrize("within", [jax.jit, jax.vmap, in_a_scan, jax.grad])
def test_a_trial_passes_while_a_program_is_traced(within, monkeypatch):
    """The first call of a kernel may stand inside any transformation."""
    from neurodyn.kernels.compiled import ffi

    monkeypatch.setattr(ffi, "_tried", {})
    rows = []

    def first(x):
        rows.extend(kernels.status())
        return x * 2.0

    within(first)(jnp.ones(()) if within is jax.grad else jnp.ones(3))
    assert len(ffi._tried) >= len(events.FUNCTIONS) + 1
    assert all(reason is None for reason in ffi._tried.values())
    assert all(row.on or "AVX2" in row.reason for row in rows)


@needs_compiler
@pytest.mark.parametrize("fault", ["numbers", "error"])
def test_a_kernel_that_fails_its_trial_is_off_and_a_warning_says_so(monkeypatch, fault):
    from neurodyn.kernels.compiled import ffi

    def compiled(x):
        if fault == "error":
            raise RuntimeError("no such struct")
        return x * 1.01

    def lacking():
        return ffi.trial("some kernel", compiled, np.copy, (np.ones(3, np.float32),))

    monkeypatch.setattr(ffi, "_tried", {})
    monkeypatch.setattr(backends, "_warned", [])
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)
    message = "no such struct" if fault == "error" else "differs from plain code"
    with pytest.warns(RuntimeWarning, match=f"Compiled kernels are off.*'some kernel'.*{message}"):
        assert backends.choose("auto", lacking) == "xla"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the warning comes once
        assert backends.choose("auto", lacking) == "xla"
        assert backends.choose("auto", lacking, fits=False) == "xla"
    with pytest.raises(ModuleNotFoundError, match="'some kernel'"):
        backends.choose("compiled", lacking)


def test_without_llvmlite_there_is_no_warning(no_llvmlite):
    assert backends.choose("auto", backends.obstacle) == "xla"
    assert not any(row.on for row in kernels.status())
    assert all("pip install 'neurodyn[fast]'" in row.reason for row in kernels.status())


# Saves the results of each kind of kernel, in a process whose package has no compiled functions.
IN_A_COPY = """
import sys
import jax
import numpy as np
from neurodyn import kernels

rows = kernels.status()
assert rows and not any(row.on for row in rows), rows
assert all("neurodyn/kernels/compiled, which was deleted" in row.reason for row in rows), rows
given = dict(np.load("given.npz"))
spikes, M, h_bar = (given.pop(name) for name in ("spikes", "M", "h_bar"))
pre, post = (a.astype(np.int32) for a in np.nonzero(M))
synapses = np.searchsorted(pre, np.arange(len(M) + 1)).astype(np.int32), post, M[pre, post]

@jax.jit
def results(given, key):
    states, pull = jax.vjp(lambda a: kernels.ctrnn_scan(**a), given)
    gradients = {f"{name}_bar": bar for name, bar in pull(h_bar)[0].items()}
    return gradients | {
        "states": states,
        "dense": kernels.spike_product(spikes, M),
        "sparse": kernels.sparse_spike_product(spikes, *synapses, M.shape[1]),
        "added": kernels.add_spikes([M[0]], spikes, [kernels.Rows(0, 0, 0, *synapses)])[0],
        "normal": kernels.standard_normal(key, (100,)),
    }

np.savez("results.npz", **results(given, jax.random.key(3)))
try:
    kernels.spike_product(spikes, M, backend="compiled")
except ModuleNotFoundError as error:
    assert "neurodyn/kernels/compiled" in str(error)
else:
    raise AssertionError("a backend that is not there was used")
assert "llvmlite" not in sys.modules
assert kernels.__file__.startswith(sys.argv[1]), kernels.__file__
"""


def test_the_folder_of_compiled_kernels_can_be_deleted(tmp_path):
    package = Path(neurodyn.__file__).parent
    skip = shutil.ignore_patterns("__pycache__", "compiled", "data", "*.md")
    copy = Path(shutil.copytree(package, tmp_path / "neurodyn", ignore=skip))
    importers = [path for path in copy.rglob("*.py") if "kernels.compiled" in path.read_text()]
    assert importers == [copy / "kernels" / "backends.py"]
    rng = np.random.default_rng(0)
    sizes = {"W": (20, 20), "U": (2, 20), "b": (20,), "x": (3, 5, 2), "h0": (5, 20)}
    given = {name: 0.3 * rng.standard_normal(size) for name, size in sizes.items()}
    given["alpha"], h_bar = np.linspace(0.2, 1, 20), rng.standard_normal((3, 5, 20))
    M, spikes = rng.standard_normal((6, 4)), np.array([1.0, 0, 0, 1, 1, 0])
    single = {k: a.astype("f4") for k, a in {**given, "h_bar": h_bar}.items()}
    single |= {"M": M.astype("f4"), "spikes": spikes.astype("f4")}
    np.savez(tmp_path / "given.npz", **single)
    environment = {k: v for k, v in os.environ.items() if k != "NEURODYN_KERNELS"}
    environment |= {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", IN_A_COPY, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = dict(np.load(tmp_path / "results.npz"))
    expected = {"states": oracle.forward("rate", "tanh", **given)}
    bars = oracle.backward("rate", "tanh", **given, h_bar=h_bar)
    expected |= {f"{name}_bar": bars[name] for name in given}
    expected |= {"dense": spikes @ M, "sparse": spikes @ M, "added": M[0] + spikes @ M}
    expected["normal"] = kernels.standard_normal(jax.random.key(3), (100,), backend="xla")
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_user_who_wants_plain_jax_is_told_that_it_runs(monkeypatch):
    monkeypatch.setenv("NEURODYN_KERNELS", "xla")
    assert {row.reason for row in kernels.status()} == {"NEURODYN_KERNELS is 'xla'."}
    assert not any(row.on for row in kernels.status())


@needs_compiler
@pytest.mark.parametrize("struct", ["_FRAME", "_LIST", "_ARRAY"])
def test_an_unknown_layout_is_found(monkeypatch, fresh, struct):
    from neurodyn.kernels.compiled.llvm import xla_call

    register = fresh.register
    monkeypatch.setattr(fresh, "register", lambda name, build: register(name + struct, build))
    monkeypatch.setattr(xla_call, struct, 10**6)
    with pytest.warns(RuntimeWarning, match="differs from plain code"):
        numbers = kernels.standard_normal(jax.random.key(0), (100,))
    expected = kernels.standard_normal(jax.random.key(0), (100,), backend="xla")
    np.testing.assert_array_equal(numbers, expected)


@needs_compiler
def test_another_major_version_is_refused_by_xla_with_a_warning(monkeypatch, fresh):
    from neurodyn.kernels.compiled.llvm import xla_call

    monkeypatch.setattr(xla_call, "_MAJOR", 7)
    W, spikes = jnp.ones((3, 2)), jnp.array([1.0, 0.0, 1.0])
    with pytest.warns(RuntimeWarning, match=r"API version \(7\.1\) is incompatible"):
        np.testing.assert_array_equal(kernels.spike_product(spikes, W), [2, 2])


@needs_compiler
@pytest.mark.parametrize(
    ("level", "absent"),
    [("SSE4_2", ("avx", "fma")), ("AVX", ("avx2", "fma", "avx512f")), ("AVX2", ("avx512f",))],
)
def test_kernels_use_no_instructions_above_those_of_xla(monkeypatch, level, absent):
    from neurodyn.kernels.compiled.llvm import processor

    monkeypatch.delenv("XLA_FLAGS", raising=False)
    free = processor.features()
    monkeypatch.setenv("XLA_FLAGS", f"--xla_force_host --xla_cpu_max_isa={level}")
    limited = processor.features()
    assert not any(limited.get(name) for name in absent)
    assert limited.get("sse4.2") == free.get("sse4.2")
    assert level != "AVX2" or limited.get("avx2") == free.get("avx2")


@needs_compiler
def test_numbers_of_a_program_refuse_the_division_of_another_type():
    from neurodyn.kernels.compiled.llvm.code import Code
    from neurodyn.kernels.compiled.llvm.program import Program

    code = Code(Program("float32", 16), "f", 1)
    with pytest.raises(TypeError, match=r"/ does not divide integers \(i64\): use //"):
        code.arguments[0] / 2
    with pytest.raises(TypeError, match=r"/ does not divide integers"):
        2 / code.arguments[0]
    for refused in (lambda: code.one() // 2.0, lambda: code.one() % 2.0):
        with pytest.raises(TypeError, match=r"does not divide floats \(float\): use /"):
            refused()
