"""Interventions of version 0.1, which had no class in common for windows and units.

The file in `version_2` holds some of them, and the rates of one model under each when it was made.
"""

from pathlib import Path

import numpy as np
import pytest

import neurodyn as nd
from neurodyn.engine import intervene
from neurodyn.io.archive import read_archive
from neurodyn.io.modules import decode

FILE = Path(__file__).parent / "version_2" / "interventions.nd"
KINDS = {
    "current": intervene.Current,
    "clamp": intervene.Clamp,
    "clamped by name": intervene.Clamp,
    "silence": intervene.Silence,
    "lesion": intervene.Lesion,
    "change": intervene.WeightChange,
}


@pytest.mark.parametrize("name", KINDS)
def test_old_interventions_act_as_they_did(name, tmp_path):
    header, stored = read_archive(FILE, kind="object")
    found = decode(header["object"], stored, header["version"])
    intervention, rates = found["runs"][name]
    assert type(intervention) is KINDS[name]
    assert np.abs(rates - found["free"]).max() > 0.01
    nd.save(tmp_path / "again.nd", intervention)
    for each in (intervention, nd.load(tmp_path / "again.nd")):
        run = nd.integrate(
            found["model"], found["inputs"], dt=5.0, save="rate", interventions=[each]
        )
        np.testing.assert_allclose(run.variables["rate"], rates, rtol=1e-5, atol=1e-6)
