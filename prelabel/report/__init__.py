"""Reports for people: what a run cost and what it bought."""
