"""Machinery of experiments: definition, settings, folder of a run, report."""
