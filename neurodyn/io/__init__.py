"""Recordings and results, in and out of files."""
