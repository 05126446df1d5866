"""Detectors behind one protocol, and how well they do."""
