#!/bin/sh
# Makes the namespace TEMPORAL_NAMESPACE at TEMPORAL_ADDRESS, unless it is
# there, and waits until the server knows it, so that what starts next does not
# hit a server that has not heard of it yet.
set -eu
patience=60

wait_for() {
	left=$patience
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		if [ "$left" -le 0 ]; then
			echo "make the namespace $TEMPORAL_NAMESPACE: no answer from $TEMPORAL_ADDRESS within $patience attempts; the last one said:" >&2
			"$@" || exit 1
			return
		fi
		sleep 1
	done
}

wait_for temporal operator cluster health
if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION" \
		--description "Kvitt: Klarna payouts into the books"
fi
wait_for temporal workflow count --namespace "$TEMPORAL_NAMESPACE"
echo "The namespace $TEMPORAL_NAMESPACE is there."
