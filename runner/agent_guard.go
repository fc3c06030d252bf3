package runner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"chant/runner/git"
	"chant/spec"
	"chant/storage"
	"chant/storage/atomicfile"
)

// A guard holds the spec files as they were before an agent ran. What only
// chant writes there (ticks, completions, a person's word) an agent may claim
// but not make so: it is put back. A version that goes is set aside first, for
// it may be somebody else's.
type guard struct {
	*Engine
	specs map[string][]byte // by path
	// targets tells what the spec that the agent works on may change.
	targets func(at string) bool
	store   fs.FileInfo // of the folder with the evidence
	aside   string      // the folder, below the root, for what is set aside
	from    string      // whom it guards from, in words
	place   *place      // the root, while check runs
}

// found is what a guard came upon after an agent ran.
type found struct {
	claims  []int    // criteria of the agent's own spec that it ticked or unticked
	putBack []string // paths of which another version was set aside, or which were gone
	broken  []string // why the run can't count, in words
}

// guardedFolders are where specs and evidence are, each after those above it.
func guardedFolders() []string { return []string{ChantDir, SpecsDir, ArchiveDir, StoreDir} }

// newGuard reads every spec file. Through a symbolic link an agent could lead
// chant's own writes anywhere, so none of them may be behind one.
func (e *Engine) newGuard(p *Project, targets func(at string) bool, aside string) (*guard, error) {
	g := &guard{Engine: e, specs: map[string][]byte{}, targets: targets, aside: aside, from: "the agent"}
	for _, dir := range guardedFolders() {
		if err := g.refuseLink(dir); err != nil {
			return nil, err
		}
	}
	for _, s := range p.Set.All() {
		if err := g.refuseLink(s.Path); err != nil {
			return nil, err
		}
		src, err := ReadRegular(p.abs(s.Path))
		if err != nil && len(p.Problems[s.Path]) == 0 {
			return nil, fmt.Errorf("reading spec %s: %w", s.ID, err)
		}
		if err == nil {
			g.specs[s.Path] = src
		}
	}
	var err error
	if g.store, err = os.Lstat(storeDir(e.Root)); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *guard) refuseLink(at string) error {
	info, err := os.Lstat(abs(g.Root, at))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return &UsageError{
			Msg:  at + " is a symbolic link, behind which no agent can be kept from changing specs",
			Mend: "put the file or folder itself there, or run without an agent",
		}
	}
	return nil
}

// moved says to where a work tree was moved while an agent ran.
type moved struct {
	to     git.Hash // the commit that it is of now; "" where it was not moved
	known  bool     // that commit is older than the agent's work
	midway bool     // a merge, a rebase or the like is in progress
}

// check compares the spec files with what they were; own is the path of the
// spec that the agent worked on. Nothing is wrong with what git took from a known
// commit. In a new one, or as if it were in the middle of a merge, an agent may
// have put anything.
func (g *guard) check(own string, m moved) (f found, err error) {
	root, err := os.OpenRoot(g.Root)
	if err != nil {
		return f, err
	}
	defer root.Close()
	g.place = &place{dir: g.Root, root: root}
	if err := g.clear(&f); err != nil {
		return f, err
	}
	for _, at := range slices.Sorted(maps.Keys(g.specs)) {
		before := g.specs[at]
		now, there := g.read(at)
		if there && bytes.Equal(now, before) || g.fromKnown(m, at, now, there) {
			continue
		}
		if at == own {
			err = g.ownSpec(&f, at, before, now, there)
		} else {
			err = g.otherSpec(&f, at, before, now, there)
		}
		if err != nil {
			return f, err
		}
	}
	return f, g.newcomers(&f, m)
}

// clear moves away what stands where a folder of chant's was.
func (g *guard) clear(f *found) error {
	for _, dir := range guardedFolders() {
		info, err := g.place.look(dir)
		if err != nil || info == nil || info.IsDir() {
			if err != nil {
				return err
			}
			continue
		}
		to := dir + "-" + path.Base(path.Dir(g.aside))
		f.broken = append(f.broken, fmt.Sprintf("%s put something else in place of the folder %s (it is %s now)", g.from, dir, to))
		if err := g.place.root.Rename(dir, to); err != nil {
			return err
		}
	}
	if info, err := g.place.look(StoreDir); err != nil || info == nil || !os.SameFile(info, g.store) {
		f.broken = append(f.broken, g.from+" replaced "+StoreDir+": the record of earlier runs is gone")
		return err
	}
	return nil
}

// read gives a spec's file. What can't be read, or is no file, is not there.
func (g *guard) read(at string) (data []byte, there bool) {
	info, err := g.place.look(at)
	if err != nil || info == nil || !info.Mode().IsRegular() || info.Size() > fileLimit {
		return nil, false
	}
	data, err = g.place.root.ReadFile(at)
	return data, err == nil
}

// fromKnown tells whether a file is as git took it from a known commit.
func (g *guard) fromKnown(m moved, at string, data []byte, there bool) bool {
	return m.known && g.isOf(m.to, at, data, there)
}

// isOf tells whether a file is as a commit has it, or has it not.
func (g *guard) isOf(commit git.Hash, at string, data []byte, there bool) bool {
	committed, err := g.Git.ReadFile(commit, at)
	if errors.Is(err, fs.ErrNotExist) {
		return !there
	}
	return err == nil && there && bytes.Equal(data, committed)
}

// ownSpec decides about the spec that the agent worked on: new prose stays,
// ticks are claims, and whatever decides or tells of its completion goes back, as
// does prose that would swallow a transcript.
func (g *guard) ownSpec(f *found, at string, before, now []byte, there bool) error {
	was, _ := spec.Parse(at, before)
	is, problems := spec.Parse(at, now)
	switch {
	case !there:
		f.broken = append(f.broken, g.from+" removed its spec")
		return g.putBack(f, at, before)
	case is.Digest() != was.Digest():
		f.broken = append(f.broken, g.from+" changed criteria or checks of its spec")
		return g.putBack(f, at, before)
	}
	ticks := map[int]bool{}
	for i, c := range was.Criteria {
		if is.Criteria[i].Ticked != c.Ticked {
			f.claims = append(f.claims, c.Number)
			ticks[c.Number] = c.Ticked
		}
	}
	_, unclosed := spec.AppendTranscript(now, time.Time{}, "")
	if problems.Err() != nil || unclosed != nil || !sameMeta(was.Meta, is.Meta) || len(is.OddMarks) != len(was.OddMarks) {
		return g.putBack(f, at, before)
	}
	if len(ticks) == 0 {
		return nil
	}
	return atomicfile.Transform(abs(g.Root, at), func(src []byte) ([]byte, error) { return spec.SetTicks(src, ticks) })
}

// otherSpec decides about any other spec. A person, or another run, may well
// work on it meanwhile; only a record that chant did not write goes back.
func (g *guard) otherSpec(f *found, at string, before, now []byte, there bool) error {
	if there {
		if ours, err := g.wrote(at, now); err != nil || ours {
			return err
		}
	}
	was, _ := spec.Parse(at, before)
	is, _ := spec.Parse(at, now)
	switch forged := forgery(was, is); {
	case !there:
		f.broken = append(f.broken, "spec "+was.ID+" was removed while "+g.from+" ran")
	case forged != "":
		f.broken = append(f.broken, "spec "+was.ID+" was given "+forged+" while "+g.from+" ran, and not by chant")
	case g.targets(at) && is.Digest() != was.Digest(): // it would be committed as the agent's work
		f.broken = append(f.broken, g.from+" changed criteria or checks of spec "+was.ID)
	default:
		return nil
	}
	return g.putBack(f, at, before)
}

// newcomers sets aside what can't stay among the specs: a new file with the id
// of one that was there before, since beside each other neither could be used,
// one with a record that chant did not write, and what is no file.
func (g *guard) newcomers(f *found, m moved) error {
	names := map[string]bool{}
	for at := range g.specs {
		names[path.Base(at)] = true
	}
	for _, dir := range []string{SpecsDir, ArchiveDir} {
		paths, err := specPaths(g.Root, dir)
		if err != nil {
			return err
		}
		for _, at := range paths {
			now, there := g.read(at)
			if _, old := g.specs[at]; old || g.fromKnown(m, at, now, there) {
				continue
			}
			why := "is no file"
			if there {
				if why, err = g.unwelcome(at, now, names); err != nil {
					return err
				}
			}
			if why == "" {
				continue
			}
			f.broken = append(f.broken, at+" appeared while "+g.from+" ran, and "+why)
			if err := g.setAside(at); err != nil {
				return err
			}
			f.putBack = append(f.putBack, at)
		}
	}
	return nil
}

// unwelcome says why a new spec can't stay; "" where it can. names are those of
// the specs that were there before.
func (g *guard) unwelcome(at string, now []byte, names map[string]bool) (why string, err error) {
	if names[path.Base(at)] {
		return "has the name of another spec", nil
	}
	s, _ := spec.Parse(at, now)
	forged := born(s)
	if forged == "" {
		return "", nil
	}
	if ours, err := g.wrote(at, now); err != nil || ours {
		return "", err
	}
	return "was born with " + forged, nil
}

// putBack gives a spec file its earlier content. What is there instead is set
// aside before.
func (g *guard) putBack(f *found, at string, before []byte) (err error) {
	if now, there := g.read(at); there { // nobody sees it missing, not even after a kill
		err = g.write(path.Join(g.aside, at), now)
	} else {
		err = g.setAside(at)
	}
	if err == nil {
		err = g.write(at, before)
	}
	if err != nil {
		return fmt.Errorf("putting %s back: %w", at, err)
	}
	f.putBack = append(f.putBack, at)
	return nil
}

// write writes a file of the project. A link that stands for one of the folders
// above it goes.
func (g *guard) write(at string, data []byte) error {
	if err := g.place.folder(path.Dir(at)); err != nil {
		return err
	}
	return atomicfile.Write(abs(g.Root, at), data, 0o644)
}

// setAside moves what is at a path, if anything, into the run's own folder.
func (g *guard) setAside(at string) error {
	info, err := g.place.look(at)
	if err != nil || info == nil {
		return err
	}
	to := path.Join(g.aside, at)
	if err := g.place.folder(path.Dir(to)); err != nil {
		return err
	}
	return g.place.root.Rename(at, to)
}

// editSpec changes a spec's file by f and remembers that chant wrote it, so that
// another run's guard can tell a record from a forgery.
func (e *Engine) editSpec(at string, f func(src []byte) ([]byte, error)) error {
	var read, written []byte
	err := atomicfile.Transform(abs(e.Root, at), func(src []byte) ([]byte, error) {
		out, err := f(src)
		if problem, ok := errors.AsType[spec.Problem](err); ok && problem.Path == "" { // of the edit
			problem.Path = at
			err = problem
		}
		read, written = src, out
		return out, err
	})
	if err != nil || bytes.Equal(read, written) {
		return err
	}
	h, err := e.History()
	if err != nil {
		return err
	}
	return errors.Join(h.Store.Put(writtenKey(at), []byte(digestOf(written))), h.Close())
}

// WrittenPrefix begins the keys under which chant remembers what it wrote.
const WrittenPrefix = "written/"

func writtenKey(at string) string { return WrittenPrefix + at }

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// wrote tells whether chant itself was the last to write these bytes to a spec's
// file.
func (e *Engine) wrote(at string, data []byte) (ours bool, err error) {
	h, err := OpenHistory(e.Root, storage.Options{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	digest, err := h.Store.Get(writtenKey(at))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return string(digest) == digestOf(data), err
}
