"""The kernels as machine code. Importing these modules needs llvmlite."""
