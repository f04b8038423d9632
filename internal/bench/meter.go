package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// reading is the counters of all processes at one moment.
type reading struct {
	at        time.Time
	pgCPU     time.Duration // of all processes of the server, ended ones included
	engineCPU time.Duration
	wal       int64 // bytes written so far
	xids      int64 // transactions that wrote, so far
	commits   int64 // transactions of the database, as far as its sessions have reported
	tables    int64 // bytes of tables and indexes
}

// meter reads the counters of a server and an engine.
type meter struct {
	db        *pgxpool.Pool
	postgres  int // pid of the server
	enginePID int
}

const counters = `
select
    pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
    (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint),
    (select xact_commit from pg_stat_database where datname = current_database()),
    (
        select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'adze' and c.relkind = 'r'
    )`

func (m *meter) read(ctx context.Context) (r reading, err error) {
	r.at = time.Now()
	if err := m.db.QueryRow(ctx, counters).Scan(&r.wal, &r.xids, &r.commits, &r.tables); err != nil {
		return r, fmt.Errorf("read counters: %w", err)
	}
	if r.pgCPU, err = familyCPU(m.postgres); err != nil {
		return r, err
	}
	r.engineCPU, err = processCPU(m.enginePID)
	return r, err
}

// resting waits until the server has nothing to do, or patience is over.
func (m *meter) resting(ctx context.Context, patience time.Duration) error {
	for begin := time.Now(); time.Since(begin) < patience && ctx.Err() == nil; {
		before, err := familyCPU(m.postgres)
		if err != nil {
			return err
		}
		time.Sleep(restingWindow)
		after, err := familyCPU(m.postgres)
		if err != nil || float64(after-before) < restingShare*float64(restingWindow) {
			return err
		}
	}
	return context.Cause(ctx)
}

// clockTick is the kernel's unit of process times (USER_HZ), the same on every
// Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// processCPU is the time that a process has used.
func processCPU(pid int) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	return ticks(fields, 11, 12), nil
}

// familyCPU is the time that a process, its children and its ended children used.
func familyCPU(pid int) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	total := ticks(fields, 11, 12, 13, 14)
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	for _, path := range all {
		child, _ := strconv.Atoi(strings.Split(path, "/")[2])
		fields, err := stat(child)
		if err == nil && fields[1] == strconv.Itoa(pid) {
			total += ticks(fields, 11, 12)
		}
	}
	return total, nil
}

// stat is the fields of /proc/PID/stat behind the name: state, parent, …
func stat(pid int) ([]string, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, fmt.Errorf("read process times: %w", err)
	}
	fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
	if len(fields) < 15 {
		return nil, fmt.Errorf("read process times of %d: %d fields", pid, len(fields))
	}
	return fields, nil
}

func ticks(fields []string, at ...int) (total time.Duration) {
	for _, i := range at {
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		total += time.Duration(n) * clockTick
	}
	return total
}

// peakRSS is the most memory that a process has had resident, in MB.
func peakRSS(pid int) (float64, error) { return memory(pid, "VmHWM:") }

// currentRSS is the memory that a process has resident, in MB.
func currentRSS(pid int) (float64, error) { return memory(pid, "VmRSS:") }

func memory(pid int, line string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read process memory: %w", err)
	}
	_, rest, found := strings.Cut(string(status), line)
	if !found {
		return 0, fmt.Errorf("read process memory of %d: no %s", pid, line)
	}
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb / 1024, err
}

// costs adds what a load of n tasks between two readings took.
func (r *Report) costs(mode string, before, after reading, n int) {
	per := func(x float64) float64 { return x / float64(n) }
	r.add(mode, "pg_cpu_us_per_task", "µs", per(float64((after.pgCPU - before.pgCPU).Microseconds())))
	r.add(mode, "engine_cpu_us_per_task", "µs", per(float64((after.engineCPU - before.engineCPU).Microseconds())))
	r.add(mode, "tx_per_task", "transactions", per(float64(after.xids-before.xids)))
	r.add(mode, "wal_bytes_per_task", "bytes", per(float64(after.wal-before.wal)))
	r.add(mode, "table_bytes_per_task", "bytes", per(float64(after.tables-before.tables)))
}
