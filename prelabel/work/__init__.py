"""The rules of people's work on a batch: who gets which frame, and what becomes of it."""
