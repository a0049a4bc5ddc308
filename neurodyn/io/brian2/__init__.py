"""Networks of Brian2, and the recordings of its monitors."""
