#!/bin/sh
# Known vulnerabilities in what Kvitt is built from.
#
#     docs/check-vulnerabilities.sh PATH/TO/govulncheck
#
# A finding fails. Without the vulnerability database nothing can be found, so
# that is said in one loud line and does not fail: a build must not hang on
# somebody else's server. Anything else that goes wrong fails.
set -u
tool="${1:?give the path of govulncheck}"
cd "$(dirname "$0")/.." || exit 1

not_checked() {
	echo "NOT CHECKED: known vulnerabilities (database unreachable)"
	exit 0
}

# within SECONDS COMMAND…: answers 124 when the time is up, as timeout does.
within() {
	if command -v timeout >/dev/null; then
		timeout -k 5 "$@"
	else
		shift
		"$@"
	fi
}

# unreachable STATUS OUTPUT: the time was up, or the tool itself says that it
# failed to get what it looks in. Exit status 1 alone says only that it failed.
unreachable() {
	[ "$1" -eq 124 ] || [ "$1" -eq 137 ] && return 0
	[ "$1" -eq 1 ] && printf '%s\n' "$2" | grep -Eq '^(govulncheck: )?fetching vulnerabilities: '
}

# Can the database be reached at all? Asked by the tool itself, which has the
# same proxy and the same certificates, about a module without dependencies.
probe="$(mktemp -d)" || exit 1
trap 'rm -rf "$probe"' EXIT
printf 'module probe\n\ngo 1.26\n' >"$probe/go.mod"
printf 'package probe\n' >"$probe/probe.go"
said="$(within "${PROBE_SECONDS:-60}" "$tool" -C "$probe" -scan module 2>&1)"
status=$?
if unreachable "$status" "$said"; then
	not_checked
fi
# 3 is a finding, in the standard library: the real look reports it.
if [ "$status" -ne 0 ] && [ "$status" -ne 3 ]; then
	printf '%s\n' "$said"
	exit "$status"
fi

said="$(within 900 "$tool" ./... 2>&1)"
status=$?
printf '%s\n' "$said"
if unreachable "$status" "$said"; then
	not_checked
fi
exit "$status"
