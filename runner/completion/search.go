package completion

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"chant/runner/git"
)

// search is one search for completions.
type search struct {
	project  project
	history  *history
	answers  map[query]answer
	statuses map[git.Hash]status // of spec files, by blob
	contents map[file]content    // of completed specs
}

// query asks for the completion of a spec, looking back from a commit.
type query struct {
	commit *commit
	id     string
}

// answer is the version that completed a spec; nil if the spec is not completed.
type answer struct {
	version *version
	err     error // git.ErrShallow if the clone may lack an older version with this completion
}

// answer answers a query. If a merge brought the completed spec in, the answer is that of
// the merged branch; if several branches have the spec, of the last one.
func (s *search) answer(q query) (answer, error) {
	if a, ok := s.answers[q]; ok {
		return a, nil
	}
	a, err := s.onLine(q)
	if err != nil {
		return a, err
	}
	if a.version != nil && a.err == nil {
		parents := a.version.commit.parents
		for _, parent := range slices.Backward(parents[min(1, len(parents)):]) {
			b, err := s.answer(query{s.history.commits[parent], a.version.id})
			if err != nil {
				return b, err
			}
			if b.version != nil {
				a = b
				break
			}
		}
	}
	s.answers[q] = a
	return a, nil
}

// onLine answers a query by the first-parent ancestors alone.
func (s *search) onLine(q query) (a answer, err error) {
	for v := s.history.version(q.commit, q.id); v != nil; {
		if st, err := s.status(v); err != nil || !st.completed {
			return a, err // only for the first version: the others are known to be completed
		}
		a.version = v
		if v, a.err = s.earlier(v); a.err != nil && !errors.Is(a.err, git.ErrShallow) {
			return a, a.err
		}
	}
	return a, nil
}

// earlier returns the version before v that has the same completion, or nil if v is the
// oldest. The error is git.ErrShallow if the clone may lack such a version.
func (s *search) earlier(v *version) (*version, error) {
	if v.commit.first == nil {
		return nil, v.commit.end()
	}
	if before, err := s.status(v.prev); before.completed || err != nil {
		return v.prev, err
	}
	if !v.prev.exists() {
		if was, err := s.renamed(v, v.commit, v.commit.depth-1, time.Time{}); was != nil || err != nil {
			return was, err
		}
	}
	return s.beforeGap(v)
}

// renamed returns the newest deleted version that is the same completed spec as v under
// another id. It considers deletions by from and by its first-parent ancestors of more than
// the given depth and, unless at is zero, only specs that were completed at this time.
func (s *search) renamed(v *version, from *commit, depth int, at time.Time) (*version, error) {
	start, _ := slices.BinarySearchFunc(s.history.deleted, from.depth, func(deletion *version, depth int) int {
		return cmp.Compare(depth, deletion.commit.depth)
	})
	for _, deletion := range s.history.deleted[start:] {
		if deletion.commit.depth <= depth {
			break
		}
		if !from.has(deletion.commit) {
			continue
		}
		st, err := s.status(deletion.prev)
		if err != nil {
			return nil, err
		}
		if !st.completed || !at.IsZero() && !st.at.Equal(at) {
			continue
		}
		is, err := s.content(v)
		if err != nil || is.criteria == 0 {
			return nil, err // without criteria the digest is always the same
		}
		if was, err := s.content(deletion.prev); err != nil || was == is {
			return deletion.prev, err
		}
	}
	return nil, nil
}

// beforeGap returns the version with the same completion before the spec was not completed
// for a while, as when a merge was reverted and the revert was reverted. A spec that was
// reopened and completed again has another completion time. The search ends at the first
// commit that is older than that time.
func (s *search) beforeGap(v *version) (*version, error) {
	done, err := s.status(v)
	if err != nil || done.at.IsZero() {
		return nil, err
	}
	from, floor := v.commit.first, -1
	for c := from; c != nil && floor < 0; c = c.first {
		if c.time.Before(done.at) {
			floor = c.depth
		}
	}
	for gap := v.prev; ; gap = gap.prev {
		if !gap.exists() {
			if was, err := s.renamed(v, from, max(floor, gap.depth()), done.at); was != nil || err != nil {
				return was, err
			}
		}
		if gap == nil && floor < 0 {
			return nil, v.commit.end()
		}
		if gap.depth() <= floor {
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
		is, err := s.content(v)
		if err != nil {
			return nil, err
		}
		if was, err := s.content(gap.prev); err != nil || was.digest == is.digest {
			return gap.prev, err
		}
	}
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
	src, err := s.project.read(f)
	if err != nil {
		return status{}, err
	}
	st = statusOf(src)
	s.statuses[f.blob] = st
	return st, nil
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
