package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
)

var errInterrupted = errors.New("Ctrl-C")

// interruptible returns a context that Ctrl-C ends, so that a command can say
// what it knows so far; a second one ends the process.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt)
	go func() {
		select {
		case <-ch:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
		signal.Stop(ch)
	}()
	return ctx, func() { cancel(nil) }
}
