// Command adze is the whole of Adze in one binary: the engine for development and
// production, and the client for people.
//
// It owns flags, environment and what is printed; each command is a file. It
// promises that an error names the setting or field it is about, and that the exit
// code is 0 when it worked, 1 when it did not, 2 when it was asked wrongly and 3
// when a run that was waited for did not succeed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/fault"
)

// version is set when a release is linked.
var version = "0.1.0-dev"

// Exit codes.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitRunEnded = 3 // the run that was waited for failed or was cancelled
)

// cli is the command line: a field a command.
type cli struct {
	LogLevel  string `name:"log-level" env:"ADZE_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least important messages to log: ${enum}."`
	LogFormat string `name:"log-format" env:"ADZE_LOG_FORMAT" default:"text" enum:"text,json" help:"How to log, to standard error: ${enum}."`

	Demo    demoCmd    `cmd:"" group:"engine" help:"Count the words of a book, to see it all work."`
	Dev     devCmd     `cmd:"" group:"engine" help:"Run an engine with a Postgres of its own, for development."`
	Server  serverCmd  `cmd:"" group:"engine" help:"Run an engine on a database, for production."`
	Migrate migrateCmd `cmd:"" group:"engine" help:"Bring a database up to date, or say what it lacks."`
	Token   tokenCmd   `cmd:"" group:"engine" help:"Make tokens for workers and clients."`
	Tenant  tenantCmd  `cmd:"" group:"engine" help:"Make tenants, and let them share workers."`
	Doctor  doctorCmd  `cmd:"" group:"engine" help:"Check a database: version, migrations, clock, partitions."`

	Run    runCmd    `cmd:"" group:"client" help:"Submit a run."`
	Runs   runsCmd   `cmd:"" group:"client" help:"List runs, or look at one."`
	Logs   logsCmd   `cmd:"" group:"client" help:"Show what the tasks of a run logged."`
	Stream streamCmd `cmd:"" group:"client" help:"Show what the tasks of a run stream, while they do."`
	Cancel cancelCmd `cmd:"" group:"client" help:"Cancel runs."`
	Replay replayCmd `cmd:"" group:"client" help:"Submit runs that have ended again."`

	Why whyCmd `cmd:"" group:"client" help:"Say why a run is not done yet."`
	Top topCmd `cmd:"" group:"client" help:"Show where queues and limits stand."`

	Failures failuresCmd `cmd:"" group:"client" help:"List failed runs, grouped by what went wrong."`
	Redrive  redriveCmd  `cmd:"" group:"client" help:"Replay runs that failed, many at a time."`

	Fork   forkCmd   `cmd:"" group:"client" help:"Submit a durable run again, with the beginning of its log."`
	Signal signalCmd `cmd:"" group:"client" help:"Send a signal to a durable run."`

	Event  eventCmd  `cmd:"" group:"client" help:"Push events, and see what they started."`
	Filter filterCmd `cmd:"" group:"client" help:"Say which events of a scope start runs."`

	Schedule scheduleCmd `cmd:"" group:"client" help:"Start runs at times: once, or by cron expressions."`

	Limit limitCmd `cmd:"" group:"client" help:"Change how concurrency limits work."`
	Rate  rateCmd  `cmd:"" group:"client" help:"Change how rate limits work."`
	Batch batchCmd `cmd:"" group:"client" help:"Change when batches go."`
	Once  onceCmd  `cmd:"" group:"client" help:"Change how idempotency keys and debouncing work."`
	Queue queueCmd `cmd:"" group:"client" help:"Change how queues work, pause and resume them."`

	Workflow workflowCmd `cmd:"" group:"client" help:"Export, import or draw a workflow."`

	Worker workerCmd `cmd:"" group:"client" help:"List workers, pause and resume them."`

	Bench benchCmd `cmd:"" help:"Measure this machine, on a Postgres and an engine of its own."`

	Version versionCmd `cmd:"" help:"Say which version this is."`
}

// env is what a command runs in.
type env struct {
	ctx    context.Context // ends with SIGINT and SIGTERM
	stdin  io.Reader
	stdout io.Writer
	log    *slog.Logger
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main with all that it touches as arguments.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exited := -1 // set by --help
	parser, err := kong.New(&c,
		kong.Name("adze"),
		kong.Description("A durable task queue on PostgreSQL."),
		kong.Vars{"bench_modes": benchModes(), "bench_wires": benchWires()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "engine", Title: "Engine:"}, {Key: "client", Title: "Client:"},
		}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
	)
	if err != nil {
		panic(err) // the tags above are wrong
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "adze: %v\nSee adze --help.\n", err)
		return exitUsage
	}
	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, log: newLog(c.LogLevel, c.LogFormat, stderr)}
	return explain(parsed.Run(e), stderr)
}

// explain prints why a command did not work, and gives the exit code.
func explain(err error, stderr io.Writer) int {
	var ended *runEndedError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		fmt.Fprintf(stderr, "adze: %v\n", err)
		return exitRunEnded
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "adze: interrupted")
		return exitFailed
	default:
		fmt.Fprintf(stderr, "adze: %v\n", err)
		if advice := adviceOn(err); advice != "" {
			fmt.Fprintln(stderr, advice)
		}
		if fault.KindOf(err) == fault.Invalid { // found before anybody was asked
			return exitUsage
		}
		return exitFailed
	}
}

// adviceOn is what to do about err, where its text cannot know that it is about a
// command; "" if there is nothing to add.
func adviceOn(err error) string {
	switch {
	case fault.KindOf(err) == fault.Unauthenticated, errors.Is(err, adze.ErrUnauthenticated):
		return "Give a token with --token or ADZE_TOKEN; make one with: adze token create"
	case errors.Is(err, syscall.EADDRINUSE):
		return "Another engine may be running; end it, or give --grpc-addr and --http-addr another port, like 127.0.0.1:0."
	default:
		return ""
	}
}

func newLog(level, format string, to io.Writer) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(level)) // kong has checked it
	options := &slog.HandlerOptions{Level: least}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
