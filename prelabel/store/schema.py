"""All tables of the store, in whichever module they are written down."""

from prelabel.store import acceptance_tables, people_tables, tables, work_tables

# A module of tables enters them into the metadata that all of them share when it is loaded.
MODULES = (tables, work_tables, people_tables, acceptance_tables)
metadata = tables.metadata
