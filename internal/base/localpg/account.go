package localpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is who the server runs as. Postgres refuses root, so for root it is
// somebody else; the zero value is ourselves.
type account struct {
	name       string
	credential *syscall.Credential
}

// accountFor is the owner of dir if it has data, else the first user of
// "postgres" and "nobody" when we are root.
func accountFor(dir string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	if info, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err == nil {
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 {
			return accountOf(owner.Uid, owner.Gid), nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("read ids of user %s: %w", name, err)
		}
		return accountOf(uint32(uid), uint32(gid)), nil
	}
	return account{}, errors.New("Postgres refuses to run as root and there is no user postgres or nobody: run as another user")
}

func accountOf(uid, gid uint32) account {
	name := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return account{name: name, credential: &syscall.Credential{Uid: uid, Gid: gid}}
}

// own gives path to the account.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// reach makes sure that the account may enter dir and all above it. Where it may
// not, a directory under the temporary one is opened for passage (its name is
// random, and nothing in it becomes readable); any other is the user's business.
func (a account) reach(dir string) error {
	if a.credential == nil {
		return nil
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("check data directory: %w", err)
		}
		if !a.mayEnter(info) {
			if err := a.open(dir, info); err != nil {
				return err
			}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (a account) mayEnter(info fs.FileInfo) bool {
	owner, mode := info.Sys().(*syscall.Stat_t), info.Mode().Perm()
	switch {
	case owner.Uid == a.credential.Uid:
		return mode&0o100 != 0
	case owner.Gid == a.credential.Gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

func (a account) open(dir string, info fs.FileInfo) error {
	temp, err := filepath.EvalSymlinks(os.TempDir())
	if err == nil && strings.HasPrefix(dir, temp+string(filepath.Separator)) {
		if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
			return fmt.Errorf("let user %s pass: %w", a.name, err)
		}
		return nil
	}
	return fmt.Errorf("user %s, as whom Postgres runs because it refuses root, may not enter %s: "+
		"choose a data directory elsewhere, or run `chmod o+x %s`", a.name, dir, dir)
}
