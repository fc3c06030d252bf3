package prove

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/cover"

	"chant/runner/process"
	"chant/runner/record"
	"chant/spec"
)

// cover finds out which of the fix's changed lines the test runs, for a check
// that calls go test: by one more run in the green tree, with a coverage profile.
// It leaves the proof's Coverage nil if that can't be known.
func (p *proving) cover(ctx context.Context, c *spec.Check) error {
	manifest, err := p.content(p.green.files["go.mod"])
	module := regexp.MustCompile(`(?m)^module[ \t]+"?([^"\s]+)`).FindSubmatch(manifest)
	if err != nil || module == nil {
		return err
	}
	lines, err := p.fixedLines()
	if err != nil || len(lines) == 0 || !regexp.MustCompile(`\bgo test\b`).MatchString(c.Script) {
		return err
	}
	file := filepath.Join(filepath.Dir(p.checkouts.open[p.green].checkout.Top()), "cover.out") // beside the tree
	command, err := p.command(c)
	if err != nil {
		return err
	}
	command.Env = withGoFlags(command.Env, "-coverpkg=./...", "-coverprofile="+file)
	run, err := p.runAlone(ctx, record.CellGreen, p.green, c, command)
	if err != nil || run.Outcome != record.Held {
		return err // none for a command that has no use for these flags
	}
	profiles, err := cover.ParseProfiles(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		p.note("the coverage is not known: %s", record.OneLine(err))
		return nil
	}
	p.out.Coverage = coverage(string(module[1]), lines, profiles)
	return nil
}

// fixedLines returns the lines, from 1, that the fix wrote into Go files that are
// built, by path.
func (p *proving) fixedLines() (map[string][]int, error) {
	lines := map[string][]int{}
	for _, path := range p.fixed {
		if filepath.Ext(path) != ".go" || isTestName(path) {
			continue
		}
		before, after, err := p.contents(path)
		if err != nil {
			return nil, err
		}
		if added := addedLines(before, after); len(added) > 0 {
			lines[path] = added
		}
	}
	return lines, nil
}

// addedLines returns the lines of after that a unified diff adds.
func addedLines(before, after []byte) []int {
	hunk := regexp.MustCompile(`^@@ -\d+(?:,\d+)? \+(\d+)`)
	var added []int
	at := 0 // the line of after that comes next; 0 before the first hunk
	for line := range strings.Lines(string(diff.Diff("a", before, "b", after))) {
		switch found := hunk.FindStringSubmatch(line); {
		case found != nil:
			at, _ = strconv.Atoi(found[1]) // digits, by the expression
		case at > 0 && line[0] == '+':
			added = append(added, at)
			at++
		case at > 0 && line[0] == ' ':
			at++
		}
	}
	return added
}

// coverage counts those of the lines that hold code, which are those in the
// profiles; nil if there are none.
func coverage(module string, lines map[string][]int, profiles []*cover.Profile) *record.Coverage {
	c := &record.Coverage{Missed: []string{}}
	for _, profile := range profiles {
		path := strings.TrimPrefix(profile.FileName, module+"/") // it has the import path
		for _, n := range lines[path] {
			code, ran := false, false
			for _, b := range profile.Blocks {
				if b.StartLine <= n && n <= b.EndLine {
					code, ran = true, ran || b.Count > 0
				}
			}
			if code {
				c.Changed++
			}
			if ran {
				c.Covered++
			} else if code {
				c.Missed = append(c.Missed, fmt.Sprintf("%s:%d", path, n))
			}
		}
	}
	slices.Sort(c.Missed)
	if c.Changed == 0 {
		return nil
	}
	return c
}

// goVersion returns the version of the Go toolchain that the green tree selects;
// "" if there is none.
func (p *proving) goVersion(ctx context.Context) string {
	out := process.NewBuffer(256, 256)
	res := p.prover.Settings.Processes.Run(ctx, process.Command{
		Argv: []string{"go", "env", "GOVERSION"}, Dir: p.checkouts.open[p.green].checkout.Top(), Env: p.checker.Env, Output: out,
	})
	if res.Err != nil || res.Exit != 0 {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// What a proof asks of every go test that a check calls. Other go commands ignore
// these flags; -v would make go build print more, too.
const (
	uncached = "-count=1" // run also what has passed before: a cached pass is no run
	verbose  = "-test.v"  // name each test: "ok" is also printed if all were skipped
)

// withGoFlags adds flags to those that the environment sets.
func withGoFlags(env []string, flags ...string) []string {
	flags = append([]string{process.Getenv(env, "GOFLAGS")}, flags...)
	return append(slices.Clip(env), "GOFLAGS="+strings.TrimSpace(strings.Join(flags, " ")))
}
