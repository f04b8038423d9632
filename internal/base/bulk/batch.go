package bulk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// Statement is one that takes columns as its parameters. It is prepared under
// its name, on each connection it is used on.
type Statement struct {
	Name string
	SQL  string
}

// Repeated is the insert for rows that may be there already, from a batch whose
// outcome is unknown. It is a statement of its own because the check has a price.
func (s Statement) Repeated() Statement {
	return Statement{Name: s.Name + "_repeated", SQL: s.SQL + "\non conflict do nothing"}
}

// Prepare prepares the statements on conn.
func Prepare(ctx context.Context, conn *pgconn.PgConn, statements ...Statement) error {
	for _, s := range statements {
		if _, err := conn.Prepare(ctx, s.Name, s.SQL, nil); err != nil {
			return fmt.Errorf("prepare %s: %w", s.Name, err)
		}
	}
	return nil
}

// Batch is statements to be sent in one pipeline. Without an explicit begin they
// are one transaction, which the end of the pipeline commits.
type Batch struct {
	batch      pgconn.Batch
	parameters [][]byte
}

var binaryFormat = []int16{1}

// Add queues s with its parameters. The columns may be used again at once.
func (b *Batch) Add(s Statement, columns ...Column) {
	b.parameters = b.parameters[:0]
	for _, c := range columns {
		b.parameters = append(b.parameters, c.parameter())
	}
	b.batch.ExecPrepared(s.Name, b.parameters, binaryFormat, nil)
}

// Exec sends the batch and waits for its commit: one round trip. With an error
// that is a *pgconn.PgError and a connection that still stands, nothing of it was
// written; with any other, that is unknown.
func (b *Batch) Exec(ctx context.Context, conn *pgconn.PgConn) error {
	return conn.ExecBatch(ctx, &b.batch).Close()
}
