"""Neural prediction."""
