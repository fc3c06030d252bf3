package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

var errBroken = errors.New("broken")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

// failingWriter fails at the second write and counts those after it.
type failingWriter struct{ writes int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 2 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestRunBrokenOutput(t *testing.T) {
	t.Parallel()
	w := &failingWriter{}
	c := shell(t, "head -c 3000000 /dev/zero && exit 7") // blocks unless drained
	c.Output = w
	res := newSupervisor(t).Run(t.Context(), c)
	if !errors.Is(res.Err, errBroken) || res.Exit != 7 {
		t.Errorf("result %+v, want exit 7 and the writer's error", res)
	}
	if w.writes != 2 {
		t.Errorf("%d writes, want none after the second, which failed", w.writes)
	}
}

// TestRunErrors: stderr apart, also when both streams are more than the pipes
// hold, or one of them is unwanted.
func TestRunErrors(t *testing.T) {
	t.Parallel()
	const script = `head -c 300000 /dev/zero >&2; echo out; head -c 300000 /dev/zero; echo err >&2`
	tests := []struct{ output, errors bool }{{true, true}, {true, false}, {false, true}, {false, false}}
	s := newSupervisor(t)
	for _, tt := range tests {
		t.Run(fmt.Sprintf("output %v errors %v", tt.output, tt.errors), func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			c := shell(t, script)
			wantOut, wantErrs := "", ""
			if tt.errors {
				c.Errors, wantErrs = &errs, "err\n"
			}
			if tt.output {
				c.Output, wantOut = &out, "out\n"
				if !tt.errors {
					wantOut += "err\n"
				}
			}
			if res := s.Run(t.Context(), c); res.Err != nil || res.Exit != 0 {
				t.Fatalf("result %+v", res)
			}
			got := strings.ReplaceAll(out.String(), "\x00", "")
			gotErrs := strings.ReplaceAll(errs.String(), "\x00", "")
			if got != wantOut || gotErrs != wantErrs {
				t.Errorf("output %q, errors %q; want %q, %q", got, gotErrs, wantOut, wantErrs)
			}
		})
	}
}

// blockedWriter is an Output that takes nothing before the command is dead.
type blockedWriter struct{ dead io.Reader }

func (w blockedWriter) Write(p []byte) (int, error) {
	_, err := io.ReadAll(w.dead)
	return len(p), err
}

// TestRunTimeoutOutputBlocked: an output that takes nothing holds no timeout up.
func TestRunTimeoutOutputBlocked(t *testing.T) {
	t.Parallel()
	c := shell(t, `exec 9>"$HELD"; echo up; exec sleep 1000`)
	c.Timeout = 50 * time.Millisecond
	dead, err := os.OpenFile(Getenv(c.Env, "HELD"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	if err := dead.SetReadDeadline(time.Now().Add(limit / 2)); err != nil {
		t.Fatal(err)
	}
	c.Output = blockedWriter{dead}
	if res := newSupervisor(t).Run(t.Context(), c); !res.TimedOut || res.Err != nil {
		t.Errorf("result %+v, want a timeout", res)
	}
}

// TestRunFlood is not parallel: it looks at the whole program's memory.
func TestRunFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 200 MB")
	}
	want := fmt.Sprintf("[… %d bytes left out …]", 200<<20-2<<10)
	s := newSupervisor(t)
	buf := NewBuffer(1<<10, 1<<10)
	c := shell(t, "head -c 209715200 /dev/zero")
	c.Output = buf
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res := s.Run(t.Context(), c)
	runtime.ReadMemStats(&after)
	if res.Err != nil || res.Exit != 0 || !strings.Contains(buf.String(), want) {
		t.Fatalf("result %+v, output %q, want %q", res, buf, want)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("allocated %d bytes", grown)
	}
}
