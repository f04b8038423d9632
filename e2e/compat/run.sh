#!/bin/sh
# Passes the scenarios on the official Hatchet SDKs against a real `adze dev`.
#
#   run.sh [--langs go,python,typescript] [--sdk newest,older] [--short]
#
# ADZE_BIN names the engine to test; without it one is built from this repository. All
# are run even if one fails; the exit code tells whether any did.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
langs=go,python,typescript
versions=newest,older
short=
while [ $# -gt 0 ]; do
	case $1 in
	--langs) langs=$2; shift 2 ;;
	--sdk) versions=$2; shift 2 ;;
	--short) short=--short; shift ;;
	*) echo "run.sh: unknown argument $1 (see the head of $0)" >&2; exit 2 ;;
	esac
done

if [ -z "${ADZE_BIN:-}" ]; then
	built=$(mktemp -d)
	trap 'rm -rf "$built"' EXIT
	ADZE_BIN=$built/adze
	(cd "$here/../.." && go build -o "$ADZE_BIN" ./cmd/adze)
fi
export ADZE_BIN

failed=
for lang in $(echo "$langs" | tr , ' '); do
	for version in $(echo "$versions" | tr , ' '); do
		echo "== $lang, $version SDK"
		# shellcheck disable=SC2086 # a flag, or none
		"$here/$lang/run.sh" --sdk "$version" $short || failed="$failed $lang/$version"
	done
done
if [ -n "$failed" ]; then
	echo "failed:$failed" >&2
	exit 1
fi
