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

	"chant/runner/record"
	"chant/spec"
)

// cover finds out which of the fix's changed lines the test runs, for a check
// that calls go test: by one more run in the green tree, with a coverage profile.
// It leaves the proof's Coverage nil if that can't be known, and warns of what makes
// the verdict doubtful.
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
	command.Env = withGoFlags(command.Env, verbose, "-coverpkg=./...", "-coverprofile="+file)
	run, err := p.runAlone(ctx, record.CellGreen, p.green, c, command)
	if err != nil {
		return err
	}
	profiles, err := cover.ParseProfiles(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.warn("the test passed, but which lines it ran can't be measured: go test wrote no coverage profile")
	case err != nil:
		p.warn("the test passed, but which lines it ran can't be measured: %s", record.OneLine(err))
	case run.Outcome != record.Held:
		p.warn("the test passed, but not while it was measured which lines it runs: %s", run.Why)
	default:
		p.out.Coverage = coverage(string(module[1]), lines, profiles)
		if c := p.out.Coverage; c != nil && c.Covered == 0 {
			p.warn("the test ran none of the lines that the fix changed")
		}
	}
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
