#!/bin/sh
# Passes the scenarios on the published Python SDK against a real `adze dev`.
#
#   run.sh [--sdk newest|older|VERSION] [--short] [-- pytest arguments]
#
# ADZE_BIN names the engine to test; without it one is built from this repository.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sdk=newest
short=
while [ $# -gt 0 ]; do
	case $1 in
	--sdk) sdk=$2; shift 2 ;;
	--short) short=1; shift ;;
	--) shift; break ;;
	*) echo "run.sh: unknown option $1 (see the head of $0)" >&2; exit 2 ;;
	esac
done

python=${PYTHON:-python3}
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
	echo "installing python3-venv" >&2
	apt-get update -qq && apt-get install -y -qq python3-venv
fi

# One environment per SDK version, made again when what it pins changes.
wanted=$here/requirements/$sdk.txt
venv=$here/.venv/$sdk
[ -e "$venv/bin/python" ] || "$python" -m venv "$venv"
if [ -e "$wanted" ]; then
	cmp -s "$wanted" "$venv/installed.txt" || {
		"$venv/bin/pip" install -q --disable-pip-version-check -r "$wanted"
		cp "$wanted" "$venv/installed.txt"
	}
elif [ ! -e "$venv/installed.txt" ]; then
	grep -v '^hatchet-sdk' "$here/requirements/newest.txt" >"$venv/tools.txt"
	"$venv/bin/pip" install -q --disable-pip-version-check "hatchet-sdk[otel]==$sdk" -r "$venv/tools.txt"
	touch "$venv/installed.txt"
fi

if [ -z "${ADZE_BIN:-}" ]; then
	ADZE_BIN=$here/.venv/adze
	(cd "$here/../../.." && go build -o "$ADZE_BIN" ./cmd/adze)
fi
export ADZE_BIN

cd "$here"
[ -z "$short" ] || set -- -m short "$@"
exec "$venv/bin/python" -m pytest "$@"
