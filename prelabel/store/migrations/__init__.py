"""Alembic migrations of the store; `prelabel.store.migrate` runs them when a store is opened."""
