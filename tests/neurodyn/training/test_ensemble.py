"""Ensembles: the same bits at any size, and what holds for the batched program."""

import diffrax
import equinox as eqx
import jax
import numpy as np
import pytest

from neurodyn.training import Ensemble, Seeds, fit
from tests.neurodyn.training.test_fit import leaves, same_bits
from tests.systems import Filter, Leaky


def train(ensemble, *, key=5, steps=30, **options):
    return fit(lambda k: Leaky(key=k), Filter(), steps=steps, key=key, ensemble=ensemble, **options)


def test_map_gives_the_same_bits_at_any_size():
    three, five = (train(Seeds(n, how="map")) for n in (3, 5))
    for i in range(3):
        alone = train(None, key=jax.random.fold_in(jax.random.key(5), i))
        assert same_bits(three.model[i], alone.model)
        assert same_bits(five.model[i], alone.model)
        for name, values in alone.history.data_vars.items():
            np.testing.assert_array_equal(three.history[name][i], values)
            np.testing.assert_array_equal(five.history[name][i], values)


def test_members_differ_in_start_and_trials():
    drawn = train(2)
    assert not same_bits(drawn.model[0].U, drawn.model[1].U)
    one_start = fit(Leaky(), Filter(), steps=2, key=0, ensemble=2)
    a, b = one_start.history.loss.values[:, 0]
    assert a != b  # other trials
    assert not same_bits(*one_start.model)


def test_vmap_agrees_to_rounding_at_first():
    batched = train(Seeds(3, how="vmap"), steps=5)
    mapped = train(Seeds(3, how="map"), steps=5)
    np.testing.assert_allclose(batched.history.grad_norm, mapped.history.grad_norm, rtol=1e-5)
    for a, b in zip(leaves(batched.model), leaves(mapped.model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_auto_maps_on_cpus(monkeypatch):
    assert Seeds(2).resolved() == "map"
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert Seeds(2).resolved() == "vmap"
    assert Seeds(2, how="map").resolved() == "map"


def test_an_ensemble_can_be_trained_further():
    first = train(2, steps=3)
    second = fit(first.model, Filter(), steps=3, key=1)
    assert len(second.model) == 2
    alone = fit(first.model[1], Filter(), steps=3, key=jax.random.fold_in(jax.random.key(1), 1))
    assert same_bits(second.model[1], alone.model)


def test_ensemble_is_a_container():
    members = [Leaky(key=i) for i in range(3)]
    ensemble = Ensemble(members)
    assert len(ensemble) == 3
    assert all(same_bits(a, b) for a, b in zip(ensemble, members, strict=True))
    assert same_bits(ensemble[-1], members[2])
    assert isinstance(ensemble[np.int64(1)], Leaky)
    assert [same_bits(a, b) for a, b in zip(ensemble[1:], members[1:], strict=True)] == [True, True]
    with pytest.raises(IndexError, match="member 3 of an ensemble of 3"):
        ensemble[3]
    read = eqx.filter_vmap(lambda m: m.U.sum())(ensemble.stacked)
    np.testing.assert_allclose(read, [m.U.sum() for m in members], rtol=1e-6)


def test_members_must_be_of_one_kind():
    with pytest.raises(ValueError, match="no members"):
        Ensemble([])
    with pytest.raises(ValueError, match="differ in more than the values"):
        Ensemble([Leaky(n_units=3), Leaky(n_units=4)])
    with pytest.raises(ValueError, match="without arrays"):
        Ensemble([diffrax.Euler()])
    for bad in ({"n": 0}, {"n": 2, "how": "pmap"}, {"n": 2.5}, {"n": 2, "seeds": (1,)}):
        with pytest.raises((ValueError, TypeError)):
            Seeds(**bad)


def test_a_member_is_known_by_its_seed():
    """The member with a seed is the same in every ensemble, at whatever place."""
    three, two = train(Seeds(3, how="map")), train(Seeds(2, how="map", seeds=(5, 1)))
    assert same_bits(three.model[1], two.model[1])
    assert not same_bits(three.model[0], two.model[0])
