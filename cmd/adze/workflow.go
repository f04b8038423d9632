package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
)

type workflowCmd struct {
	Export workflowExportCmd `cmd:"" help:"Print the definition of a workflow as JSON."`
	Import workflowImportCmd `cmd:"" help:"Register a definition that is given as JSON."`
	Graph  workflowGraphCmd  `cmd:"" help:"Draw the tasks of a workflow."`
	Pause  workflowPauseCmd  `cmd:"" help:"Let no task of a workflow begin."`
	Resume workflowResumeCmd `cmd:"" help:"Let a paused workflow go on."`
}

type workflowExportCmd struct {
	connection
	Name string `arg:"" help:"The workflow's name."`
}

// Run prints the current version, indented.
func (c *workflowExportCmd) Run(e *env) error {
	definition, err := export(e, &c.connection, c.Name)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, definition, "", "  "); err != nil {
		return fmt.Errorf("indent definition: %w", err)
	}
	_, err = fmt.Fprintf(e.stdout, "%s\n", indented.Bytes())
	return err
}

func export(e *env, c *connection, name string) (json.RawMessage, error) {
	client, err := c.dial(e)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Export(e.ctx, name)
}

type workflowImportCmd struct {
	connection
	File string `arg:"" help:"The file with the definition, or - for standard input."`
}

// Run prints the name of the workflow.
func (c *workflowImportCmd) Run(e *env) error {
	definition, err := readDefinition(c.File, e.stdin)
	if err != nil {
		return err
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	name, err := client.Import(e.ctx, definition)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, name)
	return nil
}

func readDefinition(file string, stdin io.Reader) (definition []byte, err error) {
	if file == "-" {
		definition, err = io.ReadAll(io.LimitReader(stdin, inputBytesMax))
	} else {
		definition, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read definition: %w", err)
	}
	return definition, nil
}

type workflowGraphCmd struct {
	connection
	Name    string `arg:"" optional:"" help:"The workflow's name."`
	File    string `short:"f" help:"Draw the definition in this file instead, or - for standard input."`
	Mermaid bool   `help:"For Mermaid, to be put into documents."`
}

// Run draws for the terminal, or for Mermaid.
func (c *workflowGraphCmd) Run(e *env) error {
	if (c.Name == "") == (c.File == "") {
		return fault.New(fault.Invalid, "name", "is what to draw, or --file is; give one of them")
	}
	definition, err := c.definition(e)
	if err != nil {
		return err
	}
	var w shard.Workflow
	if err := json.Unmarshal(definition, &w); err != nil {
		return fmt.Errorf("decode definition: %w", err)
	}
	if c.Mermaid {
		_, err = io.WriteString(e.stdout, mermaid(&w))
	} else {
		_, err = io.WriteString(e.stdout, drawWorkflow(&w, newScreen(e.stdout)))
	}
	return err
}

func (c *workflowGraphCmd) definition(e *env) ([]byte, error) {
	if c.File != "" {
		return readDefinition(c.File, e.stdin)
	}
	return export(e, &c.connection, c.Name)
}

// drawWorkflow draws the tasks of w, and its handlers below them.
func drawWorkflow(w *shard.Workflow, s *screen) string {
	var b strings.Builder
	fmt.Fprintln(&b, strings.TrimSpace(w.Name+"  "+s.faint(w.Description)))
	for _, t := range w.Triggers {
		fmt.Fprintln(&b, "  "+s.green("↯")+" "+t.Event+s.faint(aboutTrigger(t)))
	}
	var tasks, handlers []drawn
	for i := range w.Tasks {
		t := &w.Tasks[i]
		one := drawn{name: t.Name, parents: t.Parents, mark: s.green("●"), text: s.faint(aboutTask(t))}
		if t.Role != "" {
			one.mark = s.green(map[shard.Role]string{shard.RoleOnFailure: "✗", shard.RoleOnSuccess: "✓"}[t.Role])
			handlers = append(handlers, one)
			continue
		}
		tasks = append(tasks, one)
	}
	return b.String() + indented(tasks) + indented(handlers)
}

func aboutTrigger(t shard.Trigger) string {
	if t.Expression == "" {
		return ""
	}
	return "  if " + t.Expression
}

func sayMap(say func(format string, args ...any), m *shard.Map) {
	if m != nil {
		say("for each of %s, %d at a time", m.Over, m.Concurrency)
	}
}

// aboutTask says what matters of a task, in one line.
func aboutTask(t *shard.Task) string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if t.Role != "" {
		say("%s", strings.ReplaceAll(string(t.Role), "_", " "))
	}
	sayMap(say, t.Map)
	sayConditions(say, "wait for", " and ", t.WaitFor)
	sayConditions(say, "skip if", " or ", t.SkipIf)
	sayConditions(say, "cancel if", " or ", t.CancelIf)
	if t.Retries > 0 && t.Map == nil { // those of its elements are in their definition
		say("%d retries", t.Retries)
	}
	if t.ExecutionTimeoutMS > 0 {
		say("timeout %s", short(time.Duration(t.ExecutionTimeoutMS)*time.Millisecond))
	}
	if t.Description != "" {
		say("%s", t.Description)
	}
	return strings.Join(all, " · ")
}

// sayConditions says what a list of conditions is about, if it has any.
func sayConditions(say func(format string, args ...any), what, joint string, list []shard.TaskCondition) {
	if len(list) == 0 {
		return
	}
	all := make([]string, len(list))
	for i := range list {
		all[i] = aboutCondition(&list[i], len(list) > 1)
	}
	say("%s %s", what, strings.Join(all, joint))
}

// aboutCondition says a condition, in brackets if it is several and inside of others.
func aboutCondition(c *shard.TaskCondition, inside bool) string {
	switch {
	case c.Parent != "":
		return c.Parent + ": " + c.Expression
	case c.SleepMS != 0:
		return long(time.Duration(c.SleepMS) * time.Millisecond)
	case c.Event != "":
		text := "event " + c.Event
		if c.Scope != "" {
			text += " of " + c.Scope
		}
		if c.If != "" {
			text += " with " + c.If
		}
		return text
	}
	list, joint := c.Any, " or "
	if len(list) == 0 {
		list, joint = c.All, " and "
	}
	all := make([]string, len(list))
	for i := range list {
		all[i] = aboutCondition(&list[i], len(list) > 1)
	}
	text := strings.Join(all, joint)
	if inside && len(list) > 1 {
		text = "(" + text + ")"
	}
	return text
}

// long writes whole days as such, and all else as short does.
func long(d time.Duration) string {
	const day = 24 * time.Hour
	switch days := d / day; {
	case d%day != 0 || days == 0:
		return short(d)
	case days == 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", days)
	}
}

// short writes 1m0s as 1m, and 1h0m0s as 1h.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// mermaid is w as a flowchart. Conditions stand on the arrows.
func mermaid(w *shard.Workflow) string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	places := make(map[string]int, len(w.Tasks))
	for i := range w.Tasks {
		places[w.Tasks[i].Name] = i
	}
	fmt.Fprintf(&b, "  subgraph tasks [%s]\n", label(w.Name))
	for i := range w.Tasks {
		switch t := &w.Tasks[i]; {
		case t.Map != nil:
			fmt.Fprintf(&b, "    t%d[[%s]]\n", i, nodeText(t))
		case t.Role == "":
			fmt.Fprintf(&b, "    t%d[%s]\n", i, nodeText(t))
		}
	}
	b.WriteString("  end\n")
	for i, t := range w.Triggers {
		arrow := ""
		if t.Expression != "" {
			arrow = "|" + label("if "+t.Expression) + "|"
		}
		fmt.Fprintf(&b, "  e%d([%s]) -->%s tasks\n", i, label(t.Event), arrow)
	}
	for i := range w.Tasks {
		t := &w.Tasks[i]
		for _, parent := range t.Parents {
			fmt.Fprintf(&b, "  t%d -->%s t%d\n", places[parent], arrowText(t, parent), i)
		}
		if t.Role != "" {
			fmt.Fprintf(&b, "  tasks -. %s .-> t%d[%s]\n", label(strings.ReplaceAll(string(t.Role), "_", " ")), i, label(t.Name))
		}
	}
	return b.String()
}

// arrowText are the conditions of t that are over one parent alone, as the text of its
// arrow.
func arrowText(t *shard.Task, parent string) string {
	var all []string
	for _, list := range []struct {
		what       string
		conditions []shard.TaskCondition
	}{{"wait for ", t.WaitFor}, {"skip if ", t.SkipIf}, {"cancel if ", t.CancelIf}} {
		for _, c := range list.conditions {
			if c.Parent == parent {
				all = append(all, list.what+c.Expression)
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "|" + label(strings.Join(all, " or ")) + "|"
}

// nodeText is the name of t, and below it the conditions that stand on no arrow.
func nodeText(t *shard.Task) string {
	all := []string{t.Name}
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	noArrow := func(list []shard.TaskCondition) []shard.TaskCondition {
		return slices.DeleteFunc(slices.Clone(list), func(c shard.TaskCondition) bool { return c.Parent != "" })
	}
	sayMap(say, t.Map)
	sayConditions(say, "wait for", " and ", noArrow(t.WaitFor))
	sayConditions(say, "skip if", " or ", noArrow(t.SkipIf))
	sayConditions(say, "cancel if", " or ", noArrow(t.CancelIf))
	labels := make([]string, len(all))
	for i, text := range all {
		labels[i] = strings.Trim(label(text), `"`)
	}
	return `"` + strings.Join(labels, "<br>") + `"`
}

// label quotes a text for Mermaid, which reads # as the beginning of an entity.
func label(text string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(text) + `"`
}
