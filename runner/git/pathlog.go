package git

import (
	"container/heap"
	"context"
	"fmt"
	"iter"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// PathLog gives the commits that changed a path (a file or a folder, slash-
// separated, from the top of the repository), newest first, as git log --
// path does: a commit is left out where a parent of it has the same at the
// path, and of a merge's parents only that one is followed then
// (git-log(1), "History Simplification", the default mode).
//
// In a shallow clone ErrShallow is the last, after all that is known; what
// the commits at the boundary changed isn't. Any other error ends the walk.
func (r *Repo) PathLog(ctx context.Context, from Hash, name string) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		ends, err := r.shallow()
		if err != nil {
			yield(Commit{}, err)
			return
		}
		w := pathWalk{repo: r, parts: strings.Split(path.Clean(name), "/"), ends: ends,
			seen: make(map[Hash]bool), memo: make(map[memoKey]entry)}
		if path.Clean(name) == "." {
			w.parts = nil
		}
		if err := w.run(ctx, from, yield); err != nil {
			yield(Commit{}, fmt.Errorf("walking the history of %s: %w", name, err))
		}
	}
}

// pathWalk is one walk through the history of a path.
type pathWalk struct {
	repo  *Repo
	parts []string      // the path's; none for the whole tree
	ends  map[Hash]bool // the shallow boundary
	queue commitQueue
	seen  map[Hash]bool     // what was ever in queue
	memo  map[memoKey]entry // folders change seldom, so each is read once
}

// memoKey is a folder that stands at a depth of the path.
type memoKey struct {
	tree  Hash
	depth int
}

// visit is a commit of the walk, with what it has at the path.
type visit struct {
	commit Commit
	at     entry
}

// run walks; the boundary is told at the end. It is nil where yield had enough.
func (w *pathWalk) run(ctx context.Context, from Hash, yield func(Commit, error) bool) error {
	first, err := w.visit(from)
	if err != nil {
		return err
	}
	w.push(first)
	shallow := false
	for len(w.queue.waiting) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		v := heap.Pop(&w.queue).(queued).visit
		if w.ends[v.commit.Hash] {
			shallow = true
			continue
		}
		changed, err := w.step(v)
		if err != nil {
			return err
		}
		if changed && !yield(v.commit, nil) {
			return nil
		}
	}
	if shallow {
		return ErrShallow
	}
	return nil
}

// step queues the parents to follow, and tells whether v changed the path.
func (w *pathWalk) step(v visit) (changed bool, err error) {
	var parents []visit
	for _, h := range v.commit.Parents {
		p, err := w.visit(h)
		if err != nil {
			return false, err
		}
		if p.at == v.at {
			w.push(p)
			return false, nil
		}
		parents = append(parents, p)
	}
	for _, p := range parents {
		w.push(p)
	}
	return len(parents) > 0 || v.at.mode != 0, nil
}

func (w *pathWalk) push(v visit) {
	if w.seen[v.commit.Hash] {
		return
	}
	w.seen[v.commit.Hash] = true
	w.queue.added++
	heap.Push(&w.queue, queued{v, w.queue.added})
}

// visit reads a commit and what it has at the path.
func (w *pathWalk) visit(h Hash) (visit, error) {
	c, err := w.repo.commitAt(h)
	if err != nil {
		return visit{}, err
	}
	e := entry{mode: filemode.Dir, id: c.Tree}
	for depth, part := range w.parts {
		if e.mode != filemode.Dir {
			e = entry{}
			break
		}
		if e, err = w.child(memoKey{e.id, depth}, part); err != nil {
			return visit{}, err
		}
	}
	if e.id == emptyTree {
		e = entry{} // what holds no file is nothing
	}
	return visit{c, e}, nil
}

func (w *pathWalk) child(key memoKey, part string) (entry, error) {
	if e, ok := w.memo[key]; ok {
		return e, nil
	}
	e, err := w.repo.child(key.tree, part)
	if err == nil {
		w.memo[key] = e
	}
	return e, err
}

// commitQueue is a heap.Interface: the newest commit first, and of equal ones
// the one that came first.
type commitQueue struct {
	waiting []queued
	added   int
}

type queued struct {
	visit
	order int
}

func (q *commitQueue) Len() int { return len(q.waiting) }

func (q *commitQueue) Less(i, j int) bool {
	a, b := q.waiting[i], q.waiting[j]
	if !a.commit.Time.Equal(b.commit.Time) {
		return a.commit.Time.After(b.commit.Time)
	}
	return a.order < b.order
}

func (q *commitQueue) Swap(i, j int) { q.waiting[i], q.waiting[j] = q.waiting[j], q.waiting[i] }

// Push is for heap only.
func (q *commitQueue) Push(x any) { q.waiting = append(q.waiting, x.(queued)) }

// Pop is for heap only.
func (q *commitQueue) Pop() any {
	last := len(q.waiting) - 1
	x := q.waiting[last]
	q.waiting = q.waiting[:last]
	return x
}
