#!/bin/sh
# Makes two users who cannot read each other's data: kvitt with the books, and
# temporal with the workflows. It may run at every start: what is there stays,
# and the passwords become those of the secrets, which is how they are changed.
set -eu
secrets="${SECRETS_DIR:-/run/secrets}"
export PGHOST="${PGHOST:-postgres}" PGUSER="${PGUSER:-postgres}" PGDATABASE=postgres
PGPASSWORD="$(cat "$secrets/postgres_password")"
TEMPORAL_PASSWORD="$(cat "$secrets/temporal_database_password")"
# Kvitt's password stands in its database URL and nowhere else.
KVITT_PASSWORD="$(sed -n 's#^postgres://kvitt:\([0-9A-Za-z]\{1,\}\)@.*#\1#p' "$secrets/kvitt_database_url")"
export PGPASSWORD TEMPORAL_PASSWORD KVITT_PASSWORD
if [ -z "$KVITT_PASSWORD" ] || [ -z "$TEMPORAL_PASSWORD" ]; then
	echo "make the databases: the secret kvitt_database_url must begin with postgres://kvitt:PASSWORD@ with a password of letters and digits, and the secret temporal_database_password must not be empty" >&2
	exit 1
fi

psql --no-psqlrc --quiet --tuples-only -v ON_ERROR_STOP=1 <<'SQL'
\getenv kvitt_password KVITT_PASSWORD
\getenv temporal_password TEMPORAL_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['kvitt', 'temporal']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE kvitt PASSWORD :'kvitt_password';
ALTER ROLE temporal PASSWORD :'temporal_password';
SELECT format('CREATE DATABASE %I OWNER %I', name, owner)
  FROM (VALUES ('kvitt', 'kvitt'), ('temporal', 'temporal'), ('temporal_visibility', 'temporal')) AS wanted (name, owner)
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
REVOKE ALL ON DATABASE kvitt, temporal, temporal_visibility FROM PUBLIC;
SQL
echo "The databases kvitt, temporal and temporal_visibility are there."
