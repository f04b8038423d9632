package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/examples/wordcount"
	"github.com/adzehq/adze/internal/server"
)

const (
	demoSlots = 16
	// demoTop words are shown, of demoLetters or more: shorter ones say little.
	demoTop     = 12
	demoLetters = 4
	// demoLook is how often the progress is shown.
	demoLook = 100 * time.Millisecond
)

// demoCmd is devCmd with something to do.
type demoCmd struct {
	Once bool `help:"End when the book is counted, instead of staying up."`
	devCmd
}

// errDemoOver ends the engine after a demo that runs once.
var errDemoOver = errors.New("the demo is over")

// Run starts an engine as dev does, and has the words of a book counted.
func (c *demoCmd) Run(e *env) error {
	quiet := *e
	quiet.log = slog.New(warnings{e.log.Handler()}) // the demo speaks for itself
	began := time.Now()
	postgres, own := "yours", c.DatabaseURL == ""
	if own {
		postgres = "of its own, data in " + filepath.Join(c.DataDir, "postgres")
	}
	fmt.Fprintf(e.stdout, "\nAdze counts the words of a novel, a page a task. One page in twenty is smudged\nand fails at first.\n\n")
	err := c.devCmd.with(&quiet, func(s *server.Server) error {
		if _, err := c.writeToken(e.ctx, s); err != nil {
			return err
		}
		d := &demo{cmd: c, env: &quiet, screen: newScreen(e.stdout), server: s, own: own}
		d.screen.done("Postgres", "%s (%s)", postgres, since(began))
		d.screen.done("Engine", "gRPC on %s, HTTP on %s", s.GRPCAddr(), s.HTTPURL())
		if err := d.run(e.ctx); err != nil {
			return err
		}
		if c.Once {
			return errDemoOver
		}
		fmt.Fprintf(e.stdout, "\nUp until Ctrl-C.\n")
		return nil
	})
	if errors.Is(err, errDemoOver) {
		return nil
	}
	return err
}

// demo is one showing.
type demo struct {
	cmd    *demoCmd
	env    *env
	screen *screen
	server *server.Server
	own    bool // the database is the demo's: its address holds no secret
}

// run starts a worker, submits the book and shows what comes of it.
func (d *demo) run(ctx context.Context) error {
	token, err := os.ReadFile(filepath.Join(d.cmd.DataDir, "token"))
	if err != nil {
		return fmt.Errorf("read token: %w", err)
	}
	client, err := adze.Dial(ctx, adze.Address(d.server.GRPCAddr()),
		adze.Token(strings.TrimSpace(string(token))), adze.Logger(d.env.log))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, stop := context.WithCancel(ctx)
	worked := make(chan error, 1)
	go func() { worked <- client.Work(ctx, wordcount.Count, adze.Slots(demoSlots), adze.WorkerName("demo")) }()
	err = d.count(ctx, client)
	stop()
	return errors.Join(err, <-worked)
}

// count submits the pages, waits for their words and shows the sum.
func (d *demo) count(ctx context.Context, client *adze.Client) error {
	pages := wordcount.Pages()
	d.screen.done("Worker", "%d slots, task %q, over gRPC", demoSlots, wordcount.Count.Name())
	began := time.Now()
	runs, err := wordcount.Count.RunMany(ctx, client, pages)
	if err != nil {
		return err
	}
	d.screen.done("Submitted", "%d pages of %q in one transaction (%s)", len(runs), wordcount.Title(), since(began))
	fmt.Fprintln(d.env.stdout)

	words, err := d.gather(ctx, client, runs)
	if err != nil {
		return err
	}
	took := time.Since(began)
	retried, err := d.retried(ctx, client, runs[0].ID)
	if err != nil {
		return err
	}
	d.showWords(words, len(runs), len(retried), took)
	d.showWhere(retried)
	return nil
}

// gather adds up the words of all pages as they come, and shows how far it is.
func (d *demo) gather(ctx context.Context, client *adze.Client, runs []*adze.Run[wordcount.Words]) (wordcount.Words, error) {
	type page struct {
		words wordcount.Words
		err   error
	}
	pages := make(chan page, len(runs))
	for _, run := range runs {
		go func() {
			words, err := run.Result(ctx)
			pages <- page{words, err}
		}()
	}
	look := time.NewTicker(demoLook)
	defer look.Stop()
	sum := wordcount.Words{}
	began := time.Now()
	for done := 0; done < len(runs); {
		select {
		case p := <-pages:
			if p.err != nil {
				return nil, p.err
			}
			sum.Add(p.words)
			done++
		case <-look.C:
			waiting, err := delayed(ctx, client)
			if err != nil {
				return nil, err
			}
			d.screen.progress(done, len(runs), fmt.Sprintf("%d wait for a retry", waiting), time.Since(began))
		}
	}
	d.screen.progress(len(runs), len(runs), "all pages counted", time.Since(began))
	d.screen.keep()
	return sum, nil
}

// delayed is how many pages wait for their next attempt.
func delayed(ctx context.Context, client *adze.Client) (n int, err error) {
	filter := adze.Filter{Task: wordcount.Count.Name(), Statuses: []adze.Status{adze.Delayed}}
	for _, err := range client.List(ctx, filter) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// retried are the runs since the first of this demo that took more than one attempt.
func (d *demo) retried(ctx context.Context, client *adze.Client, first adze.ID) (ids []adze.ID, err error) {
	for run, err := range client.List(ctx, adze.Filter{Task: wordcount.Count.Name()}) {
		if err != nil {
			return nil, err
		}
		if run.ID < first {
			break
		}
		if run.Attempt > 1 {
			ids = append(ids, run.ID)
		}
	}
	return ids, nil
}

func (d *demo) showWords(words wordcount.Words, pages, retried int, took time.Duration) {
	const barWidth = 32
	fmt.Fprintf(d.env.stdout, "\n%s words on %d pages, %d of them different, in %s.\n%d pages failed at first, were retried, and are counted once.\n\n",
		thousands(words.Total()), pages, len(words), took.Round(time.Millisecond), retried)
	top := words.Top(demoTop, demoLetters)
	for _, one := range top {
		bar := strings.Repeat("█", max(1, one.Count*barWidth/top[0].Count))
		fmt.Fprintf(d.env.stdout, "  %-12s %7s  %s\n", one.Word, thousands(one.Count), d.screen.faint(bar))
	}
}

// showWhere says how to look at what happened; each line works as it stands.
func (d *demo) showWhere(retried []adze.ID) {
	self, dir := d.self(), ""
	if d.cmd.DataDir != dataDirDefault {
		dir = " --data-dir " + d.cmd.DataDir
	}
	to := d.env.stdout
	fmt.Fprintf(to, "\nEach page is a run, kept in Postgres.")
	if d.cmd.Once {
		fmt.Fprintf(to, " To look at them, start the engine again:\n\n  %s dev%s\n\nand then:\n\n", self, dir)
	} else {
		fmt.Fprintf(to, " Look at them from another terminal:\n\n")
	}
	fmt.Fprintf(to, "  %s runs list --workflow %s%s\n", self, wordcount.Count.Name(), dir)
	if len(retried) > 0 {
		fmt.Fprintf(to, "  %s runs get %s%s   # one that was retried\n", self, retried[0], dir)
	}
	fmt.Fprintf(to, "  curl %s/metrics\n", d.server.HTTPURL())
	if d.own {
		fmt.Fprintf(to, "  psql '%s' -c 'select status, count(*) from adze.task_result group by 1'\n", d.cmd.DatabaseURL)
	}
}

// self is how this program is called.
func (d *demo) self() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/adze"
	}
	return os.Args[0]
}

// warnings is a log handler that drops what is no warning.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func since(began time.Time) time.Duration { return time.Since(began).Round(time.Millisecond) }
