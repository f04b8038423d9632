package localpg

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/stretchr/testify/require"
)

// release is a download that looks like the real one, around scripts.
func release(t *testing.T) []byte {
	t.Helper()
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	for name, script := range map[string]string{
		"bin/postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) 17.5'\n",
		"bin/initdb":   "#!/bin/sh\nexit 1\n",
		"bin/pg_ctl":   "#!/bin/sh\nexit 1\n",
	} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(script)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(script))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	xz := exec.Command("xz", "--check=crc32")
	xz.Stdin = &files
	packed, err := xz.Output()
	if err != nil {
		t.Skip("needs xz to pack a download: ", err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	entry, err := z.Create("postgres.txz")
	require.NoError(t, err)
	_, err = entry.Write(packed)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return jar.Bytes()
}

func TestADownloadIsThereWholeOrNotAtAll(t *testing.T) {
	jar := release(t)
	repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".jar") || strings.Contains(r.URL.Path, string(embedded.V16)) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(jar)
	}))
	defer repository.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the library's
	t.Setenv(RepositoryEnv, repository.URL)
	cache := t.TempDir()

	final := filepath.Join(cache, "17")
	require.NoError(t, download(t.Context(), embedded.V17, cache, final))
	found, err := inspect(t.Context(), filepath.Join(final, "bin"))
	require.NoError(t, err)
	require.Equal(t, Binaries{Dir: filepath.Join(final, "bin"), Version: "17.5", Major: 17}, found)

	missing := filepath.Join(cache, "16")
	require.ErrorContains(t, download(t.Context(), embedded.V16, cache, missing), "no version found matching")
	require.NoDirExists(t, missing)
	left, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Len(t, left, 1)
}
