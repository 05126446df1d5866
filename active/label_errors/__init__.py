"""Suspected label errors: found, ranked, counted; and errors planted to measure that."""
