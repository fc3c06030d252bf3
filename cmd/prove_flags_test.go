package cmd

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chant/runner/project"
	"chant/runner/record"
)

// Each is refused before a project is searched for.
func TestProveFlags(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"a b c",
		"--at HEAD --worktree",
		"--json --markdown",
		"--check p.json",
		"--check p.json --allowed-signers s 002",
		"--check p.json --allowed-signers s --json",
		"--signer ada",
		"--sign key",
		"--attest p.json --worktree",
		"--alpha 0", "--alpha 1", "--alpha -1", "--alpha NaN", "--alpha x",
		"--runs -1", "--max-runs -1", "-j 0", "--runs 9 --max-runs 8",
		"--attest p.json --sign no-such-key",
		"--check no-such-file --allowed-signers s",
	} {
		var out, errout bytes.Buffer
		app := App{Out: &out, Err: &errout, Dir: t.TempDir(), Now: fixedTime}
		code := app.Run(t.Context(), append([]string{"prove"}, strings.Fields(args)...))
		if code != ExitUsage || out.Len() > 0 || strings.Contains(errout.String(), project.ErrNoProject.Error()) {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", args, code, &out, &errout)
		}
	}
}

func TestProveLiveLine(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := newScreen(&b, colours())
	s.width = 60
	v := &view{verb: "prove", s: s, stop: make(chan struct{}), now: fixedTime}
	for _, tt := range []struct {
		e    record.ProofProgress
		want string
	}{
		{record.ProofProgress{Fix: "005", Cell: "red", Planned: 5, Left: 15}, "  ▶ 005 red 0/5, 15 runs left"},
		{record.ProofProgress{Fix: "005", Cell: "green", Done: 3, Planned: 33, Left: 1, Estimate: 61400 * time.Millisecond},
			"  ▶ 005 green 3/33, 1 run left, about 1m1s"},
	} {
		v.event(tt.e)
		if _, live := terminal(b.String()); live != tt.want {
			t.Errorf("the live line is %q, want %q", live, tt.want)
		}
	}
	v.event(record.Notice{Text: "kept"})
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
	lines, live := terminal(b.String())
	if diff := cmp.Diff([]string{"  ! kept"}, lines); diff != "" || live != "" {
		t.Errorf("lines (-want +got), live %q:\n%s", live, diff)
	}
}

// A statement contains the proof without the output.
func TestStatementReadsBack(t *testing.T) {
	t.Parallel()
	proofs := []record.Proof{weakenedProof(), provenProof()}
	data, err := newStatement(proofs).encode()
	if err != nil {
		t.Fatal(err)
	}
	st, err := readStatement(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range proofs {
		for j := range proofs[i].Cells {
			proofs[i].Cells[j].Output = ""
		}
	}
	if diff := cmp.Diff(proofs, st.proofs()); diff != "" {
		t.Errorf("proofs (-want +got):\n%s", diff)
	}
	var raw struct {
		Subject   []subject
		Predicate struct {
			Proofs []struct{ Cells []map[string]any }
		}
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	want := []subject{
		{"head", map[string]string{"gitCommit": "ccccccccccccdddd"}},
		{"tree of head", map[string]string{"gitTree": "3333333333334444"}},
	}
	if diff := cmp.Diff(want, raw.Subject); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}
	cell := raw.Predicate.Proofs[0].Cells[1]
	if _, there := cell["output"]; there || cell["log_digest"] != "sha256:2" {
		t.Errorf("a cell is %v; want the digest of its output, and no output", cell)
	}
}

func TestReadStatementRefuses(t *testing.T) {
	t.Parallel()
	good, err := newStatement([]record.Proof{provenProof()}).encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"nothing":             "",
		"no JSON":             "proven\n",
		"another statement":   strings.Replace(string(good), predicateType, "https://example.org/other/v1", 1),
		"another version":     strings.Replace(string(good), "Statement/v1", "Statement/v2", 1),
		"no proof":            `{"_type":"` + statementType + `","predicateType":"` + predicateType + `","predicate":{"proofs":[]}}`,
		"something after it":  string(good) + "{}",
		"proofs of one shape": strings.Replace(string(good), `"proofs": [`, `"proofs": [7,`, 1),
	} {
		if _, err := readStatement([]byte(data)); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}
