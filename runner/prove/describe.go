package prove

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"chant/runner/git"
	"chant/runner/project"
	"chant/runner/record"
)

// describe fills in what is known of the proof before any run.
func (p *proving) describe(ctx context.Context) error {
	base, head := p.base, p.head.tree
	p.out = record.Proof{
		Reproduction: p.pair.reproduction.ID, Fix: p.pair.fix.ID,
		Base:   record.Revision{Commit: string(base.commit), Tree: string(base.id), Rebuilt: p.rebuilt},
		Head:   record.Revision{Commit: string(head.commit), Tree: string(head.id), Worktree: p.opts.Worktree},
		Checks: []record.ProofCheck{}, Cells: []record.Cell{}, Changed: p.changedBetween(), Harness: []string{},
		Notes: []string{}, Warnings: []string{},
		PValue: 1, Alpha: p.opts.Alpha, Bounds: record.Bounds{RedHigh: 1, GreenHigh: 1},
		Allowed:     p.opts.AllowHarness,
		Environment: record.ProofEnv{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Chant: p.prover.Version},
	}
	files := []record.TestFile{}
	for _, path := range p.tests {
		data, err := p.content(base.files[path])
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		files = append(files, record.TestFile{Path: path, Blob: string(base.files[path].Hash), SHA256: hex.EncodeToString(sum[:])})
	}
	for _, g := range redChecks(p.original) {
		c := record.ProofCheck{
			Criterion: g.Criteria[0].Number, Text: g.Criteria[0].Text, Lang: g.Check.Lang,
			Command: g.Check.Script, Wants: g.Check.Wants(), Files: files, PValue: 1, Bounds: p.out.Bounds,
		}
		if g.Check.Match != nil {
			c.Reason = g.Check.Match.String()
		}
		p.out.Checks = append(p.out.Checks, c)
	}
	for _, one := range p.out.Changed {
		if one.Class == record.ClassHarness {
			p.out.Harness = append(p.out.Harness, one.Path)
		}
	}
	if p.classes[project.ConfigFile] != "" && !p.opts.AllowHarness {
		p.note("%s was changed since base; that of base counts", project.ConfigFile)
	}
	if err := p.compareTests(); err != nil {
		return err
	}
	if p.rebuilt {
		p.note("rebuilt base: commit %.12s completed %s and what depends on it at once, so base is "+
			"its first parent with the target files of %[2]s",
			p.done[p.pair.reproduction.ID].Commit, p.pair.reproduction.ID)
	}
	if p.original.Digest() != p.pair.reproduction.Digest() {
		p.note("the criteria or checks of %s were edited since base; those of base count", p.pair.reproduction.ID)
	}
	if len(p.tests) == 0 {
		p.note("%s names no test file as its target, so none is put back", p.pair.reproduction.ID)
	}
	return p.compareRecorded(ctx)
}

// content reads a file of a tree; nil if there is none. A submodule has no content.
func (p *proving) content(c git.Content) ([]byte, error) {
	data, ok := p.head.loose[c.Hash]
	if ok || c.Mode == "" || c.Mode == modeSubmodule {
		return data, nil
	}
	return p.prover.Git.Blob(c.Hash)
}

// contents reads a file in base and at head.
func (p *proving) contents(path string) (before, after []byte, err error) {
	if before, err = p.content(p.base.files[path]); err == nil {
		after, err = p.content(p.head.tree.files[path])
	}
	return before, after, err
}

// classify finds the class of every changed path.
func (p *proving) classify() (err error) {
	p.classes = map[string]record.PathClass{}
	c := classifier{test: p.isTest, fix: p.fix}
	if c.judges, err = p.judges(); err != nil {
		return err
	}
	for _, path := range changedPaths(p.base.files, p.head.tree.files, everywhere) {
		var before, after []byte
		if judgingPart(path) != nil {
			if before, after, err = p.contents(path); err != nil {
				return err
			}
		}
		p.classes[path] = c.class(path, before, after)
		vendored, err := p.isVendored(path)
		if err != nil {
			return err
		}
		if class := p.classes[path]; vendored && (class == record.ClassFix || class == record.ClassOther) {
			p.classes[path] = record.ClassHarness
		}
	}
	return nil
}

// changedBetween lists the changed paths with where the cells have them from.
func (p *proving) changedBetween() []record.ProofPath {
	list := []record.ProofPath{}
	from := func(cell *treeSpec, path string) record.PathOrigin {
		switch c := cell.files[path]; {
		case c.Mode == "":
			return record.Absent
		case c == p.base.files[path]:
			return record.FromBase
		}
		return record.FromHead
	}
	for _, path := range changedPaths(p.base.files, p.head.tree.files, everywhere) {
		list = append(list, record.ProofPath{
			Path: path, Class: p.classes[path], Green: from(p.green, path), Causal: from(p.causal, path),
		})
	}
	return list
}

// compareTests fills in Intact.
func (p *proving) compareTests() error {
	if p.shared != "" {
		return nil // what was changed in it may be code
	}
	var all strings.Builder
	differing := changedPaths(p.base.files, p.head.tree.files, p.isTest)
	for _, path := range differing {
		before, after, err := p.contents(path)
		if err != nil {
			return err
		}
		if was, is := p.base.files[path].Mode, p.head.tree.files[path].Mode; was != is {
			fmt.Fprintf(&all, "%s: mode %s, was %s\n", path, cmp.Or(is, "none"), cmp.Or(was, "none"))
		}
		all.Write(diff.Diff("base/"+path, before, "head/"+path, after))
	}
	p.out.Intact = record.Intact{Same: len(p.tests) > 0 && len(differing) == 0, Diff: strings.ToValidUTF8(all.String(), "\uFFFD")}
	return nil
}

// compareRecorded compares the test with that of the commit which the
// reproduction records as its work. History decides; a commit that was squashed
// or rebased away tells nothing.
func (p *proving) compareRecorded(ctx context.Context) error {
	if len(p.original.Commits) == 0 {
		return nil
	}
	commit, err := p.prover.Git.Resolve(ctx, p.original.Commits[len(p.original.Commits)-1])
	if errors.Is(err, git.ErrUnknownRevision) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := p.prover.Git.List(commit)
	if err != nil {
		return err
	}
	recorded := treeOf(files)
	for _, path := range p.tests {
		if recorded[path].Hash != p.base.files[path].Hash {
			p.note("commit %.12s, which %s names as its work, holds another %s than base", commit, p.pair.reproduction.ID, path)
		}
	}
	return nil
}
