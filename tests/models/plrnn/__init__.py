"""Tests of the piecewise-linear networks."""
