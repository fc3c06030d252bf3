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
	"chant/runner/record"
)

// describe fills in what is known of the proof before any run.
func (p *proving) describe(ctx context.Context) error {
	base, head := p.base, p.head.tree
	p.out = record.Proof{
		Reproduction: p.pair.reproduction.ID, Fix: p.pair.fix.ID,
		Base:   record.Revision{Commit: string(base.commit), Tree: string(base.id)},
		Head:   record.Revision{Commit: string(head.commit), Tree: string(head.id), Worktree: p.opts.Worktree},
		Checks: []record.ProofCheck{}, Cells: []record.Cell{}, Changed: []record.ProofPath{}, Harness: []string{}, Notes: []string{},
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
	if err := p.classify(); err != nil {
		return err
	}
	if err := p.compareTests(); err != nil {
		return err
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
	c := classifier{test: p.isTest, fix: p.fix, tests: p.tests}
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
		class := c.class(path, p.base.files[path].Mode != "", before, after)
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
	p.out.Intact = record.Intact{Same: len(differing) == 0, Diff: strings.ToValidUTF8(all.String(), "\uFFFD")}
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
