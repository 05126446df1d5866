"""Values that cross the borders, formats, and frames made from other data."""
