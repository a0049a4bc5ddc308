"""MATLAB's files: those of version 5 to 7.2, and those of version 7.3, which are HDF5."""
