#!/bin/sh
# Runs the scenarios on a published version of the TypeScript SDK.
#
#   run.sh [--sdk newest|older|VERSION] [--short] [-- ARGS OF THE TEST RUNNER]
#
# ADZE_BIN names the engine to test; without it one is built. What it needs and the
# machine lacks (Node.js) it installs with apt; the packages go below .build/VERSION.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sdk=1.33.2
short=
while [ $# -gt 0 ]; do
	case $1 in
	--sdk) sdk=$2 && shift 2 ;;
	--short) short=yes && shift ;;
	--) shift && break ;;
	*) echo "run.sh: unknown argument $1" >&2 && exit 2 ;;
	esac
done

case $sdk in
newest) sdk=1.33.2 ;;
older) sdk=1.22.0 ;;
esac

install_node() {
	command -v npm >/dev/null && return
	apt-get update -qq
	apt-get install -y -qq nodejs npm >/dev/null
}

# A pinned version brings its lock file; any other takes what the registry serves today.
install_packages() {
	mkdir -p "$build"
	if [ -d "$here/sdk/$sdk" ]; then
		cmp -s "$here/sdk/$sdk/package-lock.json" "$build/package-lock.json" && [ -d "$build/node_modules" ] && return
		cp "$here/sdk/$sdk/package.json" "$here/sdk/$sdk/package-lock.json" "$build/"
		(cd "$build" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
		return
	fi
	cp "$here/sdk/1.33.2/package.json" "$build/"
	(cd "$build" && npm install --ignore-scripts --no-audit --no-fund --loglevel=error "@hatchet-dev/typescript-sdk@$sdk")
}

build_engine() {
	[ -n "${ADZE_BIN:-}" ] && return
	ADZE_BIN=$build/adze
	(cd "$here/../../.." && go build -o "$ADZE_BIN" ./cmd/adze)
}

build=$here/.build/$sdk
install_node
install_packages
build_engine
export ADZE_BIN

# The sources run from a copy, so that both versions can be tested side by side.
rm -rf "$build/src"
cp -R "$here/src" "$here/vitest.config.ts" "$build/"
cd "$build"
if [ -n "$short" ]; then set -- src/scenarios/essentials.test.ts "$@"; fi
exec ./node_modules/.bin/vitest run "$@"
