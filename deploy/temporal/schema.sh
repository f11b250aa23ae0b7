#!/bin/sh
# Brings the tables of Temporal's two databases to what the server of this
# version needs. It does nothing when nothing is to be done.
set -eu
SQL_PASSWORD="$(cat "${SECRETS_DIR:-/run/secrets}/temporal_database_password")"
SQL_PLUGIN=postgres12
SQL_HOST="${SQL_HOST:-postgres}"
SQL_PORT="${SQL_PORT:-5432}"
SQL_USER=temporal
export SQL_PASSWORD SQL_PLUGIN SQL_HOST SQL_PORT SQL_USER

tables() {
	temporal-sql-tool --database "$1" setup-schema --version 0.0
	temporal-sql-tool --database "$1" update-schema --schema-name "$2"
}
tables temporal postgresql/v12/temporal
tables temporal_visibility postgresql/v12/visibility
