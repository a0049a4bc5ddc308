"""Meta prior."""
