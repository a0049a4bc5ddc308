"""Blocks of neo, the files that neo reads, and what neo does not read of Axon files."""
