"""Fixed points of any system, and its linear dynamics around states."""
