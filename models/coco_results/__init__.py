"""Predictions that another program has already made."""
