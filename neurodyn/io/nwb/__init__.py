"""Neurodata Without Borders files (NWB 2), read and written with pynwb."""
