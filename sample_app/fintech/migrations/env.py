"""What Alembic runs: the revisions, on the connection and in the transaction of `fintech.migrations.migrate`."""

from __future__ import annotations

from alembic import context

# SQLite's changes of tables are part of that transaction too: `fintech.database` begins it, not the driver.
context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
