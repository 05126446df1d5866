"""The strategy that chooses unless another is named."""

USUAL_STRATEGY = "class_growth_apart"  # docs/benchmarks/strategies.md
