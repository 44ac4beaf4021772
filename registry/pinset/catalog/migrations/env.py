"""How Alembic runs: always on the connection that the state hands it."""

from alembic import context

from pinset.catalog.state_tables import STATE

context.configure(connection=context.config.attributes["connection"], target_metadata=STATE)
with context.begin_transaction():
    context.run_migrations()
