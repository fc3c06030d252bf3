// Command scripted-agent stands for a coding agent in whole-program tests: it
// does what the file that it is given says, one step a line. $WORK in a step is the
// folder of that file, whose folder out it can write to.
//
//	say TEXT, err TEXT   print a line to stdout or stderr
//	bytes TEXT           print a text with Go's escapes, and no line end
//	flood N STREAM       print N MB of lines to stdout or stderr
//	write PATH TEXT      make a line the content of a file
//	tick PATH            tick every box of a spec
//	prompt PATH          save what comes on stdin
//	hang                 wait for an hour
//	deaf                 ignore SIGTERM from here on
//	run N                do what follows only when started for the Nth time
//	exit N               end
//	sh COMMAND           anything else; a command that fails ends the agent
//
// Blank lines and lines that begin with # are none.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// exitBroken is the exit code of an agent that could not do its steps.
const exitBroken = 99

func main() {
	a := agent{in: os.Stdin, out: os.Stdout, err: os.Stderr} //nolint:forbidigo // a program's main
	code, err := a.do(os.Args[1])
	if err != nil {
		fmt.Fprintln(a.err, "scripted-agent:", err)
		code = exitBroken
	}
	os.Exit(code) //nolint:forbidigo // a program's main
}

type agent struct {
	in       io.Reader
	out, err io.Writer
}

// do does the steps of a file and gives the exit code.
func (a agent) do(file string) (code int, err error) {
	steps, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	now, err := count(filepath.Join(filepath.Dir(file), "out", filepath.Base(file)+".runs"))
	if err != nil {
		return 0, err
	}
	work := filepath.Dir(file)
	if err := os.Setenv("WORK", work); err != nil { // for sh
		return 0, err
	}
	skip := false
	for line := range strings.Lines(strings.ReplaceAll(string(steps), "$WORK", work)) {
		verb, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		switch {
		case verb == "run":
			skip = rest != strconv.Itoa(now)
		case skip || verb == "" || verb[0] == '#':
		case verb == "exit":
			return strconv.Atoi(rest)
		default:
			if err := a.step(verb, rest); err != nil {
				return 0, fmt.Errorf("%s %s: %w", verb, rest, err)
			}
		}
	}
	return 0, nil
}

// count adds one to the number in a file.
func count(file string) (int, error) {
	n := 0
	text, err := os.ReadFile(file)
	if err == nil {
		n, err = strconv.Atoi(string(text))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	return n + 1, write(file, []byte(strconv.Itoa(n+1)))
}

func (a agent) step(verb, rest string) error {
	word, more, _ := strings.Cut(rest, " ")
	switch verb {
	case "say":
		return printed(fmt.Fprintln(a.out, rest))
	case "err":
		return printed(fmt.Fprintln(a.err, rest))
	case "bytes":
		text, err := strconv.Unquote(`"` + rest + `"`)
		if err != nil {
			return err
		}
		return printed(io.WriteString(a.out, text))
	case "flood":
		return a.flood(word, more)
	case "write":
		return write(word, []byte(more+"\n"))
	case "tick":
		src, err := os.ReadFile(word)
		if err != nil {
			return err
		}
		return write(word, bytes.ReplaceAll(src, []byte("- [ ]"), []byte("- [x]")))
	case "prompt":
		prompt, err := io.ReadAll(a.in)
		if err != nil {
			return err
		}
		return write(word, prompt)
	case "hang":
		<-time.NewTimer(time.Hour).C
		return nil
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		return nil
	case "sh":
		cmd := exec.CommandContext(context.Background(), "sh", "-e", "-c", rest)
		cmd.Stdout, cmd.Stderr = a.out, a.err
		return cmd.Run()
	}
	return errors.New("no such step")
}

func printed(_ int, err error) error { return err }

// flood prints so many MB of lines.
func (a agent) flood(megabytes, stream string) error {
	n, err := strconv.Atoi(megabytes)
	if err != nil {
		return err
	}
	to := a.out
	if stream == "stderr" {
		to = a.err
	}
	lines := bytes.Repeat([]byte("a line that comes again and again and again, 64 bytes in length\n"), 1<<14)
	for range n {
		if _, err := to.Write(lines); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file as most programs do: in place, and not at once.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:forbidigo // no part of chant
}
