package prove

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/cover"

	"chant/runner/record"
)

func TestAddedLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		before, after string
		want          []int
	}{
		{"a\nb\nc\n", "a\nb\nc\n", nil},
		{"", "a\nb\n", []int{1, 2}},
		{"a\nb\nc\n", "a\nB\nc\nd\n", []int{2, 4}},
		{"a\nb\nc\n", "a\nc\n", nil},
		{"a\nb", "a\nb\n", []int{2}},
		{"a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n", "A\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nm\nL\n", []int{1, 12, 13}}, // two hunks
	} {
		if diff := cmp.Diff(tt.want, addedLines([]byte(tt.before), []byte(tt.after))); diff != "" {
			t.Errorf("%q to %q (-want +got):\n%s", tt.before, tt.after, diff)
		}
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	profile, err := cover.ParseProfilesFromReader(strings.NewReader(
		"mode: set\nm/x.go:3.10,5.2 2 1\nm/x.go:7.1,9.2 1 0\nm/x.go:8.5,8.9 1 4\nm/sub/x.go:1.1,99.2 1 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := coverage("m", map[string][]int{"x.go": {1, 4, 7, 8}, "y.go": {1}}, profile)
	if diff := cmp.Diff(&record.Coverage{Changed: 3, Covered: 2, Missed: []string{"x.go:7"}}, got); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	if got := coverage("other", map[string][]int{"x.go": {4}}, profile); got != nil {
		t.Errorf("of another module: got %v", got)
	}
}

// TestProveGo proves a bug of a Go module with go test itself.
func TestProveGo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles Go")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go")
	}
	const (
		wrong   = "package m\n\nfunc Value(n int) int {\n\treturn n\n}\n"
		right   = "package m\n\nfunc Value(n int) int {\n\tif n > 9 {\n\t\treturn 9\n\t}\n\treturn n + 1\n}\n"
		imports = "import (\n\t\"testing\"\n\n\t\"example.invalid/m\"\n)\n"
		test    = "func TestValue(t *testing.T) {\n\tif m.Value(1) != 2 {\n\t\tt.Fatal(\"value is wrong\")\n\t}\n}\n"
	)
	commits := atBase(story("value.go", right, ".chant/specs/005.md", strings.Replace(specFix, "value.txt", "value.go", 1)),
		"go.mod", "module example.invalid/m\n\ngo 1.26\n",
		"value.go", wrong,
		"t/value_test.go", "package t\n\n"+imports+"\n"+test,
		".chant/specs/002.md", strings.Replace(specRed, "sh t/test.sh", "go test ./t", 1))
	r := newRepo(t, commits...)
	r.prover.Settings.Env = append(r.prover.Settings.Env, "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local",
		"GOCACHE="+strings.TrimSpace(goEnv(t, "GOCACHE")))
	got := r.prove(t, Options{})
	if got.Verdict != record.Proven || !strings.HasPrefix(got.Environment.Go, "go1.") {
		t.Errorf("got %s (%s) with Go %q", got.Verdict, got.Reason, got.Environment.Go)
	}
	if diff := cmp.Diff(&record.Coverage{Changed: 4, Covered: 2, Missed: []string{"value.go:5", "value.go:6"}}, got.Coverage); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
