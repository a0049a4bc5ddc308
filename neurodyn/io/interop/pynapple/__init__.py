"""To and from pynapple, whose objects hold times in seconds and the times that were observed."""
