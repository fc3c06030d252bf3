package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chant/runner/process"
	"chant/runner/record"
	"chant/spec"
)

// TestRunProgress: the last line is told, cleaned, masked and by one goroutine
// that the agent never waits for.
func TestRunProgress(t *testing.T) {
	t.Parallel()
	job := scripted(t, spec.OutputText, `i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done; printf '\033[1mlast\033[0m\t%s \001\n\n' "s3cret"`)
	job.Secrets = []string{"s3cret"}
	var lines []string // not locked: the race detector would tell of a second goroutine
	job.Progress = func(line string) { lines = append(lines, line) }
	got, err := Run(t.Context(), newSupervisor(t), job)
	if err != nil || got.Status != record.AgentOK {
		t.Fatalf("result %+v, error %v", got, err)
	}
	if last := lines[len(lines)-1]; last != "last *** ^A" && last != "last ***" {
		t.Errorf("last line %q", last)
	}
	if len(lines) > 20001 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestProgress: only lines with something on them are told, and the unfinished
// one, too.
func TestProgress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		writes []string
		want   string
	}{
		{[]string{"a\n"}, "a"},
		{[]string{"a\nb"}, "b"},
		{[]string{"a\nb\n\n \t\n"}, "b"},
		{[]string{"a\nb", "c", "d\n"}, "bcd"},
		{[]string{"\n", "\x1b[0m\n"}, ""},
		{[]string{strings.Repeat("x", 10*maxLooked)}, strings.Repeat("x", maxShown-1) + "…"},
		{[]string{"a\r\n"}, "a"},
	}
	for _, tt := range tests {
		last := ""
		o := newOutput(spec.OutputText, hiding{}, func(line string) { last = line })
		for _, w := range tt.writes {
			o.keep([]byte(w))
		}
		if last != tt.want {
			t.Errorf("%q: %q, want %q", tt.writes, last, tt.want)
		}
	}
}

// TestProgressHeldBack: the end of an output is told even if it might have
// become a secret.
func TestProgressHeldBack(t *testing.T) {
	t.Parallel()
	last := ""
	o := newOutput(spec.OutputText, hide([]string{"s3cret"}, nil), func(line string) { last = line })
	var c process.Command
	o.connect(&c, func(bool) {})
	fmt.Fprint(c.Output, "a s3cr")
	if o.close(); last != "a s3cr" {
		t.Errorf("last line %q", last)
	}
}

// TestWatch: time here is the bubble's own, and takes none.
func TestWatch(t *testing.T) {
	t.Parallel()
	const idle, grace = 10 * time.Minute, 10 * time.Second
	tests := []struct {
		name string
		done []bool // printed, each a moment before the time would be up
		want error
	}{
		{"silence", nil, idleError(idle)},
		{"output", []bool{false, false, false, false}, idleError(idle)},
		{"result", []bool{false, true}, errLate},
		{"result, and another turn that is silent", []bool{false, true, false}, idleError(idle)},
		{"another turn's result", []bool{true, false, true}, errLate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, printed, rest := watch(t.Context(), idle, grace)
				defer rest()
				limit := idle
				for _, done := range tt.done {
					time.Sleep(limit - 1)
					printed(done)
					if limit = idle; done {
						limit = grace
					}
				}
				time.Sleep(limit - 1)
				if n := len(tt.done); n > 0 && tt.done[n-1] {
					printed(tt.done[n-1]) // what is no event gives no more time
				}
				synctest.Wait()
				if err := context.Cause(ctx); err != nil {
					t.Fatalf("ended early: %v", err)
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if err := context.Cause(ctx); !errors.Is(err, tt.want) {
					t.Errorf("ended for %v, not %v", err, tt.want)
				}
			})
		})
	}
}

// TestResultJSON holds the names under which evidence is kept.
func TestResultJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(record.AgentResult{Agent: "claude", Status: record.AgentOK, CostUSD: 0.5, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	want := `{"agent":"claude","status":"ok","reason":"","exit":0,"signal":"","started":"2026-01-02T03:04:05Z","duration_ms":0,` +
		`"model_asked":"","model_reported":"","cost_usd":0.5,"tokens_in":0,"tokens_out":0,"denied":0,"left":0,` +
		`"final_text":"","transcript":"","output_digest":""}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

// TestRunFlood is not parallel: it looks at the whole program's memory.
func TestRunFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 200 MB several times")
	}
	tests := []struct {
		stream, shape string
		form          spec.AgentOutput
	}{
		{"stdout", "lines", spec.OutputText},
		{"stdout", "lines", spec.OutputClaude},
		{"stdout", "one line", spec.OutputClaude},
		{"stderr", "one line", spec.OutputClaude},
	}
	s := newSupervisor(t)
	for _, tt := range tests {
		job := scripted(t, tt.form, "")
		job.Agent.Command = []string{os.Args[0], tt.shape}
		job.Agent.Env = []string{childEnv}
		job.Agent.Timeout, job.Agent.IdleTimeout = 0, 0
		job.Env = append(job.Env, childEnv+"="+tt.stream)
		job.Secrets = []string{"a secret of the usual length", "xxxxxxy"}
		job.Progress = func(string) {}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := Run(t.Context(), s, job)
		runtime.ReadMemStats(&after)
		if err != nil || got.Status != record.AgentOK || len(got.Transcript) < keepHead+keepTail || len(got.Transcript) > keepHead+keepTail+100 {
			t.Fatalf("%v: status %s, %d bytes kept, error %v", tt, got.Status, len(got.Transcript), err)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
			t.Errorf("%v: the heap grew by %d bytes", tt, grown)
		}
	}
}
