package adze_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/adzehq/adze"
)

// Name is an input: whatever encoding/json reads and writes.
type Name struct {
	First string `json:"first"`
}

// Greet is a task: a name, a function and how it may fail.
var Greet = adze.NewTask("greet",
	func(_ context.Context, in Name) (string, error) {
		return "Hello, " + in.First, nil
	},
	adze.Retries(3),
	adze.Timeout(time.Minute),
)

// A first program: a client, a worker in the background, and a run.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client, err := adze.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	go client.Work(ctx, adze.Slots(100), Greet)

	run, err := Greet.Run(ctx, client, Name{First: "Ada"}) // it is stored
	if err != nil {
		log.Fatal(err)
	}
	text, err := run.Result(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.ID, text)
}

// The engine runs inside the program; nothing but a database is needed.
func ExampleOpen() {
	ctx := context.Background()
	client, err := adze.Open(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	// From here on, all is as with Dial.
}

// Many runs are stored in few transactions, and wait for their turn.
func ExampleTask_RunMany() {
	ctx := context.Background()
	client, err := adze.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	names := []Name{{"Ada"}, {"Grace"}, {"Barbara"}}
	runs, err := Greet.RunMany(ctx, client, names, adze.Priority(-10), adze.Delay(time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(runs), "greetings in an hour")
}

// Tasks that wait for each other. Packing and charging happen at the same time, and a
// parcel goes out when both have ended.
func ExampleWorkflow() {
	order := adze.NewWorkflow[Name]("order", adze.Retries(3))
	charge := adze.AddTask(order, "charge", func(context.Context, Name) (int, error) { return 100, nil })
	pack := adze.AddTask(order, "pack", func(context.Context, Name) (string, error) { return "parcel", nil })
	ship := adze.AddTask(order, "ship", func(ctx context.Context, in Name) (string, error) {
		parcel, err := pack.Output(ctx)
		return parcel + " for " + in.First, err
	}, adze.After(charge, pack), adze.CancelIf(charge, `output == 0`))
	order.OnFailure("apologise", func(ctx context.Context, _ Name) error {
		log.Println("this went wrong:", adze.Failures(ctx))
		return nil
	})

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client, err := adze.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	go client.Work(ctx, order)
	results, err := order.Call(ctx, client, Name{First: "Ada"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ship.Of(results))
}

// What a run ends with, told apart.
func ExampleRunError() {
	ctx := context.Background()
	client, err := adze.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = Greet.Call(ctx, client, Name{})
	var ended *adze.RunError
	switch {
	case errors.Is(err, adze.ErrCancelled):
		fmt.Println("someone cancelled it")
	case errors.As(err, &ended):
		fmt.Println("failed at attempt", ended.Attempt, "with", ended.Text)
	case err != nil:
		fmt.Println("no result yet:", err)
	}
}

// A list reads page by page, as far as the loop goes.
func ExampleClient_List() {
	ctx := context.Background()
	client, err := adze.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	lately := adze.Filter{Task: "greet", Statuses: []adze.Status{adze.Failed}, Since: time.Now().Add(-time.Hour)}
	for run, err := range client.List(ctx, lately) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(run.ID, run.Error)
	}
}

// An error that no retry can mend ends the run at once.
func ExampleNonRetryable() {
	charge := adze.NewTask("charge", func(_ context.Context, cents int) (string, error) {
		if cents <= 0 {
			return "", adze.NonRetryable(fmt.Errorf("cannot charge %d cents", cents))
		}
		return "charged", nil
	}, adze.Retries(10))
	fmt.Println(charge.Name())
	// Output: charge
}
