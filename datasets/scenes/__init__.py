"""Street-like pictures drawn from a seed, with exact boxes: for demos, tests and benchmarks."""
