package agent

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
		Agent: Agent{Name: "scripted", Agent: spec.Agent{
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
			Status: record.AgentFailed, Reason: "out of credits", Transcript: "[tool] edit_file: /work/a.go\n[error] out of credits\n",
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

// TestRunLate: an agent that does not exit after its result counts by that.
func TestRunLate(t *testing.T) {
	t.Parallel()
	const success, failure = `{"type":"result","is_error":false,"result":"done"}`, `{"type":"result","is_error":true,"result":"no"}`
	tests := []struct {
		name   string
		form   spec.AgentOutput
		said   string
		want   record.AgentStatus
		reason string
	}{
		{"success", spec.OutputClaude, success, record.AgentOK, late},
		{"failure", spec.OutputClaude, failure, record.AgentFailed, "no; " + late},
		{"the last turn counts", spec.OutputClaude, failure + "\n" + `{"type":"system"}` + "\n" + success, record.AgentOK, late},
		{"codex", spec.OutputCodex, `{"type":"turn.completed"}`, record.AgentOK, late},
		{"codex, failed", spec.OutputCodex, `{"type":"turn.failed","error":{"message":"no"}}`, record.AgentFailed, "no; " + late},
		{"gemini", spec.OutputGemini, `{"type":"result","status":"error"}`, record.AgentFailed, "says that it failed; " + late},
		{"opencode", spec.OutputOpencode, `{"type":"step_finish","part":{"reason":"stop"}}`, record.AgentOK, late},
		{"opencode, a step in between", spec.OutputOpencode, `{"type":"step_finish","part":{"reason":"tool-calls"}}`, record.AgentIdle, "printed nothing for 1s"},
		{"another turn", spec.OutputClaude, success + "\n" + `{"type":"system"}`, record.AgentIdle, "printed nothing for 1s"},
		{"text", spec.OutputText, success, record.AgentIdle, "printed nothing for 1s"},
	}
	s := newSupervisor(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := scripted(t, tt.form, `echo "$1"; echo bye >&2; exec sleep 1000`, tt.said)
			job.Agent.IdleTimeout = time.Second // and so the grace
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
		mend := " (install " + job.Agent.Command[0] + ", or name another program for it in .chant/config.md under agents)"
		if !errors.Is(err, tt.want) || got.Status != record.AgentNotStarted || got.Reason+mend != err.Error() || got.Exit != -1 {
			t.Errorf("%s: result %+v, error %v", tt.name, got, err)
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
	if got, err := Run(t.Context(), s, job); err != nil || got.Status != record.AgentOK {
		t.Errorf("a new prompt file: result %+v, error %v", got, err)
	}
	if _, err := Run(t.Context(), s, job); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a prompt file that exists: error %v", err)
	}
}
