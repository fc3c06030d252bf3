// Package proof compares a proof of 200 runs of a trivial check with a shell loop of the same
// 200 commands in the same two trees, and prints one line:
//
//	go test -run '^$' -bench Proof ./tests/bench/proof
//
// The two are measured alternately, and the ratios are those of the pairs.
package proof

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var rounds = flag.Int("rounds", 5, "pairs of measurements")

// goal is the largest ratio that is good enough.
const goal = 1.15

// check is the command of the proof and of the loop.
const check = "grep -q -f test app"

// project is a folder with a repository and the chant program.
type project struct {
	b   *testing.B
	dir string
	env []string
}

// BenchmarkProof prints the line. It does not use b.N.
func BenchmarkProof(b *testing.B) {
	dir := b.TempDir()
	p := &project{b: b, dir: filepath.Join(dir, "repo"), env: os.Environ()}
	chant := filepath.Join(dir, "chant")
	p.run(".", "go", "build", "-buildvcs=false", "-o", chant, "chant")
	p.env = append(p.env, // not before: the build needs the caches in the user's home folder
		"HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+filepath.Join(dir, "none"),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org")
	p.fill(chant)

	loop := fmt.Sprintf(`
		mkdir ../base ../head
		git archive HEAD~2 | tar x -C ../base; git archive HEAD | tar x -C ../head
		i=0
		while [ $i -lt 100 ]; do
			(cd ../base && sh -e -c %[1]q) && exit 1
			(cd ../head && sh -e -c %[1]q) || exit 1
			i=$((i + 1))
		done
		rm -rf ../base ../head`, check)
	var proofs, loops []time.Duration
	var ratios []float64
	for round := range *rounds + 1 {
		x, y := p.measure(chant, "prove", "--runs", "100", "--json"), p.measure("sh", "-c", loop)
		if round > 0 { // the first pair does not count
			proofs, loops, ratios = append(proofs, x), append(loops, y), append(ratios, float64(x)/float64(y))
		}
	}
	fmt.Fprintf(os.Stdout, "\nproof of 200 runs: chant %v, loop %v; ratio min %.2f median %.2f max %.2f, goal %g\n",
		median(proofs), median(loops), slices.Min(ratios), median(ratios), slices.Max(ratios), goal)
	for b.Loop() { // without the loop the benchmark would run again
	}
}

// fill makes the repository: a reproduction and a fix, both completed.
func (p *project) fill(chant string) {
	const spec = "---\n%starget_files: [%s]\n---\n## Acceptance Criteria\n\n- [ ] It holds\n  ```sh check%s\n  %s\n  ```\n"
	p.write(".chant/specs/001-red.md", fmt.Sprintf(spec, "", "test", " expect=fail", check))
	p.write(".chant/specs/002-fix.md", fmt.Sprintf(spec, "phase: fix\ndepends_on: [001-red]\n", "app", "", check))
	p.write("app", "old\n")
	p.run(p.dir, "git", "init", "--quiet")
	p.run(p.dir, "git", "add", "--all")
	p.run(p.dir, "git", "commit", "--quiet", "-m", "base")
	p.write("test", "new\n")
	p.run(p.dir, chant, "run", "001")
	p.write("app", "new\n")
	p.run(p.dir, chant, "run", "002")
}

// measure returns the time of a command in the repository.
func (p *project) measure(args ...string) time.Duration {
	p.b.Helper()
	start := time.Now()
	p.run(p.dir, args...)
	return time.Since(start)
}

// run runs a command that has to exit 0.
func (p *project) run(dir string, args ...string) {
	p.b.Helper()
	cmd := exec.CommandContext(p.b.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, p.env
	if out, err := cmd.CombinedOutput(); err != nil {
		p.b.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (p *project) write(name, content string) {
	p.b.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		p.b.Fatal(err)
	}
}

func median[T cmp.Ordered](all []T) T { return slices.Sorted(slices.Values(all))[len(all)/2] }
