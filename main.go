// Command chant drives a bug from report to merged fix in phases, and proves
// the fix.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"chant/cmd"
)

func main() {
	debug.SetGCPercent(400) // chant ends soon: to collect less often saves 4 % of the time of verify
	os.Exit(run())
}

// run runs chant and returns its exit code.
func run() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		sig := <-signals
		signal.Reset() // a second one ends chant at once
		cancel(cmd.SignalError{Signal: sig.(syscall.Signal)})
	}()

	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chant: finding the current folder:", err)
		return cmd.ExitEnvironment
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown" // it is only shown, to tell whose lock it is
	}
	self, err := os.Executable()
	if err != nil {
		self = "" // a check that calls chant then needs it on PATH
	}
	app := cmd.App{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Env: os.Environ(), Dir: dir, Self: self, Host: host, PID: os.Getpid(), Now: time.Now,
	}
	return app.Run(ctx, os.Args[1:])
}
