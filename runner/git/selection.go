package git

import (
	"context"
	"strings"
)

// selection is what one request to commit or store paths is about.
type selection struct {
	at      map[string]pathState // of every requested path
	tracked []indexEntry         // at the paths, above and below them
	indexed map[string]bool      // files there that the index has
	inHead  map[string]bool      // files there that HEAD has; not those above
	there   []string             // the requested paths that have content to store
	gone    []string             // the requested paths that have none, and that git knows
	none    []string             // the others: git has nothing to do for them
}

// survey looks at the paths in the index, in HEAD and in the work tree, and
// refuses what git could not commit. paths are clean.
func (r *Repo) survey(ctx context.Context, head Head, paths []string) (s selection, err error) {
	if s.tracked, err = r.tracked(ctx, paths); err != nil {
		return s, err
	}
	s.at, s.indexed, s.inHead = make(map[string]pathState, len(paths)), make(map[string]bool), make(map[string]bool)
	for _, e := range s.tracked {
		s.indexed[e.path] = true
	}
	for _, p := range paths {
		if s.at[p], err = r.pathState(p); err != nil {
			return s, err
		}
		if err := r.filesAt(head, p, s.inHead); err != nil {
			return s, err
		}
	}
	for _, p := range paths {
		there, gone, err := s.classify(p)
		switch {
		case err != nil:
			return s, err
		case there:
			s.there = append(s.there, p)
		case gone:
			s.gone = append(s.gone, p)
		default:
			s.none = append(s.none, p)
		}
	}
	return s, nil
}

// filesAt adds the files that HEAD has at a path and below it.
func (r *Repo) filesAt(head Head, p string, to map[string]bool) error {
	if head.Commit == "" {
		return nil
	}
	e, err := r.entryAt(head.Commit, p)
	if err != nil || e.Mode == "" {
		return err
	}
	if e.Mode != modeFolder {
		to[p] = true
		return nil
	}
	return r.walk(e.Hash, p+"/", func(c Content) { to[c.Path] = true })
}

// unmerged is the reason against a path in conflict.
const unmerged = "it is unmerged (resolve the conflict, then git add it)"

// classify reports whether there is content at a path, or what git knows there is
// gone. Git takes a path for all that lies below it too, and a folder for its
// files, which is more than was asked for.
func (s selection) classify(p string) (there, gone bool, err error) {
	refuse := func(reason string) (bool, bool, error) { return false, false, &PathError{Path: p, Reason: reason} }
	submodule := false
	for _, e := range s.tracked {
		switch {
		case e.submodule() && below(p, e.path):
			return refuse(e.path + " is a submodule (commit there)")
		case e.path != p:
		case !strings.HasSuffix(e.info, " 0"):
			return refuse(unmerged)
		case strings.EqualFold(e.tag, "s"):
			return refuse("git is told to leave it alone (run git update-index --no-skip-worktree or git sparse-checkout add)")
		default:
			submodule = e.submodule()
		}
	}
	known := s.known(p)
	switch at := s.at[p]; at.kind {
	case present:
		return true, false, nil
	case special:
		return refuse("neither a file nor a symlink")
	case nested:
		return refuse(at.above + " is a repository of its own (commit there)")
	case repository:
		if submodule {
			return true, false, nil
		}
		return refuse("it is a repository of its own (commit there)")
	case behindLink:
		if known && s.at[at.above].kind == present { // that symlink has replaced its folder
			return false, false, nil
		}
		return refuse(at.above + " is a symlink (name the file where it is)")
	case folder:
		if known && !submodule && s.replaced(p) {
			return false, false, nil
		}
		return refuse("it is a folder (name the files in it)")
	default:
		if s.keepsFiles(p) {
			return refuse("git knows it as a folder (name the files in it)")
		}
		return false, known, nil
	}
}

// replaced reports whether a requested file lies below the path: to commit it
// removes what was at the path.
func (s selection) replaced(p string) bool {
	for name, at := range s.at {
		if at.kind == present && below(name, p) {
			return true
		}
	}
	return false
}

// keepsFiles reports whether git knows a file below the path that isn't
// requested too.
func (s selection) keepsFiles(p string) bool {
	for _, names := range []map[string]bool{s.indexed, s.inHead} {
		for name := range names {
			if _, asked := s.at[name]; below(name, p) && !asked {
				return true
			}
		}
	}
	return false
}

// known reports whether git has a file at a path.
func (s selection) known(p string) bool { return s.indexed[p] || s.inHead[p] }
