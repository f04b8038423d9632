package pg

import (
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// Row reads the columns of a row, each once, from left to right. Null reads as zero. It is
// for what is read by the thousand: Scan goes by reflection for types of our own, and takes
// longer for a row than Postgres does. A column that is not of the type it is read as is a
// mistake in the program, and panics.
type Row struct {
	columns []pgconn.FieldDescription
	values  [][]byte // the connection's, until the next row
	next    int
}

// Each calls read for every row, up to the first error, and closes rows.
func Each(rows pgx.Rows, read func(r *Row) error) error {
	defer rows.Close()
	r := Row{}
	for rows.Next() {
		if r.columns == nil {
			r.columns = rows.FieldDescriptions()
			if err := checkFormats(r.columns); err != nil {
				return err
			}
		}
		r.values, r.next = rows.RawValues(), 0
		if err := read(&r); err != nil {
			return err
		}
		if r.next != len(r.values) {
			panic(fmt.Sprintf("row of %d columns: %d were read", len(r.values), r.next))
		}
	}
	return rows.Err()
}

// checkFormats refuses what did not come in the binary format. Texts are the same in both.
func checkFormats(columns []pgconn.FieldDescription) error {
	for i := range columns {
		if c := &columns[i]; c.Format != pgx.BinaryFormatCode && c.DataTypeOID != pgtype.TextOID {
			return fmt.Errorf("column %s came as text: leave default_query_exec_mode out of the url of the database", c.Name)
		}
	}
	return nil
}

// Int64 reads a bigint.
func (r *Row) Int64() int64 {
	if value := r.number(8); value != nil {
		return int64(binary.BigEndian.Uint64(value))
	}
	return 0
}

// Int32 reads an integer.
func (r *Row) Int32() int32 {
	n, _ := r.Int32OrNull()
	return n
}

// Int32OrNull reads an integer, and tells whether there is one.
func (r *Row) Int32OrNull() (n int32, there bool) {
	if value := r.number(4); value != nil {
		return int32(binary.BigEndian.Uint32(value)), true
	}
	return 0, false
}

// Bool reads a boolean.
func (r *Row) Bool() bool {
	value := r.number(1)
	return value != nil && value[0] != 0
}

// Text reads a text.
func (r *Row) Text() string { return string(r.value()) }

// Bytes reads a bytea: a copy, nil if it is null.
func (r *Row) Bytes() []byte {
	value := r.value()
	if value == nil {
		return nil
	}
	return append(make([]byte, 0, len(value)), value...)
}

// number is the next column, of so many bytes; nil if it is null.
func (r *Row) number(size int) []byte {
	value := r.value()
	if value != nil && len(value) != size {
		panic(fmt.Sprintf("column %s has %d bytes: read as a number of %d", r.columns[r.next-1].Name, len(value), size))
	}
	return value
}

func (r *Row) value() []byte {
	r.next++
	return r.values[r.next-1]
}
