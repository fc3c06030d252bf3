// Package bench measures chant's git work against the git program's, each as
// a whole process, interleaved, on the same repository:
//
//	go test -run '^$' -bench Git ./tests/bench
//	TMPDIR=/dev/shm go test -run '^$' -bench Git ./tests/bench -sizes 1000,20000,100000
//
// The ours column is this test binary started anew for every measurement. The
// peak of memory is never less than that of the benchmark itself (12 MB), from
// which Linux starts to count.
package bench

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	sizes  = flag.String("sizes", "1000", "numbers of files, by commas")
	rounds = flag.Int("rounds", 5, "measurements of each, of which the median counts")
)

// workEnv holds the work of a child of the benchmark, and selects it.
const workEnv = "CHANT_BENCH_WORK"

func TestMain(m *testing.M) {
	if work := os.Getenv(workEnv); work != "" {
		if err := do(strings.Split(work, "\n")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// operation is a row of the table.
type operation struct {
	name    string
	goal    float64 // the largest ratio that is good enough; 0 for none
	prepare func(round int)
	ours    []string // for do
	git     []string // a command
}

// run is what one process took.
type run struct {
	time   time.Duration // from start to end
	cpu    time.Duration // of all its processes; a busy machine hardly changes it
	memory int64         // bytes, the peak
}

// BenchmarkGit prints one table; it has no use for b.N. The ratio is of the
// times, cpu that of the processors' work.
func BenchmarkGit(b *testing.B) {
	out := os.Stdout // b.Log would cut the table off
	fmt.Fprintf(out, "\n%7s  %-24s %9s %9s %6s %6s %6s %8s %8s\n", "files", "operation", "ours ms", "git ms", "ratio", "goal", "cpu", "ours MB", "git MB")
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(text)
		check(b, err)
		f := newFixture(b, n)
		for _, o := range f.operations() {
			ours, git := f.measure(o)
			ratio := float64(ours.time) / float64(git.time)
			goal := "-"
			if o.goal > 0 {
				goal = fmt.Sprint(o.goal)
			}
			if o.goal > 0 && ratio > o.goal {
				goal += "!"
			}
			fmt.Fprintf(out, "%7d  %-24s %9.1f %9.1f %6.2f %6s %6.2f %8.1f %8.1f\n", n, o.name,
				ms(ours.time), ms(git.time), ratio, goal, float64(ours.cpu)/float64(git.cpu), mb(ours.memory), mb(git.memory))
		}
	}
	for b.Loop() { // or the table would be printed again for every try at b.N
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mb(n int64) float64         { return float64(n) / (1 << 20) }

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// operations gives what is measured.
func (f *fixture) operations() []operation {
	commitGoal := 0.0
	if f.files >= 20000 {
		commitGoal = 1
	}
	out := filepath.Join(f.dir, "out")
	fresh := func(int) {
		check(f.b, os.RemoveAll(out))
		check(f.b, os.Mkdir(out, 0o755))
	}
	edit := func(round int) {
		check(f.b, os.WriteFile(filepath.Join(f.repo, hot), fmt.Appendf(nil, "%d %v\n", round, time.Now()), 0o644))
	}
	return []operation{
		{"commit of one path", commitGoal, edit, []string{"commit", f.repo, hot}, []string{"git", "-C", f.repo, "commit", "-q", "--only", "-m", "m", "--", hot}},
		{"export", 1.5, fresh, []string{"export", f.repo, out}, []string{"sh", "-c", `git -C "$1" archive HEAD | tar x -C "$2"`, "sh", f.repo, out}},
		{"one file at HEAD~250", 0, nil, []string{"show", f.repo, "250", hot}, []string{"git", "-C", f.repo, "show", "HEAD~250:" + hot}},
		{"history of a path", 5, nil, []string{"log", f.repo, hot}, []string{"git", "-C", f.repo, "log", "--format=%H", "--", hot}},
	}
}

// measure gives the medians of both sides, after one round that warms up.
func (f *fixture) measure(o operation) (ours, git run) {
	var all [2][]run
	for round := range *rounds + 1 {
		for side := range all {
			if o.prepare != nil {
				o.prepare(2*round + side)
			}
			r := f.process(side == 0, o)
			if round > 0 {
				all[side] = append(all[side], r)
			}
		}
	}
	return median(all[0]), median(all[1])
}

// process runs one side of an operation.
func (f *fixture) process(ours bool, o operation) run {
	f.b.Helper()
	args, env := o.git, f.env
	if ours {
		exe, err := os.Executable()
		check(f.b, err)
		args, env = []string{exe}, append(slices.Clone(env), workEnv+"="+strings.Join(o.ours, "\n"))
	}
	cmd := exec.CommandContext(f.b.Context(), args[0], args[1:]...)
	cmd.Env = env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		f.b.Fatalf("%s, ours %v: %v\n%s", o.name, ours, err, &stderr)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if osCountsKB {
		peak *= 1024
	}
	return run{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak}
}

// median gives the median of each figure by itself.
func median(runs []run) run {
	return run{
		time:   middle(runs, func(r run) time.Duration { return r.time }),
		cpu:    middle(runs, func(r run) time.Duration { return r.cpu }),
		memory: middle(runs, func(r run) int64 { return r.memory }),
	}
}

func middle[T cmp.Ordered](runs []run, of func(run) T) T {
	all := make([]T, len(runs))
	for i, r := range runs {
		all[i] = of(r)
	}
	slices.Sort(all)
	return all[len(all)/2]
}
