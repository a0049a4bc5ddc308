"""Parameters of a user's own: the page that shows one, and all that they take part in."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import neurodyn as nd
from neurodyn import models, params
from neurodyn.params.transposed import transposed

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "add-a-parameter-constraint.md"
CELLS = re.findall(r"```\{code-cell\} python\n(.*?)```", PAGE.read_text(), re.DOTALL)


class Squared(params.AbstractElementwise):
    init: params.Init = None
    raw: Any = None

    def constrain(self, raw):
        return raw**2

    def unconstrain(self, value):
        return jnp.sqrt(value)


class Outer(params.AbstractParameter):
    """Rank one, with entries that depend on each other; its factors give magnitudes as well."""

    a: Any = None
    b: Any = None
    trained = ("a", "b")

    def draw(self, shape, key, dtype=None):
        keys = jax.random.split(key)
        return Outer(*(jax.random.normal(k, (n,)) for k, n in zip(keys, shape, strict=True)))

    def value(self):
        return self.a[:, None] * self.b[None, :]

    def magnitudes(self):
        return self

    def scale_rows(self, factors):
        return Outer(self.a * factors, self.b)


def test_the_page_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "page"}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in CELLS:
            exec(compile(cell, str(PAGE), "exec"), names)
    said = printed.getvalue()
    for line in ("[0. 1.] [-1.  0.]", "magnitude: True", "16 Above True"):
        assert line in said, said
    assert said.strip().endswith("True")
    with pytest.raises(ValueError, match="above the floor"):
        names["Above"](1.0, init=0.5).build((2,), jax.random.key(0))
    with pytest.raises(ValueError, match="must not reach below 0"):
        params.Dale(0.5, of=names["Above"](-1.0))


def test_own_parameters_take_the_default_of_a_model_and_are_balanced():
    bias = models.CTRNN(1, 4, 1, b=Squared(), key=0).b
    np.testing.assert_array_equal(bias, np.zeros(4))  # 0 by default in this model
    law = params.Uniform(0.5, 2.0)
    W = np.asarray(models.CTRNN(1, 40, 1, W=params.Dale(0.8, Squared(law), True), key=0).W)
    assert (W[:32] > 0).all()
    assert (W[32:] < 0).all()
    np.testing.assert_allclose(W.sum(), 0, atol=1e-3)
    expected = models.CTRNN(1, 40, 1, W=params.Dale(0.8, params.Free(law), True), key=0).W
    np.testing.assert_allclose(W, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="Squared does not allow the initial values"):
        models.CTRNN(1, 40, 1, W=Squared(), key=0)  # orthogonal by default, of both signs
    outer = params.Dale(0.5, Outer(), "cancel").build((6, 6), jax.random.key(0))
    np.testing.assert_allclose(np.asarray(outer).sum(), 0, atol=1e-4)
    assert np.linalg.matrix_rank(np.abs(np.asarray(outer))) == 1


def test_own_parameters_are_cut_shared_stacked_and_transposed(key):
    law = params.Uniform(0.5, 2.0)
    model = models.CTRNN(1, 6, 1, tau=params.Shared(Squared(50.0)), W=Squared(law), key=0)
    assert len(set(np.asarray(model.tau).tolist())) == 1
    cut = np.asarray(model.cut([2]).W)
    assert (cut[2] == 0).all()
    assert (cut[:, 2] == 0).all()
    assert (np.delete(np.delete(cut, 2, 0), 2, 1) > 0).all()
    blocks = params.Blocks({"a": 2, "b": 3}, Squared(law), {("a", "b"): Outer()})
    blocks = blocks.build((5, 5), key)
    assert (np.asarray(blocks)[2:, :2] == 0).all()
    assert np.linalg.matrix_rank(np.asarray(blocks)[:2, 2:]) == 1
    for parameter in (blocks, params.Scaled(2.0, Outer()).build((2, 3), key), model.W):
        turned = transposed(parameter)
        np.testing.assert_array_equal(np.asarray(turned), np.asarray(parameter).T)
    dale = params.Dale([1, 1, -1, -1], Squared(law))
    signs = np.sign(np.asarray(models.ALRNN(0, 4, 2, n_relu=1, W=dale, key=0).W))
    np.testing.assert_array_equal(signs, np.array([[1], [1], [-1], [-1]]) * np.ones((4, 4)))


class Offset(params.AbstractParameter):
    """A trained array on top of one that is given."""

    base: Any
    raw: Any = None
    trained = ("raw",)

    def draw(self, shape, key, dtype=None):
        return Offset(self.base, jax.random.normal(key, shape))

    def value(self):
        return self.base + self.raw


def test_a_parameter_with_a_constant_array_is_drawn(key):
    parameter = Offset(jnp.ones(3))
    assert not parameter.bound
    drawn = parameter.build((3,), key)
    np.testing.assert_array_equal(drawn, 1 + np.asarray(jax.random.normal(key, (3,))))


def test_units_are_cut_out_of_weights_of_any_structure(tmp_path):
    kinds = {
        "low rank": params.LowRank(2),
        "signed low rank": params.Dale(0.5, params.LowRank(2)),
        "symmetric": Outer(),
    }
    for name, W in kinds.items():
        cut = models.CTRNN(1, 6, 1, W=W, key=0).cut([2])
        weights = np.asarray(cut.W)
        assert (weights[2] == 0).all(), name
        assert (weights[:, 2] == 0).all(), name
        assert np.delete(np.delete(weights, 2, 0), 2, 1).all(), name
        if name != "symmetric":  # a class of this file has no name in files
            nd.save(tmp_path / f"{name}.nd", cut)
            np.testing.assert_array_equal(nd.load(tmp_path / f"{name}.nd").W, cut.W)


def test_ensembles_of_constrained_models_are_read_from_files(tmp_path):
    law = params.Uniform(0.1, 1.0)
    for i, W in enumerate(
        (
            params.Dale(0.5, params.Clamped(0.0, law), False),
            params.Dale(0.5, params.Bounded(0.0, 2.0, law), False),
            params.Masked(0.5, params.Scaled(2.0)),
            params.LowRank(2),
        )
    ):
        several = nd.Ensemble([models.CTRNN(1, 4, 1, W=W, key=k) for k in range(2)])
        nd.save(tmp_path / f"{i}.nd", several)
        again = nd.load(tmp_path / f"{i}.nd")
        for one, other in zip(several, again, strict=True):
            np.testing.assert_array_equal(one.W, other.W)


def test_a_parameter_of_one_model_serves_in_another():
    first = models.CTRNN(1, 5, 1, W=params.Dale(0.6), key=0)
    second = models.CTRNN(1, 5, 1, W=first.W, key=1)
    np.testing.assert_array_equal(second.W, first.W)
    masked = models.CTRNN(1, 5, 1, W=params.Masked("off-diagonal", first.W), key=1)
    np.testing.assert_array_equal(masked.W, np.asarray(first.W) * (1 - np.eye(5)))
    with pytest.raises(ValueError, match=r"belongs to a model already, with shape \(5, 5\)"):
        models.CTRNN(1, 6, 1, W=first.W, key=1)
    with pytest.raises(ValueError, match="has no value yet"):
        params.Bounded(0.0, 1.0).value()
