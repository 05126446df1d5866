"""One module a migration; each holds the tables as they were then, and never changes."""
