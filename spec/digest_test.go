package spec

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const approvedSpec = `---
type: code
status: pending
depends_on: [a, b]
target_files:
- x.go
informed_by: [y.md]
prompt: standard
agent: mine
model: some-1
labels: [l]
---
# Title

Prose with [ ] a box.

## Acceptance Criteria

- [ ] first
  ` + "```sh check\n  run\n  ```" + `
- [x] second

More prose.
`

func approvalDigest(t *testing.T, src []byte) string {
	t.Helper()
	sp, problems := Parse("x.md", src)
	if len(problems) > 0 {
		t.Errorf("%q: %v", src, problems)
	}
	return sp.ApprovalDigest()
}

// TestApprovalDigest edits an approved spec.
func TestApprovalDigest(t *testing.T) {
	t.Parallel()
	want := approvalDigest(t, []byte(approvedSpec))
	if !strings.HasPrefix(want, "sha256:") || len(want) != len("sha256:")+64 {
		t.Errorf("digest = %q", want)
	}
	for _, tt := range []struct {
		name, old, new string
		same           bool
	}{
		{"tick", "- [ ] first", "- [x] first", true},
		{"untick", "- [x] second", "- [ ] second", true},
		{"another tick", "- [x] second", "- [X] second", true},
		{"line endings", "\n", "\r\n", true},
		{"final newline", "More prose.\n", "More prose.", true},
		{"empty lines at the end", "More prose.\n", "More prose.\n\n\n", true},
		{"transcript", "More prose.\n", "More prose.\n\n## Agent Output\n\nmore\n", true},
		{"status", "pending", "completed", true},
		{"labels", "[l]", "[l, m]", true},
		{"type", "code", "task", true},
		{"record", "labels: [l]", "commits: [abc]\ncompleted_at: 2026-02-02T14:26:33Z\nattested: [{criterion: second, by: ann}]", true},
		{"approval", "labels: [l]", "approval: {required: true, status: approved, by: ann, digest: x}", true},
		{"skip", "labels: [l]", "skipped: {reason: x}", true},
		{"unknown key and comment", "labels: [l]", "x: y # z", true},
		{"other YAML", "[a, b]", "\n- a\n- 'b'", true},

		{"criterion", "first", "fist", false},
		{"check", "  run\n", "  true\n", false},
		{"attribute", "sh check", "sh check repeat=2", false},
		{"criterion gone", "- [x] second\n", "", false},
		{"title", "# Title", "# Other", false},
		{"prose", "Prose", "prose", false},
		{"prose below", "More", "Less", false},
		{"a box that is no criterion's", "[ ] a box", "[x] a box", false},
		{"dependency", "[a, b]", "[a]", false},
		{"order of dependencies", "[a, b]", "[b, a]", false},
		{"target", "- x.go", "- x.go\n- z.go", false},
		{"target handed over", "target_files:\n- x.go\ninformed_by: [y.md]", "informed_by: [x.go, y.md]", false},
		{"source", "y.md", "z.md", false},
		{"prompt", "standard", "other", false},
		{"agent", "mine", "yours", false},
		{"model", "some-1", "some-2", false},
		{"model and agent", "agent: mine\nmodel: some-1", "agent: some-1\nmodel: mine", false},
		{"no model", "model: some-1\n", "", false},
	} {
		src := strings.ReplaceAll(approvedSpec, tt.old, tt.new)
		if src == approvedSpec {
			t.Errorf("%s: nothing is edited", tt.name)
		}
		if same := approvalDigest(t, []byte(src)) == want; same != tt.same {
			t.Errorf("%s: same digest: %v, want %v", tt.name, same, tt.same)
		}
	}
}

// TestApprovalDigestProperty makes the edits that chant makes in an approved
// spec, and then edits of a person or an agent.
func TestApprovalDigestProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		src := drawDocument(t).source()
		sp, _ := Parse("x.md", src)
		digest := func(src []byte) string {
			sp, _ := Parse("x.md", src)
			return sp.ApprovalDigest()
		}
		recorded := record(t, src, sp)
		if digest(recorded) != sp.ApprovalDigest() {
			t.Fatalf("the record in %q voids the approval of %q", recorded, src)
		}
		// One character of the text above the transcript, not in a box.
		file := newSource("", "", recorded)
		fm, _ := file.frontmatter()
		above, _ := file.readMarkdown(fm.body)
		at := fm.body + rapid.IntRange(0, len(bytes.TrimRight(above, "\r\n"))-1).Draw(t, "at")
		after, _ := Parse("x.md", recorded)
		if recorded[at] == '\r' || recorded[at] == '\n' || slices.ContainsFunc(after.Criteria, func(c Criterion) bool { return c.mark == at }) {
			return
		}
		edited := bytes.Clone(recorded)
		edited[at] = '%'
		if digest(edited) == sp.ApprovalDigest() {
			t.Fatalf("%q keeps the approval of %q", edited, src)
		}
	})
}

// record makes some of the edits that chant makes.
func record(t *rapid.T, src []byte, sp *Spec) []byte {
	var err error
	must := func(out []byte, e error) []byte {
		if err = e; err != nil {
			t.Fatal(err)
		}
		return out
	}
	ticks := map[int]bool{}
	for _, c := range sp.Criteria {
		ticks[c.Number] = rapid.Bool().Draw(t, "tick")
	}
	out := must(SetTicks(src, ticks))
	for key, value := range map[string]any{
		"status": "completed", "commits": []string{"abc"}, "completed_at": runTime,
		"approval": Approval{Required: true, Status: "approved", By: "ann", Digest: "x"},
		"attested": []Attestation{{Criterion: "a", By: "ann"}}, "skipped": Skip{Reason: "x"},
	} {
		if rapid.Bool().Draw(t, key) {
			out = must(SetKey(out, key, value))
		}
	}
	if rapid.Bool().Draw(t, "transcript") {
		out = must(AppendTranscript(out, runAt(), "- [x] a\n"))
	}
	if rapid.Bool().Draw(t, "endings") {
		out = []byte(withEnding(string(out), rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "ending")))
	}
	return out
}
