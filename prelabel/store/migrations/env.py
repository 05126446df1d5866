"""Run by Alembic: applies the migrations on the connection and in the transaction it is given."""

from alembic import context

from prelabel.store.migrate import REVISION_TABLE
from prelabel.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=REVISION_TABLE,
    transactional_ddl=True,  # SQLite can too, although Alembic does not expect it
)
context.run_migrations()
