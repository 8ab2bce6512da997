"""The benchmark: `make bench`. What it measures and how to read it is in docs/benchmarks.md."""
