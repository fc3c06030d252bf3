package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	markName = "CHANT_SCRIPT_MARK"
	patience = time.Minute // of what a script waits for; it fails then, and does not hang
)

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are what scripts may use beside testscript's own.
func commands() map[string]command {
	return map[string]command{
		// chant ARG… and git ARG… run the program, which has to exit 0.
		"chant": exits("chant"),
		"git":   exits("git"),
		// status N PROGRAM ARG… runs a program that has to exit N.
		"status": status,
		// begin makes the current folder a project: git, chant init, one commit.
		"begin": begin,
		// agent NAME [KEY VALUE]… lets the user's config name an agent that does
		// the steps of the file NAME (see tests/agent).
		"agent": agent,
		// start NAME PROGRAM ARG… runs a program beside the script, signal SIG
		// NAME sends it a signal, finish NAME N waits until it exits N.
		"start": start, "signal": sendSignal, "finish": finish,
		// await FIFO reads a line from a named pipe, tell FIFO writes one.
		"await": await, "tell": tell,
		// json FILE|stdout PATH WANT compares one value, such as specs.0.id;
		// len is a list's length.
		"json": jsonValue,
		// sameproof FILE FILE compares two answers of prove --json, apart from
		// what no two proofs share: times, digests of logs, names of commits.
		"sameproof": sameProof,
		// snapshot NAME DIR [EXCEPT…] remembers every byte and mode below DIR,
		// unchanged NAME compares.
		"snapshot": snapshot, "unchanged": unchanged,
		// [!] bytes FILE TEXT looks for a text with Go's escapes in a file.
		"bytes": hasBytes,
		// gone fails where a process of this script is left.
		"gone": gone,
	}
}

func exits(program string) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("say by status which exit code is wanted")
		}
		expect(ts, 0, program, args)
	}
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program [arg…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	expect(ts, want, args[1], args[2:])
}

// expect runs a program that has to end with an exit code.
func expect(ts *testscript.TestScript, want int, program string, args []string) {
	code, err := exitOf(ts.Exec(program, args...))
	ts.Check(err)
	if code != want {
		ts.Fatalf("%s: exit %d, want %d", program, code, want)
	}
}

// exitOf gives the exit code that an error of os/exec stands for.
func exitOf(err error) (int, error) {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func begin(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(ts.Exec("git", "init", "--quiet"))
	ts.Check(ts.Exec("chant", "init"))
	ts.Check(ts.Exec("git", "add", "--all"))
	ts.Check(ts.Exec("git", "commit", "--quiet", "-m", "base"))
}

func agent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args)%2 == 0 {
		ts.Fatalf("usage: agent name [key value]…")
	}
	m := remembered(ts)
	m.agents += fmt.Sprintf("  %s: {command: [scripted-agent, %s]", args[0], filepath.Join(ts.Getenv("WORK"), args[0]))
	for pair := range slices.Chunk(args[1:], 2) {
		m.agents += fmt.Sprintf(", %s: %s", pair[0], pair[1])
	}
	m.agents += "}\n"
	dir := filepath.Join(ts.Getenv("HOME"), ".config/chant")
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(os.WriteFile(filepath.Join(dir, "config.md"), []byte("---\nsandbox: {write: ["+filepath.Join(ts.Getenv("WORK"), "out")+"]}\nagents:\n"+m.agents+"---\n"), 0o644))
}

// job is a program that runs beside a script.
type job struct {
	cmd         *exec.Cmd
	out, errout bytes.Buffer
	done        chan error
}

// memory is what the commands of one script share.
type memory struct {
	jobs   map[string]*job
	shots  map[string]shot
	agents string // the user's, as YAML
}

type memoryKey struct{}

func remembered(ts *testscript.TestScript) *memory { return ts.Value(memoryKey{}).(*memory) }

// endJobs kills what a failed script left running.
func (m *memory) endJobs() {
	for _, j := range m.jobs {
		if err := j.cmd.Process.Kill(); err == nil {
			<-j.done
		}
	}
}

func start(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: start name program [arg…]")
	}
	program := args[1]
	if program == "chant" {
		program = filepath.Join(tools.bin, program)
	}
	j := &job{cmd: exec.Command(program, args[2:]...), done: make(chan error, 1)}
	j.cmd.Dir = ts.MkAbs(".")
	j.cmd.Env = scriptEnv(ts)
	j.cmd.Stdout, j.cmd.Stderr = &j.out, &j.errout
	ts.Check(j.cmd.Start())
	go func() { j.done <- j.cmd.Wait() }()
	remembered(ts).jobs[args[0]] = j
}

// scriptEnv gives the script's variables, which testscript keeps to itself.
func scriptEnv(ts *testscript.TestScript) []string {
	ts.Check(ts.Exec("env", "-0"))
	return strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
}

func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	known := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	if len(args) != 2 || known[args[0]] == 0 {
		ts.Fatalf("usage: signal INT|TERM|HUP|KILL name")
	}
	ts.Check(find(ts, args[1]).cmd.Process.Signal(known[args[0]]))
}

func finish(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: finish name N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	j := find(ts, args[0])
	select {
	case err = <-j.done:
	case <-time.After(patience):
		ts.Fatalf("%s is still running", args[0])
	}
	delete(remembered(ts).jobs, args[0])
	_, err1 := io.Copy(ts.Stdout(), &j.out)
	_, err2 := io.Copy(ts.Stderr(), &j.errout)
	ts.Check(errors.Join(err1, err2))
	code, err := exitOf(err)
	ts.Check(err)
	if code != want {
		ts.Fatalf("%s: exit %d, want %d", args[0], code, want)
	}
}

func find(ts *testscript.TestScript, name string) *job {
	j := remembered(ts).jobs[name]
	if j == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return j
}

// await reads a line from a pipe. Opened for both ways, a pipe blocks nobody
// who opens it, and never looks closed.
func await(ts *testscript.TestScript, _ bool, args []string) {
	pipe := openPipe(ts, args)
	ts.Check(pipe.SetReadDeadline(time.Now().Add(patience)))
	for b := []byte{0}; b[0] != '\n'; {
		_, err := pipe.Read(b)
		ts.Check(err)
	}
}

func tell(ts *testscript.TestScript, _ bool, args []string) {
	_, err := openPipe(ts, args).WriteString("go on\n")
	ts.Check(err)
}

func openPipe(ts *testscript.TestScript, args []string) *os.File {
	if len(args) != 1 {
		ts.Fatalf("usage: await fifo, tell fifo")
	}
	pipe, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR|syscall.O_NONBLOCK, 0)
	ts.Check(err)
	ts.Defer(func() { pipe.Close() }) // a pipe that nobody holds forgets what was written
	return pipe
}

func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: json file path want")
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	dec.UseNumber()
	ts.Check(dec.Decode(&v))
	if dec.More() {
		ts.Fatalf("more than one JSON value")
	}
	for step := range strings.SplitSeq(args[1], ".") {
		next, err := stepInto(v, step)
		if err != nil {
			ts.Fatalf("%s: %v", args[1], err)
		}
		v = next
	}
	if got := jsonText(v); got != args[2] {
		ts.Fatalf("%s is %s, want %s", args[1], got, args[2])
	}
}

func stepInto(v any, step string) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if next, ok := v[step]; ok {
			return next, nil
		}
	case []any:
		if step == "len" {
			return json.Number(strconv.Itoa(len(v))), nil
		}
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
			return v[i], nil
		}
	}
	return nil, fmt.Errorf("no %q", step)
}

// jsonText gives a string as it is, and anything else as JSON.
func jsonText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func hasBytes(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: bytes file text")
	}
	want, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	if strings.Contains(ts.ReadFile(args[0]), want) == neg {
		ts.Fatalf("%s: %q is there: %v", args[0], want, neg)
	}
}
