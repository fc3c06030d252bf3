// Package bench compares chant with the least that the same work costs, and prints one table:
//
//	go test -run '^$' -bench . -timeout 0 ./tests/bench
//
// Every figure is that of a whole process and all processes that it starts. A row measures
// chant and the other program alternately (A B A B ...), and its ratios are those of the
// pairs, because a machine that is slow for a while is slow for both. A "!" marks a median
// above the goal. Nothing is asserted.
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
	"testing"
	"time"
)

var (
	files  = flag.Int("files", 20000, "number of files in the repository for commit and checkout")
	specs  = flag.String("specs", "200,2000", "numbers of specs to verify, separated by commas")
	rounds = flag.Int("rounds", 7, "pairs of measurements for each row")
)

// workArg is the first argument that makes the test binary do a part of chant's work, in a
// process of its own; see work.
const workArg = "work"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workArg {
		if err := work(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// cost is what a row measures.
type cost string

const (
	wall cost = "wall" // the time from start to end
	cpu  cost = "CPU"  // the user and system time, which other load hardly changes
)

// row is one line of the table.
type row struct {
	name         string
	cost         cost
	goal         float64  // the largest ratio that is good enough
	dir          string   // the folder of both commands
	prepare      func()   // runs before each measurement; may be nil
	chant, other []string // the two commands
}

// BenchmarkChant prints the table. It does not use b.N.
func BenchmarkChant(b *testing.B) {
	dir := b.TempDir()
	f := &fixture{b: b, dir: dir, env: os.Environ()}
	f.run(".", "go", "build", "-buildvcs=false", "-o", dir+"/", "chant", "chant/tests/bench/barego")
	f.env = environment(dir) // not before: the build needs the caches in the user's home folder
	// Not b.Log, which would indent the table and cut it off.
	fmt.Fprintf(os.Stdout, "\n%-34s %-5s %9s %9s  %6s %6s %6s %5s\n", "", "", "chant ms", "other ms", "min", "median", "max", "goal")
	for _, r := range slices.Concat(f.gitRows(), f.verifyRows()) {
		f.print(r)
	}
	for b.Loop() { // without the loop the benchmark would run again
	}
}

// gitRows compares with the git program.
func (f *fixture) gitRows() []row {
	repo, out := f.fileRepo(*files), filepath.Join(f.dir, "out")
	self, err := os.Executable()
	f.check(err)
	size := fmt.Sprintf(", %d files", *files)
	edits := 0
	return []row{{
		name: "commit of one path" + size, cost: cpu, goal: 2, dir: repo,
		prepare: func() {
			edits++
			f.check(os.WriteFile(filepath.Join(repo, edited), fmt.Appendln(nil, edits), 0o644))
		},
		chant: []string{self, workArg, "commit", repo, edited},
		other: []string{"git", "commit", "--quiet", "--only", "-m", "m", "--", edited},
	}, {
		name: "checkout" + size, cost: wall, goal: 1.2, dir: repo,
		prepare: func() {
			f.check(os.RemoveAll(out))
			f.check(os.Mkdir(out, 0o755))
		},
		chant: []string{self, workArg, "checkout", repo, out},
		other: []string{"sh", "-c", `git archive HEAD | tar x -C "$1"`, "sh", out},
	}}
}

// verifyRows compares with a program that only runs the commands of the checks.
func (f *fixture) verifyRows() []row {
	var rows []row
	for text := range strings.SplitSeq(*specs, ",") {
		n, err := strconv.Atoi(text)
		f.check(err)
		goal := 1.3
		if n > 200 {
			goal = 1.6
		}
		rows = append(rows, row{
			name: fmt.Sprintf("verify, %d specs", n), cost: wall, goal: goal, dir: f.specRepo(n),
			chant: []string{filepath.Join(f.dir, "chant"), "verify"},
			other: []string{filepath.Join(f.dir, "barego"), text, "sh", "-ec", "true"},
		})
	}
	return rows
}

// print measures a row, after a first pair that does not count, and prints it.
func (f *fixture) print(r row) {
	f.b.Helper()
	var chant, other []time.Duration
	var ratios []float64
	for round := range *rounds + 1 {
		a, b := f.measure(r, r.chant), f.measure(r, r.other)
		if round > 0 {
			chant, other, ratios = append(chant, a), append(other, b), append(ratios, float64(a)/float64(b))
		}
	}
	mark := ""
	if median(ratios) > r.goal {
		mark = "!"
	}
	fmt.Fprintf(os.Stdout, "%-34s %-5s %9.1f %9.1f  %6.2f %6.2f %6.2f %5g%s\n", r.name, r.cost, ms(median(chant)), ms(median(other)),
		slices.Min(ratios), median(ratios), slices.Max(ratios), r.goal, mark)
}

// measure returns the cost of one command, which has to exit 0.
func (f *fixture) measure(r row, args []string) time.Duration {
	f.b.Helper()
	if r.prepare != nil {
		r.prepare()
	}
	cmd := f.command(r.dir, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		f.b.Fatalf("%s: %q: %v\n%s", r.name, args, err, &stderr)
	}
	if r.cost == cpu {
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return took
}

func (f *fixture) command(dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(f.b.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, f.env
	return cmd
}

func median[T cmp.Ordered](all []T) T { return slices.Sorted(slices.Values(all))[len(all)/2] }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
