package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/adzehq/adze/internal/base/pg"
)

// BinEnv names the environment variable with the directory of Postgres's
// binaries; set, nowhere else is looked.
const BinEnv = "ADZE_POSTGRES_BIN"

// ErrNoBinaries says that there is no Postgres on this machine and none could be
// downloaded.
var ErrNoBinaries = errors.New("no Postgres binaries")

// Binaries are an installed Postgres.
type Binaries struct {
	Dir     string // with postgres and initdb in it
	Version string // like "15.18"
	Major   int
}

// places are where packages put Postgres, apart from PATH.
var places = []string{
	"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                   // Red Hat, from the PostgreSQL project
	"/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
	"/usr/local/pgsql/bin",               // from source
	"/usr/libexec/postgresql*",           // Alpine
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// Find lists the supported versions on this machine, best first: what PATH and
// pg_config name, then the newest. An empty list is no error.
func Find(ctx context.Context) ([]Binaries, error) {
	if dir := os.Getenv(BinEnv); dir != "" {
		b, err := inspect(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("look for Postgres in %s (%s): %w", dir, BinEnv, err)
		}
		return []Binaries{b}, nil
	}
	found := inspectAll(ctx, chosenDirs(ctx))
	var rest []string
	for _, pattern := range places {
		dirs, _ := filepath.Glob(pattern) // fails on a bad pattern only
		rest = append(rest, dirs...)
	}
	others := inspectAll(ctx, rest)
	slices.SortStableFunc(others, func(a, b Binaries) int { return cmp.Compare(b.Major, a.Major) })
	return append(found, others...), nil
}

// chosenDirs are the directories that the user's environment points at.
func chosenDirs(ctx context.Context) []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		// PATH often holds a link into the directory that has all the binaries.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return dirs
}

func inspectAll(ctx context.Context, dirs []string) []Binaries {
	var found []Binaries
	for _, dir := range dirs {
		if b, err := inspect(ctx, dir); err == nil {
			found = append(found, b)
		}
	}
	return found
}

var versionPattern = regexp.MustCompile(`\) (\d+)[.\w]*`)

// inspect asks the binaries in dir for their version.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return Binaries{}, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("run postgres --version: %w", err)
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return Binaries{}, fmt.Errorf("read version from %q", out)
	}
	major, _ := strconv.Atoi(string(match[1])) // digits, by the pattern
	if major < pg.VersionMin || major > pg.VersionMax {
		return Binaries{}, fmt.Errorf("version %d is not supported, need %d to %d", major, pg.VersionMin, pg.VersionMax)
	}
	return Binaries{Dir: dir, Version: strings.TrimPrefix(string(match[0]), ") "), Major: major}, nil
}

// pick chooses binaries for the data in dir, written by version major (0 = new
// data, any version will do), and downloads them when the machine has none.
func pick(ctx context.Context, dir string, major int, log *slog.Logger) (Binaries, error) {
	found, err := Find(ctx)
	if err != nil {
		return Binaries{}, err
	}
	for _, b := range found {
		if major == 0 || b.Major == major {
			return b, nil
		}
	}
	if len(found) > 0 {
		return Binaries{}, fmt.Errorf("data directory %s was written by Postgres %d, the binaries here are %s (in %s): "+
			"install Postgres %d, or move the directory away to begin anew", dir, major, found[0].Version, found[0].Dir, major)
	}
	b, err := fetch(ctx, major, log)
	if err != nil {
		return Binaries{}, fmt.Errorf("%w, and downloading them failed: %w; %s, or set %s to a directory that has them",
			ErrNoBinaries, err, installHint(), BinEnv)
	}
	return b, nil
}

func installHint() string {
	switch {
	case runtime.GOOS == "darwin":
		return "run `brew install postgresql@17`"
	case exists("/etc/debian_version"):
		return "run `apt-get install postgresql`"
	case exists("/etc/redhat-release"):
		return "run `dnf install postgresql-server`"
	case exists("/etc/alpine-release"):
		return "run `apk add postgresql`"
	}
	return fmt.Sprintf("install the PostgreSQL server, version %d to %d", pg.VersionMin, pg.VersionMax)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
