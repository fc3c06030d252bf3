package agent

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
)

// Conflicts are target files that somebody else changed while the agent worked. They
// stay as they are.
type Conflicts struct {
	Paths []string // sorted
	Aside string   // the folder that holds the agent's version; "" where it removed all of them
}

// BringBack writes the target files that Read found changed into the user's work
// tree, as the agent left them. What is in conflict is written below aside, a folder
// of the project. Each file is written whole or not at all.
func (w *Workspace) BringBack(aside string) (Conflicts, error) {
	if w.left == nil {
		return Conflicts{}, errors.New("what the agent left could not be read")
	}
	if len(w.left) == 0 {
		return Conflicts{}, nil
	}
	left, err := os.OpenRoot(w.leftFolder())
	if err != nil {
		return Conflicts{}, err
	}
	defer left.Close()
	var c Conflicts
	for _, at := range w.order() {
		now, err := stateIn(w.user, at)
		if err == nil && now != w.left[at] {
			if now != w.theirs[at] || now != absent && !now.hasContent() {
				c.Paths = append(c.Paths, at)
				err = w.setAside(&c, left, at, aside)
			} else {
				err = w.put(left, at)
			}
		}
		if err != nil {
			return c, fmt.Errorf("bringing back %s: %w", at, err)
		}
	}
	slices.Sort(c.Paths)
	return c, nil
}

// setAside writes the agent's version of a file below a folder of the project.
func (w *Workspace) setAside(c *Conflicts, left *os.Root, at, aside string) error {
	if w.left[at] == absent {
		return nil
	}
	c.Aside = aside
	return replaceBy(left, at, w.user, path.Join(aside, at))
}

// order returns the changed target files: first those that are gone, from the
// deepest up, as others may have their places.
func (w *Workspace) order() []string {
	var gone, there []string
	for _, at := range slices.Sorted(maps.Keys(w.left)) {
		if w.left[at] == absent {
			gone = append(gone, at)
		} else {
			there = append(there, at)
		}
	}
	slices.Reverse(gone)
	return slices.Concat(gone, there)
}

// put writes one file into the user's work tree, or removes it there.
func (w *Workspace) put(left *os.Root, at string) error {
	if w.left[at] != absent {
		return replaceBy(left, at, w.user, at)
	}
	if err := w.user.Remove(at); err != nil {
		return err
	}
	for dir := path.Dir(at); dir != "." && w.user.Remove(dir) == nil; dir = path.Dir(dir) { // git has no empty folders
	}
	return nil
}
