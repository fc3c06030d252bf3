package completion

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/spec"
)

// Recorded reports, by id, which of the completed specs are completed in a commit too, with
// the same criteria and checks. If the commit is "", none is. The prefix is the project's
// folder in the repository, "" for the top.
func Recorded(ctx context.Context, repo Repository, commit git.Hash, specs []*spec.Spec, prefix string) (map[string]bool, error) {
	recorded := map[string]bool{}
	specs = slices.DeleteFunc(slices.Clone(specs), func(s *spec.Spec) bool { return s.Status != spec.StatusCompleted })
	if commit == "" || len(specs) == 0 {
		return recorded, nil
	}
	p := project{repo, prefix}
	files, err := p.files(ctx, commit)
	if err != nil {
		return nil, fmt.Errorf("listing the specs of commit %.12s: %w", commit, err)
	}
	for _, s := range specs {
		f, ok := files[s.ID]
		if !ok {
			continue
		}
		done, err := p.spec(f)
		if err != nil {
			return nil, err
		}
		recorded[s.ID] = done.Status == spec.StatusCompleted && done.Digest() == s.Digest()
	}
	return recorded, nil
}

// files returns the file of each spec in a commit, by id.
func (p project) files(ctx context.Context, commit git.Hash) (map[string]file, error) {
	out, err := p.repo.Run(ctx, call("ls-tree", "-r", "-z", "--full-tree", string(commit), "--", p.live(), p.archive()))
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		meta, name, _ := strings.Cut(entry, "\t")
		fields := strings.Fields(meta)
		if len(fields) != 3 {
			continue // after the last entry
		}
		f := newFile(name, fields[0], fields[2])
		id, ok := f.id()
		if was, twice := files[id]; ok && f.blob != "" && (!twice || byPrecedence(f, was) < 0) {
			files[id] = f
		}
	}
	return files, nil
}
