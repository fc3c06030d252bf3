// Package proof measures what a proof costs beside the work that has to be done
// anyway, interleaved, and prints one table:
//
//	go test -run '^$' -bench Proof ./tests/bench/proof
//
// A proof of 200 runs of a trivial check is set against a shell loop of the same
// 200 commands in the same two trees; exporting base and head of a repository
// against two of git archive | tar x.
package proof

import (
	"cmp"
	"context"
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

	"chant/runner/git"
)

var (
	files  = flag.Int("files", 20000, "files of the exported repository")
	rounds = flag.Int("rounds", 5, "measurements of each, of which the median counts")
)

// exportEnv holds what a child of the benchmark exports, and selects it.
const exportEnv = "CHANT_BENCH_EXPORT"

func TestMain(m *testing.M) {
	if work := os.Getenv(exportEnv); work != "" {
		if err := export(strings.Split(work, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// export writes base and head of a repository into two folders, as a proof does.
func export(args []string) (err error) {
	repo, err := git.Open(args[0], os.Environ())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	for i, rev := range []string{"HEAD~1", "HEAD"} {
		commit, err := repo.Resolve(context.Background(), rev)
		if err != nil {
			return err
		}
		if err := repo.Export(context.Background(), commit, args[1+i]); err != nil {
			return err
		}
	}
	return nil
}

// work is a row of the table.
type work struct {
	name        string
	goal        float64 // the largest ratio that is good enough
	prepare     func()  // before each side, not measured
	ours, other func()
}

// bench is one folder to measure in.
type bench struct {
	*testing.B
	dir string
	env []string
}

// BenchmarkProof prints one table; it has no use for b.N.
func BenchmarkProof(b *testing.B) {
	dir := b.TempDir()
	f := &bench{b, dir, append(os.Environ(),
		"HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+filepath.Join(dir, "none"),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org",
		"PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))}
	f.run(".", "go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "chant"), "chant")
	out := os.Stdout // b.Log would cut the table off
	fmt.Fprintf(out, "\n%-40s %9s %9s %6s %6s\n", "work", "ours ms", "other ms", "ratio", "goal")
	for _, w := range []work{f.runs(), f.exports()} {
		ours, other := w.measure()
		ratio := float64(ours) / float64(other)
		mark := ""
		if ratio > w.goal {
			mark = "!"
		}
		fmt.Fprintf(out, "%-40s %9.1f %9.1f %6.2f %6g%s\n", w.name, ms(ours), ms(other), ratio, w.goal, mark)
	}
	for b.Loop() { // or the table would be printed again for every try at b.N
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// measure gives the medians of both sides, after one round that warms up.
func (w work) measure() (ours, other time.Duration) {
	var all [2][]time.Duration
	for round := range *rounds + 1 {
		for i, side := range []func(){w.ours, w.other} {
			w.prepare()
			start := time.Now()
			side()
			if round > 0 {
				all[i] = append(all[i], time.Since(start))
			}
		}
	}
	return median(all[0]), median(all[1])
}

func median(all []time.Duration) time.Duration {
	slices.SortFunc(all, cmp.Compare[time.Duration])
	return all[len(all)/2]
}

// check is what the proof runs, and so does the loop.
const check = "grep -q -f test app"

// runs is a proof of 100 red and 100 green runs, one after the other.
func (b *bench) runs() work {
	repo := filepath.Join(b.dir, "runs")
	b.write(repo, ".chant/specs/001-red.md", "---\ntarget_files: [test]\n---\n## Acceptance Criteria\n\n- [ ] Red\n  ```sh check expect=fail\n  "+check+"\n  ```\n")
	b.write(repo, ".chant/specs/002-fix.md", "---\nphase: fix\ndepends_on: [001-red]\ntarget_files: [app]\n---\n## Acceptance Criteria\n\n- [ ] Green\n  ```sh check\n  "+check+"\n  ```\n")
	b.write(repo, "app", "old\n")
	b.run(repo, "git", "init", "--quiet")
	b.run(repo, "git", "add", "--all")
	b.run(repo, "git", "commit", "--quiet", "-m", "base")
	b.write(repo, "test", "new\n")
	b.run(repo, "chant", "run", "001")
	b.write(repo, "app", "new\n")
	b.run(repo, "chant", "run", "002")
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
	return work{
		name: "200 runs of a trivial check", goal: 1.15, prepare: func() {},
		ours:  func() { b.run(repo, "chant", "prove", "--runs", "100", "--json") },
		other: func() { b.run(repo, "sh", "-c", loop) },
	}
}

// exports is what a proof does before its first run.
func (b *bench) exports() work {
	repo := filepath.Join(b.dir, "exports")
	base, head := filepath.Join(b.dir, "base"), filepath.Join(b.dir, "head")
	for i := range *files {
		b.write(repo, fmt.Sprintf("d%d/e%d/f%d.txt", i%40, i/40%25, i), strings.Repeat(fmt.Sprintf("line of file %d\n", i), 1+i%80))
	}
	b.run(repo, "git", "init", "--quiet")
	b.run(repo, "git", "add", "--all")
	b.run(repo, "git", "commit", "--quiet", "-m", "base")
	b.write(repo, "d0/e0/f0.txt", "head\n")
	b.run(repo, "git", "commit", "--quiet", "-am", "head")
	b.run(repo, "git", "repack", "-a", "-d", "-q")
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	return work{
		name: fmt.Sprintf("exporting base and head of %d files", *files), goal: 1.5,
		prepare: func() {
			for _, dir := range []string{base, head} {
				if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)); err != nil {
					b.Fatal(err)
				}
			}
		},
		ours: func() { b.run(repo, "env", exportEnv+"="+strings.Join([]string{repo, base, head}, "\n"), self) },
		other: func() {
			b.run(repo, "sh", "-c", `git archive HEAD~1 | tar x -C "$1"; git archive HEAD | tar x -C "$2"`, "sh", base, head)
		},
	}
}

// run runs a program that has to exit 0.
func (b *bench) run(dir, program string, args ...string) {
	b.Helper()
	if program == "chant" {
		program = filepath.Join(b.dir, program)
	}
	cmd := exec.CommandContext(b.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, b.env
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

func (b *bench) write(repo, name, content string) {
	b.Helper()
	at := filepath.Join(repo, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(content), 0o644)); err != nil {
		b.Fatal(err)
	}
}
