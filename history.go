package adze

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze/internal/base/id"
)

// History is what a run of a durable task did: all that its function was told. As JSON it
// is kept beside a program's tests, where adzetest.Replay holds new code to it.
type History struct {
	Run         ID              `json:"run"`
	Task        string          `json:"task"`           // the name of the Task or Workflow
	Node        *HistoryNode    `json:"node,omitempty"` // the task of a Workflow
	Status      Status          `json:"status"`
	SubmittedAt time.Time       `json:"submitted_at"`
	Input       json.RawMessage `json:"input"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Log         []EntryInfo     `json:"log"`
	Children    []ChildResult   `json:"children,omitempty"` // that the log names, and have ended
}

// HistoryNode is a task of a [Workflow], with what its parents gave.
type HistoryNode struct {
	Name    string                     `json:"name"`
	ID      ID                         `json:"id"`
	Outputs map[string]json.RawMessage `json:"outputs,omitempty"` // by the parents' names
}

// ChildResult is how a child ended.
type ChildResult struct {
	ID      ID              `json:"id"`
	Status  Status          `json:"status"`
	Attempt int             `json:"attempt"`
	Output  json.RawMessage `json:"output,omitempty"`
	Error   string          `json:"error,omitzero"`
}

// historyReads is how many children are read at the same time.
const historyReads = 16

// History reads what a run of a durable task did, whether it has ended or not. A run whose
// log is empty has none: ErrNotFound.
func (c *Client) History(ctx context.Context, run ID) (*History, error) {
	return c.HistoryOf(ctx, run, "")
}

// HistoryOf is [Client.History] of a task of a [Workflow], by its name.
func (c *Client) HistoryOf(ctx context.Context, run ID, task string) (*History, error) {
	info, err := c.transport.get(ctx, id.ID(run), task)
	if err == nil && len(info.Log) == 0 {
		err = &Error{Kind: KindNotFound, Field: "id", Text: "run " + run.String() + " has no log: name a durable task that has recorded something"}
	}
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", run, err)
	}
	h := &History{
		Run: run, Task: info.Task, Status: info.Status, SubmittedAt: info.SubmittedAt,
		Input: info.Input, Metadata: info.Metadata, Log: info.Log,
	}
	if len(info.Tasks) > 0 {
		h.Node, h.Status = nodeHistory(info.Tasks, task)
	}
	if h.Children, err = c.childResults(ctx, info.Log); err != nil {
		return nil, fmt.Errorf("history of %s: %w", run, err)
	}
	return h, nil
}

// nodeHistory is the task of that name with what its parents gave, and how it stands.
func nodeHistory(tasks []TaskInfo, name string) (*HistoryNode, Status) {
	named := func(t TaskInfo) bool { return t.Name == name }
	own := &tasks[slices.IndexFunc(tasks, named)]
	node := &HistoryNode{Name: name, ID: own.ID, Outputs: map[string]json.RawMessage{}}
	for _, t := range tasks {
		if slices.Contains(own.Parents, t.Name) && t.Status == Succeeded {
			node.Outputs[t.Name] = t.Output
		}
	}
	return node, own.Status
}

// childResults are those of the children that a log names, in its order.
func (c *Client) childResults(ctx context.Context, log []EntryInfo) ([]ChildResult, error) {
	var children []ID
	for _, e := range log {
		if e.Kind != "spawn" || e.Error != "" {
			continue
		}
		var spawned []ID
		if err := json.Unmarshal(e.Data, &spawned); err != nil {
			return nil, fmt.Errorf("read children of entry %d: %w", e.Index, err)
		}
		children = append(children, spawned...)
	}
	results := make([]ChildResult, len(children))
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(historyReads)
	for i, child := range children {
		reads.Go(func() error {
			info, err := c.transport.get(ctx, id.ID(child), "")
			if err == nil && info.Status.Ended() {
				results[i] = ChildResult{ID: child, Status: info.Status, Attempt: info.Attempt, Output: info.Output, Error: info.Error}
			}
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(results, func(r ChildResult) bool { return r.ID == 0 }), nil
}
