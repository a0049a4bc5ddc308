"""Results of programs that do the same arithmetic, but may round it differently."""

import numpy as np
import xarray as xr

#: A step of a network rounds some ten times, by half a unit in the last place each time.
ROUNDINGS = 5


def bar(expected, n_steps: int) -> float:
    """By how much two runs of so many steps may differ, if no step enlarges what differs."""
    dtype = np.asarray(expected).dtype
    largest = np.abs(np.nan_to_num(expected)).max(initial=1)
    return float(ROUNDINGS * n_steps * np.finfo(dtype).eps * largest)


def assert_equal_to_rounding(found, expected, n_steps: int) -> None:
    """The same shapes, labels and whole numbers; floats that differ by rounding, and no more.

    For systems that are far from chaos, and no coordinate that decides at a threshold.
    """
    if isinstance(expected, xr.DataArray):
        assert found.name == expected.name
        found, expected = (a.to_dataset(name="values") for a in (found, expected))
    if not isinstance(expected, xr.Dataset):
        found, expected = np.asarray(found), np.asarray(expected)
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        if expected.dtype.kind != "f":
            np.testing.assert_array_equal(found, expected)
            return
        np.testing.assert_allclose(found, expected, rtol=0, atol=bar(expected, n_steps))
        return
    assert found.sizes == expected.sizes
    assert found.attrs == expected.attrs
    assert set(found.variables) == set(expected.variables)
    for name, variable in expected.variables.items():
        assert found[name].dims == variable.dims, name
        assert found[name].attrs == variable.attrs, name
        atol = bar(variable, n_steps) if variable.dtype.kind == "f" else 0
        if atol:
            np.testing.assert_allclose(found[name], variable, rtol=0, atol=atol, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], variable, err_msg=name)
