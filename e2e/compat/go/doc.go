// Package compat holds programs on the official Hatchet SDK for Go, unmodified, against
// a real `adze dev`.
//
// It owns the programs, and is a module of its own: nothing of the SDK gets into Adze.
// It promises that each scenario here is what such a program sees, on the versions of
// the SDK that go.mod and older.mod name.
package compat
