package agent

import (
	"encoding/json"
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

// TestRunProgress: the last line is told, cleaned and masked, and no two at a time.
func TestRunProgress(t *testing.T) {
	t.Parallel()
	job := scripted(t, spec.OutputText, `i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done; printf '\033[1mlast\033[0m\t%s \001\n\n' "s3cret"`)
	job.Secrets = []string{"s3cret"}
	var lines []string // not locked: the race detector would tell of two at a time
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

// TestProgress: only lines with something on them are told, and the unfinished one, too,
// even if it might have become a secret.
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
		{[]string{"a\nb s3cret"}, "b ***"},
		{[]string{"a s3cr"}, "a s3cr"},
	}
	for _, tt := range tests {
		last := ""
		job := printing(spec.OutputText)
		job.Secrets, job.Progress = []string{"s3cret"}, func(line string) { last = line }
		var c process.Command
		l := listen(job, &c, time.NewTimer(limit))
		for _, w := range tt.writes {
			fmt.Fprint(c.Output, w)
		}
		if l.close(); last != tt.want {
			t.Errorf("%q: %q, want %q", tt.writes, last, tt.want)
		}
	}
}

// TestSilence: time here is the bubble's own, and takes none.
func TestSilence(t *testing.T) {
	t.Parallel()
	const idle = 10 * time.Minute
	const text, start, result = "text\n", `{"type":"system"}` + "\n", `{"type":"result"}` + "\n"
	tests := []struct {
		name   string
		prints []string // each a moment before the time would be up
		grace  time.Duration
	}{
		{"silence", nil, idle},
		{"output", []string{text, start, text, "half a line"}, idle},
		{"result", []string{start, result}, resultGrace},
		{"result, and another turn that is silent", []string{result, start}, idle},
		{"another turn's result", []string{result, start, start + result}, resultGrace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				job := printing(spec.OutputClaude)
				job.Agent.IdleTimeout = idle
				silence := time.NewTimer(idle)
				var c process.Command
				l := listen(job, &c, silence)
				for _, piece := range tt.prints {
					if l.done {
						time.Sleep(resultGrace - 1)
					} else {
						time.Sleep(idle - 1)
					}
					fmt.Fprint(c.Output, piece)
				}
				time.Sleep(tt.grace - 1)
				if l.done {
					fmt.Fprint(c.Errors, text) // what is no event gives no more time
				}
				select {
				case <-silence.C:
					t.Fatal("ended early")
				default:
				}
				time.Sleep(time.Nanosecond)
				select {
				case <-silence.C:
				default:
					t.Error("did not end")
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
