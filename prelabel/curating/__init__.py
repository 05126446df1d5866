"""The project in FiftyOne: filled from the store, and what curators do there brought back."""
