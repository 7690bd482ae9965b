"""The one way to PostgreSQL: a server, its roles, migrations, and sessions that carry a scope."""
