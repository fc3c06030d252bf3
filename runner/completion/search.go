package completion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chant/runner/git"
)

// search is one search for completions.
type search struct {
	project  project
	history  *history
	answers  map[query]*answer
	statuses map[git.Hash]status // of spec files, by blob
	contents map[file]content    // of completed specs

	renames map[*commit]map[content]*version // the completed specs that a commit deleted, as they were
	relands map[time.Time][]*version         // deletions of completed specs, by the time of completion, as in history.deleted
	indexed int                              // how many of history.deleted are in relands
}

// query asks when a spec was completed, looking back from a commit.
type query struct {
	commit *commit
	id     string
}

// answer is the version that completed a spec on a first-parent line; nil where the
// spec is not completed.
type answer struct {
	version *version
	err     error // git.ErrShallow, where history ends too early
}

// lineRounds is how many times the lines of merged branches are read by
// themselves. Merges can be nested by the thousand, so then all the rest is read.
const lineRounds = 3

// answer answers queries on their first-parent lines, and those that follow from
// them: where a merge brought a completed spec in, the merged branches are
// searched as well.
func (s *search) answer(ctx context.Context, queries []query) error {
	for round := 1; len(queries) > 0; round++ {
		if err := s.readLines(ctx, queries, round > lineRounds); err != nil {
			return err
		}
		var next []query
		for _, q := range queries {
			if s.answers[q] != nil {
				continue
			}
			a, err := s.line(q)
			if err != nil {
				return err
			}
			s.answers[q] = a
			next = append(next, s.onBranches(a)...)
		}
		queries = next
	}
	return nil
}

// readLines reads the first-parent lines that queries start from, or all commits.
func (s *search) readLines(ctx context.Context, queries []query, rest bool) error {
	var commits []*commit
	for _, q := range queries {
		commits = append(commits, q.commit.unread()...)
	}
	if rest && len(commits) > 0 {
		for _, c := range s.history.order {
			commits = append(commits, c.unread()...)
		}
	}
	if err := s.history.readVersions(ctx, s.project, commits); err != nil {
		return fmt.Errorf("reading the history of specs: %w", err)
	}
	return nil
}

// onBranches returns the queries that go on where a merge brought the completed
// spec in. Of two branches that did, the one merged last comes first.
func (s *search) onBranches(a *answer) []query {
	if a.version == nil || a.err != nil {
		return nil
	}
	var queries []query
	for _, parent := range slices.Backward(a.version.commit.merged) {
		queries = append(queries, query{s.history.commits[parent], a.version.id})
	}
	return queries
}

// resolve returns the answer to a query, through all merges.
func (s *search) resolve(q query) *answer {
	a := s.answers[q]
	for {
		branches := s.onBranches(a)
		on := slices.IndexFunc(branches, func(branch query) bool { return s.answers[branch].version != nil })
		if on < 0 {
			return a
		}
		a = s.answers[branches[on]]
	}
}

// line answers a query on the first-parent line.
func (s *search) line(q query) (*answer, error) {
	var a answer
	for v := s.history.version(q.commit, q.id); v != nil; {
		if st, err := s.status(v); err != nil || !st.completed {
			return &a, err // only the first version: the others are known to be completed
		}
		a.version = v
		if v, a.err = s.earlier(v); a.err != nil && !errors.Is(a.err, git.ErrShallow) {
			return nil, a.err
		}
	}
	return &a, nil
}

// earlier returns the version before v, on the first-parent line, that holds the
// same completion; nil where v is the oldest. The error is git.ErrShallow where
// history ends before that is known.
func (s *search) earlier(v *version) (*version, error) {
	if v.commit.first == nil {
		return nil, v.commit.end()
	}
	if before, err := s.status(v.prev); before.completed || err != nil {
		return v.prev, err
	}
	if !v.prev.exists() {
		if was, err := s.renamed(v); was != nil || err != nil {
			return was, err
		}
	}
	return s.beyondGap(v)
}

// renamed returns the version that the commit of v deleted while it added v: the
// same completed spec under another id.
func (s *search) renamed(v *version) (*version, error) {
	if len(v.commit.deleted) == 0 {
		return nil, nil
	}
	if s.renames[v.commit] == nil {
		was := map[content]*version{}
		for _, deletion := range v.commit.deleted {
			st, err := s.status(deletion.prev)
			if err != nil {
				return nil, err
			}
			if !st.completed {
				continue
			}
			c, err := s.content(deletion.prev)
			if err != nil {
				return nil, err
			}
			was[c] = deletion.prev // of several, the first by id
		}
		s.renames[v.commit] = was
	}
	c, err := s.content(v)
	if err != nil || c.criteria == 0 {
		return nil, err // without criteria the digest tells nothing
	}
	return s.renames[v.commit][c], nil
}

// beyondGap returns the version that completed the spec before it was not
// completed for a while, as where a merge was reverted and landed again. That has
// to be the same completion; a spec that was reopened has another time. The
// search ends where the gap has a commit from before the time of completion.
func (s *search) beyondGap(v *version) (*version, error) {
	done, err := s.status(v)
	if err != nil || done.at.IsZero() {
		return nil, err
	}
	from, floor := v.commit.first, -1
	if c := from.madeBefore(done.at); c != nil {
		floor = c.depth
	}
	for gap := v.prev; ; gap = gap.prev {
		if !gap.exists() {
			bottom := floor
			if gap != nil {
				bottom = max(bottom, gap.commit.depth)
			}
			if was, err := s.relanded(v, done.at, from, bottom); was != nil || err != nil {
				return was, err
			}
		}
		if gap == nil && floor < 0 {
			return nil, v.commit.end()
		}
		if gap == nil || gap.commit.depth <= floor {
			return nil, nil
		}
		from = gap.commit
		before, err := s.status(gap.prev)
		if err != nil {
			return nil, err
		}
		if !before.completed || !before.at.Equal(done.at) {
			continue
		}
		if same, err := s.isSame(v, gap.prev); same || err != nil {
			return gap.prev, err
		}
	}
}

// isSame tells whether two completed versions have the same criteria and checks.
func (s *search) isSame(a, b *version) (bool, error) {
	one, err := s.content(a)
	if err != nil {
		return false, err
	}
	other, err := s.content(b)
	return one.digest == other.digest, err
}

// relanded returns the newest version that some commit, from one down to above a
// depth of its line, deleted: the same completion as in v, under another id.
func (s *search) relanded(v *version, at time.Time, from *commit, bottom int) (*version, error) {
	if from.depth <= bottom {
		return nil, nil
	}
	for ; s.indexed < len(s.history.deleted); s.indexed++ {
		deletion := s.history.deleted[s.indexed]
		st, err := s.status(deletion.prev)
		if err != nil {
			return nil, err
		}
		if st.completed {
			s.relands[st.at] = append(s.relands[st.at], deletion)
		}
	}
	for _, deletion := range slices.Backward(s.relands[at]) {
		if deletion.commit.depth <= bottom || !from.has(deletion.commit) {
			continue
		}
		c, err := s.content(v)
		if err != nil || c.criteria == 0 {
			return nil, err
		}
		if was, err := s.content(deletion.prev); err != nil || was == c {
			return deletion.prev, err
		}
	}
	return nil, nil
}

// status returns the status of a version's file.
func (s *search) status(v *version) (status, error) {
	if !v.exists() {
		return status{}, nil
	}
	f := v.file()
	st, ok := s.statuses[f.blob]
	if ok {
		return st, nil
	}
	st, err := s.project.status(f)
	if err == nil {
		s.statuses[f.blob] = st
	}
	return st, err
}

// content returns the content of a version's file.
func (s *search) content(v *version) (content, error) {
	f := v.file()
	if c, ok := s.contents[f]; ok {
		return c, nil
	}
	sp, err := s.project.spec(f)
	if err != nil {
		return content{}, err
	}
	c := content{sp.Title, sp.Digest(), len(sp.Criteria)}
	s.contents[f] = c
	return c, nil
}
