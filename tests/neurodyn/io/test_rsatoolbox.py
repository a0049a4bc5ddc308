"""To and from rsatoolbox: with the package where it is installed, else with objects alike."""

import sys
from types import ModuleType

import numpy as np
import pytest

from neurodyn import io, labels
from neurodyn.labels import LabelError

try:
    import rsatoolbox
except ImportError:
    rsatoolbox = None


class Dataset:
    def __init__(self, measurements, obs_descriptors=None, channel_descriptors=None, **more):
        self.measurements, self.descriptors = measurements, {}
        self.obs_descriptors, self.channel_descriptors = obs_descriptors, channel_descriptors
        self.__dict__.update(more)


class TemporalDataset(Dataset):
    pass


class RDMs:
    """Like rsatoolbox's, it keeps upper triangles and adds an index."""

    def __init__(self, dissimilarities, dissimilarity_measure=None, rdm_descriptors=None,
                 pattern_descriptors=None):  # fmt: skip
        self.n_cond = dissimilarities.shape[-1]
        self.dissimilarities = dissimilarities[(slice(None), *np.triu_indices(self.n_cond, 1))]
        self.dissimilarity_measure, self.descriptors = dissimilarity_measure, {}
        self.rdm_descriptors = {"index": [0]} | (rdm_descriptors or {})
        self.pattern_descriptors = {"index": list(range(self.n_cond))} | pattern_descriptors


@pytest.fixture(params=["package", "alike"])
def rsa(request, monkeypatch):
    if request.param == "package":
        if rsatoolbox is None:
            pytest.skip("rsatoolbox is not installed")
        return rsatoolbox
    names = {"rsatoolbox": (), "rsatoolbox.data": (Dataset, TemporalDataset)}
    for name, classes in (names | {"rsatoolbox.rdm": (RDMs,)}).items():
        module = ModuleType(name)
        module.__dict__.update({each.__name__: each for each in classes})
        monkeypatch.setitem(sys.modules, name, module)
    return None


def rates(time=False):
    rng = np.random.default_rng(1)
    dims, shape = (
        (("trial", "time", "unit"), (4, 5, 3)) if time else (("condition", "unit"), (4, 3))
    )
    coords = {"unit": [7, 3, 5], "area": ("unit", ["V1", "V1", "V4"])}
    coords |= {"time": 10 + np.arange(5) * 20.0} if time else {"condition": list("badc")}
    coords["coherence"] = (dims[0], [0.1, 0.2, 0.3, 0.4])
    return labels.dataset(
        {"rate": (dims, rng.normal(size=shape), "Hz", "rate")}, coords, source="recording"
    )["rate"]


def test_data(rsa):
    one, several = rates(), rates(time=True)
    made = io.to_rsatoolbox(one)
    assert list(made.obs_descriptors["condition"]) == list("badc")
    assert list(made.channel_descriptors["area"]) == ["V1", "V1", "V4"]
    assert io.from_rsatoolbox(made).identical(one)
    made = io.to_rsatoolbox(several)
    assert made.measurements.shape == (4, 3, 5)
    np.testing.assert_allclose(made.time_descriptors["time"], [0.01, 0.03, 0.05, 0.07, 0.09])
    assert io.from_rsatoolbox(made).identical(several)
    with pytest.raises(LabelError, match="rsatoolbox takes"):
        io.to_rsatoolbox(one.expand_dims(seed=[0]))
    with pytest.raises(TypeError, match="takes a DataArray"):
        io.to_rsatoolbox(one.values)
    with pytest.raises(TypeError, match="takes a Dataset, TemporalDataset or RDMs"):
        io.from_rsatoolbox(one)


def dissimilarities():
    """Squared distances between conditions, by NumPy."""
    one = rates()
    apart = one.values[:, None] - one.values[None]
    conditions = list("badc")
    return labels.dataset(
        {"rdm": (("condition", "condition_2"), (apart**2).mean(-1), "1", "squared distance")},
        {
            "condition": conditions, "condition_2": conditions,
            "coherence": ("condition", [0.1, 0.2, 0.3, 0.4]),
            "coherence_2": ("condition_2", [0.1, 0.2, 0.3, 0.4]),
        }, source="analysis", dims=["condition_2"],
    )["rdm"]  # fmt: skip


def test_rdms(rsa):
    one = dissimilarities()
    made = io.to_rsatoolbox(one)
    assert list(made.pattern_descriptors["condition"]) == list("badc")
    np.testing.assert_array_equal(made.dissimilarities[0, :3], one.values[0, 1:])
    assert io.from_rsatoolbox(made).identical(one)
    both = one.expand_dims(seed=[3, 5]) * [[[1.0]], [[2.0]]]
    both = both.assign_attrs(one.attrs)
    made = io.to_rsatoolbox(both)
    assert list(made.rdm_descriptors["seed"]) == [3, 5]
    assert io.from_rsatoolbox(made).identical(both)
    crooked = one.copy(data=np.triu(one.values))
    with pytest.raises(LabelError, match="not symmetric"):
        io.to_rsatoolbox(crooked)
    with pytest.raises(LabelError, match="different labels"):
        io.to_rsatoolbox(one.assign_coords(condition_2=list("abcd")))


@pytest.mark.skipif(rsatoolbox is None, reason="rsatoolbox is not installed")
def test_rdms_of_the_package():
    """What rsatoolbox computes from our data comes back under our labels."""
    data = io.to_rsatoolbox(rates())
    found = rsatoolbox.rdm.calc_rdm(data, method="euclidean", descriptor="condition")
    back = io.from_rsatoolbox(found)
    labels.check(back)
    assert {"coherence", "coherence_2"} <= set(back.coords)
    expected = dissimilarities().sel(condition=list("abcd"), condition_2=list("abcd"))
    back = back.sel(condition=list("abcd"), condition_2=list("abcd"))
    np.testing.assert_allclose(back.values, expected.values, rtol=1e-12)
