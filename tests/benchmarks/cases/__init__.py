"""Cases of the benchmark `analysis`: a module each, with a function ``rows() -> list[Row]``."""
