#!/bin/sh
# Passes the scenarios on the published Go SDK against a real `adze dev`.
#
#   run.sh [--sdk newest|older] [--short] [-- go test arguments]
#
# go.mod names the newest version that the suite knows, older.mod one of half a year
# before. ADZE_BIN names the engine to test; without it one is built from this repository.
set -eu

# The short choice: one of each kind.
essential="AResultComesBackAsItWasGiven|ManyRunsAtOnceAllAnswer|RESTShowsTheRunAfterwards|ADiamondHandsOutputsDown"
essential="$essential|ATaskIsSkippedByItsParentsOutput|TheTaskForFailuresKnowsWhatFailed|AFailedTaskRunsAgain"
essential="$essential|ATaskPastItsTimeFailsWithItsTime|ARunningTaskIsCancelled|AReplayRunsInPlace|AParentGetsTheResultsOfItsChildren"
essential="$essential|AnEventStartsARun|AScheduledRunStartsAtItsTime|AKeyRunsAsManyAsItMay|RequiredLabelsChooseTheWorker"
essential="$essential|PiecesComeInOrderAndThenTheEnd|LogsAreReadAfterwards|ADurableSleepEnds|ADurableTasksChildrenAreRun|AMemoIsMadeOnce"
essential="$essential|AnEvictedTaskIsRestored|BatchesAreOfOneKey|AKeyOfIdempotencyIsHeld|AWorkerGoesOnAfterTheEnginesDeath"

cd "$(dirname "$0")"
versions=
while [ $# -gt 0 ]; do
	case $1 in
	--sdk)
		case $2 in
		newest) versions= ;;
		older) versions="-modfile=older.mod -tags=older" ;;
		*) echo "run.sh: --sdk is newest or older" >&2; exit 2 ;;
		esac
		shift 2
		;;
	--short) short="-short -run ^Test($essential)\$"; shift ;;
	--) shift; break ;;
	*) echo "run.sh: unknown argument $1 (see the head of $0)" >&2; exit 2 ;;
	esac
done

if [ -z "${ADZE_BIN:-}" ]; then
	ADZE_BIN=$(mktemp -d)/adze
	trap 'rm -rf "$(dirname "$ADZE_BIN")"' EXIT
	(cd ../../.. && go build -o "$ADZE_BIN" ./cmd/adze)
fi
export ADZE_BIN

# shellcheck disable=SC2086 # several flags, or none
go test $versions -count=1 -parallel 8 -timeout 10m ${short:-} "$@" .
