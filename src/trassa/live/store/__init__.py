"""PostgreSQL: connections, migrations and every SQL sentence of the live platform."""
