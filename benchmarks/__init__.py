"""Measurements of speed and quality; each prints one line RESULT {json}."""
