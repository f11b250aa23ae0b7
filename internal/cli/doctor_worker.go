package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvitt/internal/operate"
	"kvitt/workflows"
)

// A worker that lives asks for work at least once a minute, and Temporal
// remembers one for five after it has died. So a list of who asked lately proves
// nothing: the doctor asks a connection something that only a worker can answer.
const (
	asksWithin  = 90 * time.Second
	mostAsked   = 3 // connections that are asked until one answers
	mostWorkers = 3 // workers that are named
)

// worker checks that somebody does the work now.
func (e *examination) worker(ctx context.Context) {
	w, err := e.temporal.Workers(ctx)
	switch {
	case err != nil:
		e.failed("worker", "", err)
		return
	case w.Count == 0:
		e.fail("worker", "", fmt.Sprintf("No worker polls the task queue %q.", w.Queue), operate.StartWorker)
		return
	}
	age := max(0, e.now().Sub(w.Last))
	seen := fmt.Sprintf("%s the task queue %q, last %s ago", polled(w.Count), w.Queue, span(age))
	if len(w.Names) > 0 {
		seen += " (" + operate.Printable(operate.Some(w.Names, mostWorkers)) + ")"
	}
	switch asked, answered := e.answers(ctx); {
	case answered:
		e.manned = true
		e.ok("worker", "", seen+"; it answers")
	case asked:
		e.fail("worker", "", operate.Finish(seen)+" None answers now: it has stopped or hangs. Temporal lists a worker for five minutes after it stopped.", operate.StartWorker)
	case age > asksWithin:
		e.warn("worker", "", operate.Finish(seen)+" A running worker polls every minute.", operate.StartWorker)
	default:
		e.manned = true
		e.ok("worker", "", seen)
	}
}

// answers asks connections how they stand until one answers. asked is false when
// there is none to ask.
func (e *examination) answers(ctx context.Context) (asked, answered bool) {
	if e.vault == nil { // the database cannot be read
		return false, false
	}
	all, err := e.store.Connections(ctx)
	if err != nil {
		return false, false
	}
	tried := 0
	for i := range all {
		if all[i].State == workflows.ConnDisconnected || tried == mostAsked {
			continue
		}
		tried++
		_, err := operate.Ask(ctx, e.temporal, workflows.ConnectionStatus, workflows.ConnectionWorkflowID(all[i].ID))
		switch {
		case err == nil:
			return true, true
		case errors.Is(err, operate.ErrNoAnswer):
			return true, false
		}
	}
	return false, false
}

// attention names the connections that need somebody, and the checks that say so.
func (c *checks) attention() []string {
	var order []string
	why := map[string][]string{}
	names := map[string]string{}
	for i := range c.list {
		k := &c.list[i]
		if k.Connection == "" || k.Result == checkOK {
			continue
		}
		if _, known := why[k.Connection]; !known {
			order = append(order, k.Connection)
		}
		names[k.Connection] = k.Name
		why[k.Connection] = append(why[k.Connection], k.Check+" "+k.Result)
	}
	for i, id := range order {
		words := id
		if names[id] != "" {
			words += " (" + operate.Printable(names[id]) + ")"
		}
		order[i] = words + ": " + strings.Join(why[id], ", ")
	}
	return order
}
