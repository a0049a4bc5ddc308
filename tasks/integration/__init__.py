"""Integration of velocity: where the head points, and where an animal is."""
