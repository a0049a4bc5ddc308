"""Kinetics of receptors, short-term plasticity, and inputs of a network."""
