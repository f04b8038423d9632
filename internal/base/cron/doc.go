// Package cron says when a cron expression ticks in a time zone.
//
// It owns the dialect: five fields, or six with leading seconds, the descriptors,
// and what daylight saving does to them. It promises that Next is a pure function of
// the expression, the zone and the instant, that a parsed Schedule ticks again
// whatever the instant, and that an expression that never could is refused.
//
// # Daylight saving
//
// An expression is read as local time. Where clocks are moved, local times are
// missing or come twice:
//
//   - Times that are missing (clocks go forward) are made up for: all ticks of the
//     gap together fire once, at the first instant after it. Only an expression whose
//     hour allows all 24 has nothing to make up for: it goes on at its next minute.
//   - Times that come twice (clocks go back) tick the first time only. Only an
//     expression that is an interval ticks each time: one whose second, minute or
//     hour begins with *, like "*/10 * * * *" or "0 * * * *".
//
// So "30 2 * * *" runs once each day of the year, and "*/10 * * * *" every ten
// minutes by the stopwatch. The same holds for days that a zone left out, and for
// changes of any length.
package cron
