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

	"chant/runner/check"
	"chant/runner/process"
	"chant/runner/record"
)

// cover finds out which of the fix's changed lines the test runs, for a check
// that calls go test: one more run in the green tree, with a coverage profile.
// It leaves the proof's Coverage nil where that can't be told.
func (p *proving) cover(ctx context.Context, u check.Group) error {
	module, err := p.module()
	if err != nil || module == "" {
		return err
	}
	lines, err := p.fixedLines()
	if err != nil || len(lines) == 0 || !regexp.MustCompile(`\bgo test\b`).MatchString(u.Check.Script) {
		return err
	}
	profile := filepath.Join(p.temp, "cover.out")
	check := *u.Check
	flags := lookup(slices.Concat(p.checker.Env, check.Env), "GOFLAGS")
	check.Env = append(slices.Clip(check.Env), "GOFLAGS="+flags+" -coverpkg=./... -coverprofile="+profile)
	command, err := p.command(&check)
	if err != nil {
		return err
	}
	end, err := p.alone(ctx, record.CellGreen, &check, command)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case end.Outcome != record.Held:
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

// fixedLines gives the lines, from 1, that the fix wrote into Go files that are
// built: by path.
func (p *proving) fixedLines() (map[string][]int, error) {
	lines := map[string][]int{}
	for _, path := range p.fixed {
		after := p.head.tree[path]
		if filepath.Ext(path) != ".go" || isTestName(path) || !after.exists() {
			continue
		}
		was, err := p.content(p.base.tree[path], path)
		if err != nil {
			return nil, err
		}
		is, err := p.content(after, path)
		if err != nil {
			return nil, err
		}
		if added := addedLines(was, is); len(added) > 0 {
			lines[path] = added
		}
	}
	return lines, nil
}

// addedLines gives the lines of after that a unified diff adds.
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

// block is a stretch of lines of a coverage profile.
type block struct {
	first, last int
	ran         bool
}

// parseProfile reads the format of go tool cover: "file:l0.c0,l1.c1 statements
// count" by the line. Lines of another form, such as the mode, are passed over.
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

// coverage counts those of the lines that hold code, which is what the profile
// knows of; nil where it knows none.
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

// module gives the path of the module at the top of the repository; "" where
// there is none.
func (p *proving) module() (string, error) {
	manifest, ok := p.green.tree["go.mod"]
	if !ok {
		return "", nil
	}
	data, err := p.content(manifest, "go.mod")
	found := regexp.MustCompile(`(?m)^module[ \t]+"?([^"\s]+)`).FindSubmatch(data)
	if found == nil {
		return "", err
	}
	return string(found[1]), err
}

// goVersion gives the Go toolchain's version as the green tree selects it; ""
// where there is none.
func (p *proving) goVersion(ctx context.Context) string {
	out := process.NewBuffer(256, 256)
	res := p.Settings.Processes.Run(ctx, process.Command{
		Argv: []string{"go", "env", "GOVERSION"}, Dir: p.places[p.green.folder].dir, Env: p.checker.Env, Output: out,
	})
	if res.Err != nil || res.Exit != 0 {
		return ""
	}
	return strings.TrimSpace(out.String())
}

// lookup gives the value of a variable; of a repeated name the last counts.
func lookup(env []string, name string) string {
	for _, entry := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
