"""The arrays and the memory of the backward pass of `ctrnn_scan`."""

from neurodyn.kernels.compiled.llvm.product import Panels

# Arguments.
W, U, B, ALPHA, X, H0, NOISE, H, GATE, H_BAR, SETTINGS = range(11)
# Results; the last three are memory for intermediate values.
W_BAR, U_BAR, B_BAR, ALPHA_BAR, X_BAR, H0_BAR, NOISE_BAR, PANELS, SUMS, WORK = range(10)
# Entries of the settings, after those that `Sizes` reads.
BLOCK, HAS_NOISE, HAS_GATE, ONLY_LAST, WANT_X, WANT_H0, WANT_NOISE = range(3, 10)


def transposed(this, code, buffers, sizes) -> tuple[Panels, Panels]:
    """Panels of the transposed W and U, with rows multiplied by alpha.

    In the update form the leak is added to the diagonal of W.
    """
    units = Panels(code, this.products, buffers.result(PANELS), sizes.units, sizes.units)
    return units, Panels(code, this.products, units.end, sizes.units, sizes.inputs)


def sums(this, code, buffers, sizes, part) -> Panels:
    """Panels of a part's weight gradient, with the rows of W, U and b one below the other."""
    rows = (sizes.sources + (this.rows - 1)) // this.rows * this.rows
    place = buffers.result(SUMS) + part * rows * sizes.lanes * code.size
    return Panels(code, this.products, place, rows, sizes.units)
