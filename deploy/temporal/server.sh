#!/bin/sh
# Starts Temporal's server with deploy/temporal/server.yaml and the password
# from its secret. The image's own entry point would write a file into the
# image; this one needs nothing writable.
set -eu
TEMPORAL_DATABASE_PASSWORD="$(cat "${SECRETS_DIR:-/run/secrets}/temporal_database_password")"
export TEMPORAL_DATABASE_PASSWORD
# Temporal has no log-in of its own here: it is reachable from the private
# network of this project only.
exec temporal-server --root /etc --config kvitt --env server --allow-no-auth start
