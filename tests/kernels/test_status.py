"""Compiled kernels are on where they can be, and where they are off somebody says so."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neurodyn import kernels
from neurodyn.kernels.compiled import events as events_compiled
from neurodyn.kernels.compiled import ffi
from neurodyn.kernels.rate.ctrnn import missing

needs_compiler = pytest.mark.skipif(ffi.obstacle() is not None, reason=str(ffi.obstacle()))


def fresh(monkeypatch):
    """Functions are built and tried again, under names of their own."""
    register = ffi.register
    monkeypatch.setattr(ffi, "register", lambda target, build: register(f"{target}_again", build))
    monkeypatch.setattr(ffi, "_tried", {})
    monkeypatch.setattr(ffi, "_warned", [])
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)


@needs_compiler
def test_all_are_on_where_the_compiler_is_installed():
    """Else a version of JAX would switch them off, and tests that need them would be skipped."""
    from neurodyn.kernels.compiled.llvm.functions import machine

    for kernel, on, reason in kernels.status():
        if kernel.startswith("ctrnn") and machine() is None:
            assert "AVX2" in reason
        else:
            assert on, reason
            assert not reason


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_kernel_passes_its_trial(dtype, monkeypatch):
    monkeypatch.setattr(ffi, "_tried", {})
    with jax.enable_x64(dtype == "float64"):
        for name in events_compiled.NAMES:
            assert events_compiled.obstacle(name, dtype) is None
        for form, activation in (("rate", "tanh"), ("current", "softplus"), ("update", "relu")):
            for which in ("forward", "backward"):
                reason = missing(which, form, activation, dtype)
                assert reason is None or "processor" in reason, (which, form, activation)


@pytest.mark.parametrize("fault", ["numbers", "error"])
def test_a_kernel_that_fails_its_trial_is_off_and_said_to_be(monkeypatch, fault):
    def compiled(x):
        if fault == "error":
            raise RuntimeError("no such struct")
        return x * 1.01

    def lacking():
        return ffi.trial("some kernel", compiled, np.copy, (np.ones(3, np.float32),))

    monkeypatch.setattr(ffi, "_tried", {})
    monkeypatch.setattr(ffi, "_warned", [])
    monkeypatch.setattr(ffi, "installed", lambda: True)
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)
    said = "no such struct" if fault == "error" else "differs from plain code"
    with pytest.warns(RuntimeWarning, match=f"Compiled kernels are off.*'some kernel'.*{said}"):
        assert ffi.choose("auto", lacking) == "xla"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        assert ffi.choose("auto", lacking) == "xla"
        assert ffi.choose("auto", lacking, fits=False) == "xla"
    with pytest.raises(ModuleNotFoundError, match="'some kernel'"):
        ffi.choose("compiled", lacking)


def test_without_the_optional_compiler_nothing_is_said(monkeypatch):
    monkeypatch.setattr(ffi, "_warned", [])
    monkeypatch.setattr(ffi, "installed", lambda: False)
    monkeypatch.delenv("NEURODYN_KERNELS", raising=False)
    ffi.obstacle.cache_clear()
    try:
        assert ffi.choose("auto", ffi.obstacle) == "xla"
        assert not any(row.on for row in kernels.status())
        assert all("pip install 'neurodyn[fast]'" in row.reason for row in kernels.status())
    finally:
        ffi.obstacle.cache_clear()


def test_who_wants_plain_jax_is_told_that_it_runs(monkeypatch):
    monkeypatch.setenv("NEURODYN_KERNELS", "xla")
    assert {row.reason for row in kernels.status()} == {"NEURODYN_KERNELS is 'xla'."}
    assert not any(row.on for row in kernels.status())


@needs_compiler
@pytest.mark.parametrize("struct", ["_FRAME", "_LIST", "_ARRAY"])
def test_a_layout_that_is_not_known_is_found(monkeypatch, struct):
    from neurodyn.kernels.compiled.llvm import frame as llvm_frame

    fresh(monkeypatch)
    target = "_" + struct
    register = ffi.register
    monkeypatch.setattr(ffi, "register", lambda name, build: register(name + target, build))
    monkeypatch.setattr(llvm_frame, struct, 10**6)
    with pytest.warns(RuntimeWarning, match="differs from plain code"):
        numbers = kernels.standard_normal(jax.random.key(0), (100,))
    expected = kernels.standard_normal(jax.random.key(0), (100,), backend="xla")
    np.testing.assert_array_equal(numbers, expected)


@needs_compiler
def test_another_major_version_is_refused_by_xla_and_said(monkeypatch):
    from neurodyn.kernels.compiled.llvm import frame as llvm_frame

    fresh(monkeypatch)
    monkeypatch.setattr(llvm_frame, "_MAJOR", 7)
    W, spikes = jnp.ones((3, 2)), jnp.array([1.0, 0.0, 1.0])
    with pytest.warns(RuntimeWarning, match=r"API version \(7\.1\) is incompatible"):
        np.testing.assert_array_equal(kernels.spike_product(spikes, W), [2, 2])


@needs_compiler
@pytest.mark.parametrize(
    ("level", "absent"),
    [("SSE4_2", ("avx", "fma")), ("AVX", ("avx2", "fma", "avx512f")), ("AVX2", ("avx512f",))],
)
def test_kernels_use_no_instructions_above_those_of_xla(monkeypatch, level, absent):
    from neurodyn.kernels.compiled.llvm import functions as llvm

    monkeypatch.delenv("XLA_FLAGS", raising=False)
    there = llvm._features()
    monkeypatch.setenv("XLA_FLAGS", f"--xla_force_host --xla_cpu_max_isa={level}")
    held = llvm._features()
    assert not any(held.get(name) for name in absent)
    assert held.get("sse4.2") == there.get("sse4.2")
    assert level != "AVX2" or held.get("avx2") == there.get("avx2")
