"""Timing and patterns in time: intervals to measure and produce, signals to generate."""
