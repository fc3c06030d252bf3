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
		PValue: 1, Alpha: p.budget.alpha, Bounds: record.Bounds{RedHigh: 1, GreenHigh: 1},
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
		files = append(files, record.TestFile{Path: path, Blob: string(base.files[path].blob), SHA256: hex.EncodeToString(sum[:])})
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
	return p.remark(ctx)
}

// content reads a file of a tree; nil if there is none. A submodule has no content.
func (p *proving) content(e entry) ([]byte, error) {
	data, ok := p.head.loose[e.blob]
	if ok || !e.exists() || e.mode == modeSubmodule {
		return data, nil
	}
	return p.prover.Git.Blob(e.blob)
}

// classify finds the class of every changed path.
func (p *proving) classify() (err error) {
	c := classifier{test: p.isTest, fix: p.fix, tests: p.tests}
	if c.judges, err = p.judges(); err != nil {
		return err
	}
	base, head := p.base.files, p.head.tree.files
	for _, path := range changedPaths(base, head, everywhere) {
		read := func(e entry) func() []byte {
			return func() []byte {
				data, readErr := p.content(e)
				err = errors.Join(err, readErr)
				return data
			}
		}
		class := c.class(path, base[path].exists(), read(base[path]), read(head[path]))
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
	differing := changedPaths(p.base.files, p.head.tree.files, p.isTest)
	for _, path := range differing {
		was, is := p.base.files[path], p.head.tree.files[path]
		before, err := p.content(was)
		if err != nil {
			return err
		}
		after, err := p.content(is)
		if err != nil {
			return err
		}
		if was.mode != is.mode {
			fmt.Fprintf(&all, "%s: mode %s, was %s\n", path, cmp.Or(is.mode, "none"), cmp.Or(was.mode, "none"))
		}
		all.Write(diff.Diff("base/"+path, before, "head/"+path, after))
	}
	p.out.Intact = record.Intact{Same: len(differing) == 0, Diff: strings.ToValidUTF8(all.String(), "\uFFFD")}
	return nil
}

// remark notes what weakens or explains the proof, and decides nothing.
func (p *proving) remark(ctx context.Context) error {
	if p.original.Digest() != p.pair.reproduction.Digest() {
		p.note("the criteria or checks of %s were edited since base; those of base count", p.pair.reproduction.ID)
	}
	if len(p.tests) == 0 {
		p.note("%s names no test file as its target, so none is put back", p.pair.reproduction.ID)
	}
	return p.compareRecorded(ctx)
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
		if recorded[path].blob != p.base.files[path].blob {
			p.note("commit %.12s, which %s names as its work, holds another %s than base", commit, p.pair.reproduction.ID, path)
		}
	}
	return nil
}
