package agent

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// childEnv makes the test binary an agent, see childMain.
const childEnv = "AGENT_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		os.Exit(childMain(mode, os.Args[1:]))
	}
	// A random test of workspaces starts git dozens of times.
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// childMain is the test binary as an agent that prints floodSize bytes: in
// lines of so many, to stdout or stderr.
func childMain(mode string, args []string) int {
	out := os.Stdout
	if mode == "stderr" {
		out = os.Stderr
	}
	line := []byte(strings.Repeat("x", 1<<10-1) + "\n")
	if args[0] == "one line" {
		line[len(line)-1] = 'x'
	}
	block := []byte(strings.Repeat(string(line), 64))
	for left := floodSize; left > 0; left -= len(block) {
		if _, err := out.Write(block); err != nil {
			return 1
		}
	}
	return 0
}

const floodSize = 200 << 20

// limit ends an agent of a test that would otherwise hang.
const limit = 30 * time.Second

func newSupervisor(tb testing.TB) *process.Supervisor {
	tb.Helper()
	s, err := process.New(time.Now)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// scripted is a job for an agent that is a shell script.
func scripted(tb testing.TB, form spec.AgentOutput, script string, args ...string) Job {
	tb.Helper()
	dir := tb.TempDir()
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		tb.Fatal(err)
	}
	return Job{
		Agent: Agent{"scripted", spec.Agent{
			Command: append([]string{"sh", "-c", script, "sh"}, args...), Output: form,
			Timeout: limit, IdleTimeout: limit, Env: []string{"FIXTURES"},
		}},
		Prompt: "do it\n", PromptFile: filepath.Join(dir, "prompt.md"), Dir: dir,
		Spec: "002-x", Phase: "fix", RunID: "r1",
		Env: []string{"PATH=" + os.Getenv("PATH"), "FIXTURES=" + testdata, "SECRET_TOKEN=hidden-from-it"},
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		form   spec.AgentOutput
		script string
		want   record.AgentResult
	}{
		{"text", spec.OutputText, "echo out; echo err >&2; echo out", record.AgentResult{Status: record.AgentOK, Transcript: "out\nerr\nout\n"}},
		{"prompt at stdin", spec.OutputText, `cat; cat "$CHANT_PROMPT_FILE"`, record.AgentResult{Status: record.AgentOK, Transcript: "do it\ndo it\n"}},
		{"prompt unread", spec.OutputText, "exit 3", record.AgentResult{Status: record.AgentFailed, Reason: "exit status 3", Exit: 3}},
		{"environment", spec.OutputText, `echo "$CHANT_AGENT $CHANT_SPEC ${SECRET_TOKEN-none}"; test "$PWD" = "$CHANT_WORKDIR"`, record.AgentResult{Status: record.AgentOK, Transcript: "1 002-x none\n"}},
		{"events", spec.OutputClaude, `cat "$FIXTURES/cursor.jsonl"`, record.AgentResult{
			Status: record.AgentOK, ModelReported: "Auto", Denied: 1, FinalText: "It reads well.",
			Transcript: "[tool] read: lock.go\n[tool] shell: rm -r /work\nIt reads well.\n",
		}},
		{"exit 0 after is_error", spec.OutputClaude, `cat "$FIXTURES/amp.jsonl"`, record.AgentResult{
			Status: record.AgentFailed, Reason: "out of credits", Transcript: "[tool] edit_file: /work/a.go\n",
		}},
		{"exit 1 after success", spec.OutputClaude, `tail -n 1 "$FIXTURES/cursor.jsonl"; exit 1`, record.AgentResult{
			Status: record.AgentFailed, Reason: "exit status 1", Exit: 1, FinalText: "It reads well.", Transcript: "It reads well.\n",
		}},
		{"exit 1 after is_error", spec.OutputCodex, `cat "$FIXTURES/codex-failed.jsonl"; exit 1`, record.AgentResult{
			Status: record.AgentFailed, Reason: "exit status 1: stream disconnected before completion", Exit: 1,
			Transcript: "[error] stream disconnected\n[error] stream disconnected before completion\n",
		}},
		// An event stays whole, whatever stderr does in its midst.
		{"stderr within an event", spec.OutputClaude, `printf '{"type":"res'; printf 'spinner' >&2; echo 'ult","is_error":true,"result":"no"}'`, record.AgentResult{
			Status: record.AgentFailed, Reason: "no", FinalText: "no", Transcript: "no\nspinner\n",
		}},
		{"killed", spec.OutputText, "kill -9 $$", record.AgentResult{Status: record.AgentKilled, Reason: "killed by signal: killed", Exit: -1, Signal: "killed"}},
		{"leaves a process behind", spec.OutputText, "sleep 1000 & echo done", record.AgentResult{Status: record.AgentOK, Transcript: "done\n", Left: 1}},
	}
	s := newSupervisor(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := scripted(t, tt.form, tt.script)
			got, err := Run(t.Context(), s, job)
			if err != nil {
				t.Fatal(err)
			}
			if got.Started.IsZero() || !strings.HasPrefix(got.OutputDigest, "sha256:") {
				t.Errorf("started %v, digest %q", got.Started, got.OutputDigest)
			}
			got.Started, got.DurationMS, got.OutputDigest = time.Time{}, 0, ""
			tt.want.Agent = "scripted"
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			info, err := os.Stat(job.PromptFile)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("prompt file %v: %v", info, err)
			}
		})
	}
}

func TestRunPromptByFile(t *testing.T) {
	t.Parallel()
	job := scripted(t, spec.OutputText, `cat; cat "$1"`, "{prompt_file}")
	job.Agent.PromptBy = spec.PromptByFile
	got, err := Run(t.Context(), newSupervisor(t), job)
	if err != nil || got.Transcript != "do it\n" {
		t.Errorf("result %+v, error %v", got, err)
	}
}

// TestRunEnded: an agent that chant ends, which prints what it has to say
// before that.
func TestRunEnded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		script        string
		timeout, idle time.Duration
		want          record.AgentStatus
		reason        string
	}{
		{"silent", "exec sleep 1000", limit, 20 * time.Millisecond, record.AgentIdle, "printed nothing for 20ms"},
		{"talks without end", "while :; do echo still; done", 50 * time.Millisecond, limit, record.AgentTimedOut, "did not end within 50ms"},
		{"clean end after the timeout", "trap 'exit 0' TERM; while :; do echo still; done", 50 * time.Millisecond, limit, record.AgentTimedOut, "did not end within 50ms"},
		{"with children", "sleep 1000 & sleep 1000 & wait", limit, 20 * time.Millisecond, record.AgentIdle, "printed nothing for 20ms"},
	}
	s := newSupervisor(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := scripted(t, spec.OutputText, tt.script)
			job.Agent.Timeout, job.Agent.IdleTimeout = tt.timeout, tt.idle
			got, err := Run(t.Context(), s, job)
			if err != nil || got.Status != tt.want || got.Reason != tt.reason {
				t.Errorf("result %+v, error %v", got, err)
			}
		})
	}
}

func TestRunCancelled(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job := scripted(t, spec.OutputText, "echo up; exec sleep 1000")
	job.Progress = func(string) { cancel() }
	got, err := Run(ctx, s, job)
	if err != nil || got.Status != record.AgentCancelled || got.Transcript != "up\n" || got.Signal != "terminated" {
		t.Errorf("result %+v, error %v", got, err)
	}
	job = scripted(t, spec.OutputText, "echo up")
	if got, err = Run(ctx, s, job); err != nil || got.Status != record.AgentCancelled || !got.Started.IsZero() || got.Transcript != "" {
		t.Errorf("cancelled before: result %+v, error %v", got, err)
	}
}

func TestRunCannotStart(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	tests := []struct {
		name   string
		change func(*Job)
		want   error
	}{
		{"not found", func(j *Job) { j.Agent.Command = []string{"no-such-agent"} }, exec.ErrNotFound},
		{"not executable", func(j *Job) { j.Agent.Command = []string{j.PromptFile} }, fs.ErrPermission},
	}
	for _, tt := range tests {
		job := scripted(t, spec.OutputText, "")
		tt.change(&job)
		got, err := Run(t.Context(), s, job)
		start, ok := errors.AsType[*StartError](err)
		if !ok || !errors.Is(err, tt.want) || got.Status != record.AgentNotStarted || got.Reason != err.Error() || got.Exit != -1 {
			t.Errorf("%s: result %+v, error %v", tt.name, got, err)
			continue
		}
		program := job.Agent.Command[0]
		if !strings.Contains(err.Error(), program) || start.Hint() != "install "+program+", or name another program for it in .chant/config.md under agents" {
			t.Errorf("%s: %v (%s)", tt.name, err, start.Hint())
		}
	}
}

// TestRunRefused: what makes no sense is refused before anything is done.
func TestRunRefused(t *testing.T) {
	t.Parallel()
	s := newSupervisor(t)
	tests := []struct {
		name   string
		change func(*Job)
		want   string
	}{
		{"large prompt", func(j *Job) { j.Agent.Limit = 5 }, "the prompt has 6 bytes, and agent scripted takes 5"},
		{"model", func(j *Job) { j.Model = "o3" }, `agent scripted can't be told to use model "o3"`},
	}
	for _, tt := range tests {
		job := scripted(t, spec.OutputText, "touch ran")
		tt.change(&job)
		got, err := Run(t.Context(), s, job)
		usage, ok := errors.AsType[*project.UsageError](err)
		if !ok || usage.Error() != tt.want || usage.Hint() == "" || got.Status != record.AgentNotStarted || got.Reason != tt.want {
			t.Errorf("%s: result %+v, error %v", tt.name, got, err)
		}
		if left, err := os.ReadDir(job.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v: %v", tt.name, left, err)
		}
	}
	job := scripted(t, spec.OutputText, "touch ran")
	job.Agent.Limit = len(job.Prompt)
	if got, err := Run(t.Context(), s, job); err != nil || got.Status != record.AgentOK {
		t.Errorf("a prompt as large as may be: result %+v, error %v", got, err)
	}
	if _, err := Run(t.Context(), s, job); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a prompt file that exists: error %v", err)
	}
}

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

// TestTicker: only lines with something on them are told, and the unfinished
// one, too.
func TestTicker(t *testing.T) {
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
		ticker := newTicker(hiding{}, func(line string) { last = line })
		for _, w := range tt.writes {
			fmt.Fprint(ticker, w)
		}
		ticker.close()
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
	l := listen(spec.OutputText, hide([]string{"s3cret"}, nil), func(line string) { last = line })
	var c process.Command
	l.connect(&c, func() {})
	fmt.Fprint(c.Output, "a s3cr")
	if l.close(); last != "a s3cr" {
		t.Errorf("last line %q", last)
	}
}

// TestWatch: time here is the bubble's own, and takes none.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, printed, rest := watch(t.Context(), 10*time.Minute)
		defer rest()
		for range 5 {
			time.Sleep(10*time.Minute - 1)
			printed()
		}
		synctest.Wait()
		if err := context.Cause(ctx); err != nil {
			t.Fatalf("ended while something was printed: %v", err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if _, ok := errors.AsType[idleError](context.Cause(ctx)); !ok {
			t.Errorf("after silence: %v", context.Cause(ctx))
		}
	})
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
