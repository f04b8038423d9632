// Package adze runs functions as durable tasks, on PostgreSQL.
//
// Three things are needed for a first task. A [Task] is a named, typed function:
//
//	var Greet = adze.NewTask("greet", func(ctx context.Context, name string) (string, error) {
//		return "Hello, " + name, nil
//	}, adze.Retries(3))
//
// A [Client] reaches the engine: [Dial] over gRPC, or [Open], which runs the
// engine inside the program and needs a database only.
//
//	client, err := adze.Dial(ctx)
//
// A [Worker] runs tasks, in this program or in others:
//
//	go client.Work(ctx, adze.Slots(100), Greet)
//
// Then a run is submitted from anywhere:
//
//	run, err := Greet.Run(ctx, client, "Ada") // stored: it survives a crash of everything
//	text, err := run.Result(ctx)
//
// A [Workflow] is a graph of tasks that wait for each other:
//
//	var order = adze.NewWorkflow[Order]("order", adze.Retries(3))
//	var charge = adze.AddTask(order, "charge", chargeCard)
//	var ship = adze.AddTask(order, "ship", sendParcel, adze.After(charge), adze.SkipIf(charge, `output.cents == 0`))
//
// A durable task ([NewDurable]) records its steps, and may wait for a month without being
// on any worker:
//
//	var remind = adze.NewDurable("remind", func(ctx context.Context, user User) (string, error) {
//		if err := adze.Sleep(ctx, 30*24*time.Hour); err != nil {
//			return "", err
//		}
//		return adze.Step(ctx, "send mail", func(ctx context.Context) (string, error) { return send(ctx, user) })
//	})
//
// What holds: a run whose submit was answered is never lost; its function runs at
// least once, again after an error as often as its [Retries] say, and elsewhere
// after its worker was lost; it ends exactly once, and its result never changes.
// A function that has effects elsewhere should therefore be idempotent: [TaskID]
// is the same for all attempts of a task and serves as a key.
//
// Inputs and outputs are JSON by encoding/json, at most 4 MiB each unless the
// engine is configured otherwise. Errors of the engine are an [*Error], whose
// Kind says what can be done; the end of a run that did not succeed is a
// [*RunError].
package adze

// sdkName is how this package introduces itself; people see it in lists of workers.
const sdkName = "go/0.1.0"
