"""What the benchmarks compare with: other simulators, and loops written by hand."""
