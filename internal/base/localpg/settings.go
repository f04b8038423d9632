package localpg

import (
	"context"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// settings are what the server runs with: safe for data one wants to keep, sized
// for a developer's machine or a small server.
func (s *Server) settings(ctx context.Context) map[string]string {
	set := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(s.config.Port),
		"unix_socket_directories": "",
		"max_connections":         "200",
		"shared_buffers":          "256MB",
		// Fewer checkpoints, fewer full pages in the WAL. Recovery after a crash
		// reads at most this much.
		"max_wal_size":       "4GB",
		"checkpoint_timeout": "15min",
		"wal_compression":    s.walCompression(ctx),
		"random_page_cost":   "1.1", // solid-state disks
		"jit":                "off",
		"timezone":           "UTC",
		"log_timezone":       "UTC",
		"log_line_prefix":    "%m [%p] ",
		"log_lock_waits":     "on",
	}
	if socketFits(s.config.DataDir) {
		set["unix_socket_directories"] = s.config.DataDir
	}
	if s.config.Fast {
		maps.Copy(set, map[string]string{
			"fsync":              "off",
			"synchronous_commit": "off",
			"full_page_writes":   "off",
			// Least WAL: nothing replicates a test.
			"wal_level":       "minimal",
			"max_wal_senders": "0",
			"max_wal_size":    "1GB",
			"shared_buffers":  "128MB",
			"max_connections": "400", // many test processes share one cluster
		})
	}
	maps.Copy(set, s.config.Settings)
	return set
}

func (s *Server) arguments(ctx context.Context) []string {
	args := []string{"-D", s.config.DataDir}
	set := s.settings(ctx)
	for _, name := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "-c", name+"="+set[name])
	}
	return args
}

// walCompression is lz4 where the server knows it (15 and later, if built so),
// which takes a third of the CPU of the built-in method.
func (s *Server) walCompression(ctx context.Context) string {
	if s.binaries.Major < 15 {
		return "on"
	}
	out, err := exec.CommandContext(ctx, filepath.Join(s.binaries.Dir, "pg_config"), "--configure").Output()
	if err != nil || !strings.Contains(string(out), "lz4") {
		return "on"
	}
	return "lz4"
}
