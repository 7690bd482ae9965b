"""The engines that others wrote, on the same rules as ours; loaded by the benchmarks only."""
