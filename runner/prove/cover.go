package prove

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"chant/runner/process"
	"chant/runner/record"
	"chant/spec"
)

// cover finds out which of the fix's changed lines the test runs, for a check
// that calls go test: by one more run in the green tree, with a coverage profile.
// It leaves the proof's Coverage nil if that can't be known.
func (p *proving) cover(ctx context.Context, c *spec.Check) error {
	module, err := p.module()
	if err != nil || module == "" {
		return err
	}
	lines, err := p.fixedLines()
	if err != nil || len(lines) == 0 || !regexp.MustCompile(`\bgo test\b`).MatchString(c.Script) {
		return err
	}
	if err := p.checkOut(ctx, p.green); err != nil {
		return err
	}
	profile := filepath.Join(filepath.Dir(p.checkouts.open[p.green].checkout.Top()), "cover.out") // beside the tree
	check := *c
	flags := lookup(slices.Concat(p.checker.Env, check.Env), "GOFLAGS")
	check.Env = append(slices.Clip(check.Env), "GOFLAGS="+flags+" -coverpkg=./... -coverprofile="+profile)
	command, err := p.command(&check)
	if err != nil {
		return err
	}
	run, err := p.runAlone(ctx, record.CellGreen, &check, command)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case run.Outcome != record.Held:
		return nil // a command that has no use for these flags
	}
	data, err := os.ReadFile(profile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the coverage profile: %w", err)
	}
	p.out.Coverage = coverage(module, lines, parseProfile(string(data)))
	return nil
}

// fixedLines returns the lines, from 1, that the fix wrote into Go files that are
// built, by path.
func (p *proving) fixedLines() (map[string][]int, error) {
	lines := map[string][]int{}
	for _, path := range p.fixed {
		after := p.head.tree.files[path]
		if filepath.Ext(path) != ".go" || isTestName(path) || !after.exists() {
			continue
		}
		was, err := p.content(p.base.files[path])
		if err != nil {
			return nil, err
		}
		is, err := p.content(after)
		if err != nil {
			return nil, err
		}
		if added := addedLines(was, is); len(added) > 0 {
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
		if found := hunk.FindStringSubmatch(line); found != nil {
			at, _ = strconv.Atoi(found[1]) // digits, by the expression
			continue
		}
		if at == 0 {
			continue
		}
		switch line[0] {
		case '+':
			added = append(added, at)
			at++
		case ' ':
			at++
		}
	}
	return added
}

// block is a range of lines of a coverage profile.
type block struct {
	first, last int
	ran         bool
}

// parseProfile reads the format of go tool cover: "file:l0.c0,l1.c1 statements
// count" on each line. Other lines, such as the mode, are skipped.
func parseProfile(profile string) map[string][]block {
	form := regexp.MustCompile(`(?m)^(.+):(\d+)\.\d+,(\d+)\.\d+ \d+ (\d+)$`)
	blocks := map[string][]block{}
	for _, found := range form.FindAllStringSubmatch(profile, -1) {
		first, err := strconv.Atoi(found[2])
		last, err2 := strconv.Atoi(found[3])
		if err == nil && err2 == nil {
			blocks[found[1]] = append(blocks[found[1]], block{first, last, found[4] != "0"})
		}
	}
	return blocks
}

// coverage counts those of the lines that hold code, which are those in the
// profile; nil if there are none.
func coverage(module string, lines map[string][]int, profile map[string][]block) *record.Coverage {
	c := &record.Coverage{Missed: []string{}}
	for path, numbers := range lines {
		for _, n := range numbers {
			code, ran := false, false
			for _, b := range profile[module+"/"+path] { // a profile names files by import path
				if b.first <= n && n <= b.last {
					code, ran = true, ran || b.ran
				}
			}
			switch {
			case ran:
				c.Changed++
				c.Covered++
			case code:
				c.Changed++
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

// module returns the path of the module at the top of the repository; "" if there
// is none.
func (p *proving) module() (string, error) {
	manifest, ok := p.green.files["go.mod"]
	if !ok {
		return "", nil
	}
	data, err := p.content(manifest)
	found := regexp.MustCompile(`(?m)^module[ \t]+"?([^"\s]+)`).FindSubmatch(data)
	if found == nil {
		return "", err
	}
	return string(found[1]), err
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

// lookup returns the value of a variable; the last counts.
func lookup(env []string, name string) string {
	for _, entry := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// What a proof asks of every go test that a check calls. Other go commands ignore
// these flags; -v would make go build print more, too.
const (
	uncached = "-count=1" // run also what has passed before: a cached pass is no run
	verbose  = "-test.v"  // name each test: "ok" is also printed if all were skipped
)

// withGoFlags adds flags to those that the environment sets.
func withGoFlags(env []string, flags ...string) []string {
	flags = append([]string{lookup(env, "GOFLAGS")}, flags...)
	return append(slices.Clip(env), "GOFLAGS="+strings.TrimSpace(strings.Join(flags, " ")))
}
