package prove

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"chant/runner/check"
	"chant/runner/git"
	"chant/runner/stats"
	"chant/runner/record"
	"chant/spec"
)

// describe fills in what is known of the proof before any run.
func (p *proving) describe(ctx context.Context) error {
	p.out = record.Proof{
		Reproduction: p.reproduction.ID, Fix: p.fix.ID,
		Base: p.base.revision(), Head: p.head.revision(),
		Checks: []record.ProofCheck{}, Cells: []record.Cell{}, Changed: []record.ProofPath{}, Harness: []string{}, Notes: []string{},
		PValue: 1, Alpha: p.alpha, Bounds: record.Bounds{RedHigh: 1, GreenHigh: 1},
		Allowed: p.opts.AllowHarness, Environment: p.environment(),
	}
	files := []record.TestFile{}
	for _, path := range p.tests {
		data, err := p.content(p.base.tree[path], path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		files = append(files, record.TestFile{Path: path, Blob: string(p.base.tree[path].blob), SHA256: hex.EncodeToString(sum[:])})
	}
	for _, u := range redChecks(p.original) {
		c := record.ProofCheck{
			Criterion: u.Criteria[0].Number, Text: u.Criteria[0].Text, Lang: u.Check.Lang,
			Command: u.Check.Script, Wants: u.Check.Wants(), Files: files, PValue: 1, Bounds: p.out.Bounds,
		}
		if u.Check.Match != nil {
			c.Reason = u.Check.Match.String()
		}
		p.out.Checks = append(p.out.Checks, c)
	}
	if err := p.classify(); err != nil {
		return err
	}
	if err := p.compareTests(); err != nil {
		return err
	}
	return p.remarks(ctx)
}

// content reads a file of a tree; a file that is not there has none.
func (p *proving) content(e entry, path string) ([]byte, error) {
	if e.from == "" || e.mode == modeSubmodule {
		return e.data, nil
	}
	return p.Git.ReadFile(e.from, path)
}

// classify tells what every changed path is to the proof.
func (p *proving) classify() (err error) {
	c := classifier{test: p.isTest, fix: p.fix, tests: p.tests}
	if c.judges, err = p.judges(); err != nil {
		return err
	}
	for _, path := range changedPaths(p.base.tree, p.head.tree, everywhere) {
		read := func(side side) func() []byte {
			return func() []byte {
				data, readErr := p.content(side.tree[path], path)
				if readErr != nil {
					err = readErr
				}
				return data
			}
		}
		class := c.class(path, p.base.tree[path].exists(), read(p.base), read(p.head))
		if err != nil {
			return err
		}
		p.out.Changed = append(p.out.Changed, record.ProofPath{Path: path, Class: class})
		if class == record.ClassHarness && p.fix.Targets(path) {
			p.out.Harness = append(p.out.Harness, path)
		}
	}
	return nil
}

// compareTests fills in Intact.
func (p *proving) compareTests() error {
	var all strings.Builder
	differing := changedPaths(p.base.tree, p.head.tree, p.isTest)
	for _, path := range differing {
		was, is := p.base.tree[path], p.head.tree[path]
		before, err := p.content(was, path)
		if err != nil {
			return err
		}
		after, err := p.content(is, path)
		if err != nil {
			return err
		}
		if was.mode != is.mode {
			fmt.Fprintf(&all, "%s: mode %s, was %s\n", path, orNone(is.mode), orNone(was.mode))
		}
		all.Write(diff.Diff("base/"+path, before, "head/"+path, after))
	}
	p.out.Intact = record.Intact{Same: len(differing) == 0, Diff: strings.ToValidUTF8(all.String(), "\uFFFD")}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// remarks notes what weakens or explains the proof, and decides nothing.
func (p *proving) remarks(ctx context.Context) error {
	if err := p.crossCheck(ctx); err != nil {
		return err
	}
	if p.original.Digest() != p.reproduction.Digest() {
		p.note("the criteria or checks of %s were edited since base; those of base count", p.reproduction.ID)
	}
	if len(p.tests) == 0 {
		p.note("%s names no test file as its target, so none is put back", p.reproduction.ID)
	}
	for _, path := range p.head.tree.paths() {
		switch e := p.head.tree[path]; {
		case e.mode == modeSubmodule:
			p.note("the submodule %s is an empty folder in the exported trees", path)
		case path == ".gitattributes":
			data, err := p.content(e, path)
			if err != nil {
				return err
			}
			if strings.Contains(string(data), "filter=lfs") {
				p.note("files of Git LFS are only their pointers in the exported trees")
			}
		}
	}
	return nil
}

// crossCheck compares the test with that of the commit which the reproduction
// names as its work. History decides; a commit that was squashed or rebased
// away says nothing.
func (p *proving) crossCheck(ctx context.Context) error {
	if len(p.original.Commits) == 0 {
		return nil
	}
	commit, err := p.Git.Resolve(ctx, p.original.Commits[len(p.original.Commits)-1])
	if errors.Is(err, git.ErrUnknownRevision) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, path := range p.tests {
		blob, err := p.Git.Entry(commit, path)
		if err != nil {
			return err
		}
		if blob != p.base.tree[path].blob {
			p.note("commit %.12s, which %s names as its work, holds another %s than base", commit, p.reproduction.ID, path)
		}
	}
	return nil
}

// add records what the runs of the i-th check came to. The verdict is that of
// the check that is furthest from proven.
func (p *proving) add(i int, m *matrix) {
	k, n := m.red[record.Held], m.red.counted()
	c := &p.out.Checks[i]
	if c.Needed = m.found.needed; m.green.failed() == 0 {
		c.PValue = stats.Fisher(k, n, m.green[record.Held])
	}
	c.Bounds.RedLow, c.Bounds.RedHigh = stats.Bounds(k, n)
	c.Bounds.GreenHigh = stats.Upper(m.green.failed(), m.green[record.Held]+m.green.failed())
	if i == 0 || c.PValue > p.out.PValue {
		p.out.PValue, p.out.Bounds = c.PValue, c.Bounds
	}
	if i == 0 || m.found.verdict != record.Proven {
		p.out.Verdict, p.out.Reason = m.found.verdict, m.explain()
	}
	p.out.Needed = max(p.out.Needed, c.Needed)
	for _, name := range []string{record.CellRed, record.CellGreen, record.CellCausal} {
		p.out.Cells = append(p.out.Cells, p.ran(p.cell(name, c.Criterion), m.tally(name), m.seen[name], name == record.CellGreen))
		last := &p.out.Cells[len(p.out.Cells)-1]
		switch name {
		case record.CellRed:
			last.Held = k > 0
		case record.CellGreen:
			last.Held = k > 0 && m.green.failed() == 0 && m.green[record.Held] >= m.needed()
		case record.CellCausal:
			last.Held = m.causal[record.Held] > 0
			if m.shared {
				last.SharedWith = record.CellRed
			}
		}
	}
}

// explain gives the finding with what the run said that decided it.
func (m *matrix) explain() string {
	var telling *check.JudgedRun
	switch m.found.verdict {
	case record.WrongCause:
		telling = m.seen[record.CellRed].missed
	case record.NotFixed:
		telling = m.seen[record.CellGreen].missed
	case record.NotProvable:
		for _, name := range m.own() {
			if s := m.seen[name]; telling == nil && s.missed != nil && s.missed.Outcome == record.InvalidRun {
				telling = s.missed
			}
		}
	case record.Inconclusive:
		switch {
		case m.green.unfit() >= futile:
			telling = m.seen[record.CellGreen].missed
		case m.found.needed == 0:
			telling = m.seen[record.CellCausal].missed
		}
	}
	if telling == nil || telling.Why == "" || strings.HasSuffix(m.found.reason, telling.Why) {
		return m.found.reason
	}
	return m.found.reason + ": " + telling.Why
}

// cell begins a cell of the table.
func (p *proving) cell(name string, criterion int) record.Cell {
	wanted := map[string]string{
		record.CellRed:    "fails for the stated reason",
		record.CellGreen:  "the same test passes, every run",
		record.CellCausal: "without the fix it fails again",
		record.CellIntact: "the test is the same, or passes as changed",
		record.CellKept:   "what held at base still holds",
	}
	return record.Cell{
		Name: name, Criterion: criterion, Tree: string(p.layout(name).id), Wanted: wanted[name],
		ByOutcome: map[record.Outcome]int{}, Reason: "not run",
	}
}

// unrun gives the cells of checks that were not run.
func (p *proving) unrun(checks []check.Group) []record.Cell {
	cells := []record.Cell{}
	for _, u := range checks {
		for _, name := range []string{record.CellRed, record.CellGreen, record.CellCausal} {
			cells = append(cells, p.cell(name, u.Criteria[0].Number))
		}
	}
	return cells
}

// ran fills a cell in with its runs. The one shown is the first that held; in a
// cell that needs every run, the first that did not.
func (p *proving) ran(c record.Cell, runs tally, s *seen, every bool) record.Cell {
	c.Runs, c.ByOutcome, c.DurationMS = runs.all(), runs, s.took.Milliseconds()
	shown := s.held
	if shown == nil || every && s.missed != nil {
		shown = s.missed
	}
	if shown != nil {
		c.Reason, c.LogDigest = shown.Why, shown.Observation.Digest
		c.Output = p.withoutPlaces(shown.Observation.Output)
	}
	return c
}

// withoutPlaces takes the temporary folders out of a text, as they differ from
// proof to proof.
func (p *proving) withoutPlaces(text string) string {
	for _, at := range p.places {
		text = strings.ReplaceAll(text, at.dir, "/"+string(at.tree[:min(12, len(at.tree))]))
	}
	return text
}

// intact gives the cell of the test's own bytes; runs are those of the test as
// head has it.
func (p *proving) intact(runs tally) record.Cell {
	c := p.cell(record.CellIntact, 0)
	if p.out.Intact.Same {
		c.Held, c.Reason = true, ""
		return c
	}
	if runs.all() > 0 {
		c = p.ran(c, runs, &p.changed, true)
		c.Held = !runs.missed()
	}
	if c.Held {
		c.Reason = "the test was changed since base; as changed it passes"
	}
	return c
}

// command is a command of the config as a check.
func command(script string) check.Group {
	c := &spec.Check{Lang: "sh", Script: script, Repeat: 1, AtLeast: 1, Timeout: spec.DefaultTimeout, Dir: ".", At: spec.AtHead}
	return check.Group{Check: c, Criteria: []spec.Criterion{{Text: script, Check: c}}}
}

func lastLine(text string) string {
	lines := slices.Collect(strings.Lines(strings.TrimSpace(text)))
	if len(lines) == 0 {
		return "no output"
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
