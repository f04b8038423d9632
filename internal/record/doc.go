// Package record is the root of what Adze stores: one package below it per
// table, which alone writes it. It owns the golden schema, the migrations'
// effect on one page. It has no code of its own.
package record
