"""The catalog and the state on SQL. The only importer of SQLModel, SQLAlchemy and Alembic."""
