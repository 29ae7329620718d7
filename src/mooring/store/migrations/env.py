"""Alembic runs its scripts over the connection that `store.migrate` hands it."""

from alembic import context

from mooring.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
