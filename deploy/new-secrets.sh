#!/bin/sh
# Makes the files in deploy/secrets that docker-compose.yml mounts as secrets:
# random passwords, and what only you know. Files that are there stay as they
# are. Run it once, from the folder with docker-compose.yml:
#
#     sh deploy/new-secrets.sh
#
# The folder is closed to other users of this machine (0700). The files in it
# are readable (0444), because each container reads them as a user of its own.
set -eu

secrets="${SECRETS_DIR:-$(dirname "$0")/secrets}"
umask 077
mkdir -p "$secrets"
chmod 700 "$secrets"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# keep NAME: writes standard input to the secret NAME, unless it is there.
keep() {
	if [ -s "$secrets/$1" ]; then
		echo "$1: kept as it is"
		cat >/dev/null
		return
	fi
	cat >"$secrets/$1.new"
	if [ ! -s "$secrets/$1.new" ]; then
		rm -f "$secrets/$1.new"
		echo "$1: MISSING"
		return
	fi
	chmod 444 "$secrets/$1.new"
	mv "$secrets/$1.new" "$secrets/$1"
	echo "$1: made"
}

random | keep postgres_password
random | keep temporal_database_password
random | keep kvitt_codec_password
printf 'postgres://kvitt:%s@postgres:5432/kvitt?sslmode=disable' "$(random)" | keep kvitt_database_url

# What not everybody has. Compose mounts a file for each, so an empty one is made;
# it is read only where .env sets what it belongs to.
optional() {
	[ -e "$secrets/$1" ] || : >"$secrets/$1"
	chmod 644 "$secrets/$1"
	[ -s "$secrets/$1" ] || echo "$1: empty; needed with $2 in .env"
}
optional kvitt_smtp_url KVITT_MAIL_TO
optional kvitt_webhook_secret KVITT_WEBHOOK_URL
optional kvitt_oidc_client_secret KVITT_OIDC_ISSUER

if [ ! -s "$secrets/kvitt_visma_client_secret" ] && [ -t 0 ]; then
	printf 'The secret of your Visma client (it is not shown): '
	stty -echo
	read -r secret || secret=
	stty echo
	echo
	printf '%s' "$secret" | keep kvitt_visma_client_secret
fi
[ -s "$secrets/kvitt_visma_client_secret" ] ||
	echo "kvitt_visma_client_secret: MISSING; write the secret of your Visma client into $secrets/kvitt_visma_client_secret"
[ -s "$secrets/kvitt_keyset" ] ||
	echo "kvitt_keyset: MISSING; make it with: docker compose build setup; docker run --rm --entrypoint /starter kvitt:local keyset new > $secrets/kvitt_keyset; chmod 444 $secrets/kvitt_keyset"
