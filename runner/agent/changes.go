package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"chant/runner/git"
	"chant/runner/project"
	"chant/spec"
)

// ErrNoFolder is returned where an agent has removed the folder that it worked in.
var ErrNoFolder = errors.New("removed the folder that it worked in")

// Changes is what an agent did to its checkout, but for new files that git ignores. All
// lists are sorted.
type Changes struct {
	Targets []string // target files that come back: changed, new or removed
	// Refused are target files that don't come back, each with the reason.
	Refused []string
	Modes   []string // target files whose executable bit changed, which does not come back
	Outside []string // other files, each with what became of it
}

// Read compares the checkout with what it held before and reads the target files that
// changed. Store and BringBack are about those.
func (w *Workspace) Read(ctx context.Context) (Changes, error) {
	top, err := w.root.Stat(".")
	if err != nil {
		return Changes{}, err
	}
	if is, err := os.Lstat(w.Dir()); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(top, is) {
		return Changes{}, ErrNoFolder
	}
	w.left = nil
	now, closed, err := walk(w.root)
	if err != nil {
		return Changes{}, err
	}
	ignored, err := w.ignored(ctx, now)
	if err != nil {
		return Changes{}, err
	}
	all := maps.Clone(w.before)
	maps.Copy(all, now)
	maps.DeleteFunc(all, func(at string, _ fs.FileInfo) bool { return ignored[at] })
	var c Changes
	left := map[string]file{}
	for _, at := range slices.Sorted(maps.Keys(all)) {
		was, is := w.before[at], now[at]
		in, mayComeBack := parent(closed, at), w.comesBack(at)
		switch {
		case in != "" && mayComeBack:
			c.Refused = append(c.Refused, fmt.Sprintf("%s (the folder %s can't be read)", at, in))
		case in != "": // nobody knows
		case mayComeBack:
			if err := w.compare(&c, left, at, was, is); err != nil {
				return Changes{}, fmt.Errorf("reading %s as the agent left it: %w", at, err)
			}
		case was == nil:
			c.Outside = append(c.Outside, at+" (new)")
		case is == nil:
			c.Outside = append(c.Outside, at+" (removed)")
		case !sameFile(was, is):
			c.Outside = append(c.Outside, at+" (changed)")
		}
	}
	w.left = left
	return c, nil
}

// parent returns the one of the folders that a path is or is in; "" where there is none.
func parent(folders []string, at string) string {
	i := slices.IndexFunc(folders, func(dir string) bool { return at == dir || strings.HasPrefix(at, dir+"/") })
	if i < 0 {
		return ""
	}
	return folders[i]
}

// compare adds to c, and to left, what became of a target file.
func (w *Workspace) compare(c *Changes, left map[string]file, at string, was, is fs.FileInfo) (err error) {
	var now file
	if is != nil { // what is behind a symbolic link is none of its files
		if now, err = look(w.root, at); err != nil {
			return err
		}
	}
	if was != nil && is != nil && was.Mode().IsRegular() && is.Mode().IsRegular() {
		if modeOf(was) != modeOf(is) {
			c.Modes = append(c.Modes, at)
		}
		now.mode = modeOf(was) // which is not for the agent to change
	}
	if now.state == w.targets[at].laid && (now.state.hasContent() || is == nil || sameFile(was, is)) {
		return nil
	}
	if reason := w.refusal(at, now); reason != "" {
		c.Refused = append(c.Refused, fmt.Sprintf("%s (%s)", at, reason))
		return nil
	}
	c.Targets = append(c.Targets, at)
	left[at] = now
	return nil
}

// refusal says why a target file can't come back; "" where it can. What the criteria of
// another spec are, and what is recorded of them, is no agent's to write.
func (w *Workspace) refusal(at string, now file) string {
	in := parent(w.submodules, at)
	switch {
	case git.OwnPath(at):
		return "its name means git's own folder on some systems"
	case in != "":
		return "it is in the submodule " + in
	case now.state.kind != "" && !now.state.hasContent():
		return now.state.kind
	case !project.IsSpecFile(at):
		return ""
	case now.state.kind == "":
		return "an agent can't remove a spec"
	case now.state.kind == link:
		return "a spec can't be a symbolic link"
	}
	is, problems := spec.Parse(at, now.data)
	if i := slices.IndexFunc(problems, func(p spec.Problem) bool { return p.Severity == spec.Error }); i >= 0 {
		return "it is no valid spec: " + problems[i].Msg
	}
	was, written := w.targets[at].spec, project.WrittenRecord(is)
	switch {
	case was == nil && written != "":
		return "it is a new spec that records " + written
	case was == nil:
		return ""
	case is.Digest() != was.Digest():
		return "its criteria or checks are not what they were"
	}
	return strings.Join(claims(was, is), ", ")
}

// ignored returns the new files that git ignores in the user's work tree, such as what
// a build made: no commit would hold them. That the agent made git ignore more does not
// count, and neither does a rule against a file that target_files names.
func (w *Workspace) ignored(ctx context.Context, now map[string]fs.FileInfo) (map[string]bool, error) {
	var ask []string
	answers := map[string]bool{} // by folder: whether git has an answer for what is in it
	for at := range now {
		named := slices.ContainsFunc(w.task.Spec.TargetFiles, func(item spec.Item) bool { return path.Clean(item.Value) == at })
		if named || w.before[at] != nil || parent(w.submodules, at) != "" {
			continue
		}
		dir := path.Dir(at)
		if _, ok := answers[dir]; !ok {
			in, err := obstacle(w.user, at)
			if err != nil {
				return nil, err
			}
			answers[dir] = in == "" || in == regular
		}
		if answers[dir] {
			ask = append(ask, "./"+at) // a name may begin with the colon of git's pathspecs
		}
	}
	out, err := w.repo.Run(ctx, git.Call{
		Args: []string{"check-ignore", "-z", "--stdin"}, Stdin: strings.NewReader(strings.Join(ask, "\x00")),
	})
	if none, ok := errors.AsType[*git.CommandError](err); err != nil && (!ok || none.Code != 1) {
		return nil, fmt.Errorf("asking git what it ignores: %w", err)
	}
	ignored := map[string]bool{}
	for at := range strings.SplitSeq(string(out), "\x00") {
		ignored[strings.TrimPrefix(at, "./")] = true
	}
	return ignored, nil
}

// Claims returns, in words, what a spec's file in the checkout says of completion
// that it did not say before: it has no effect.
func (w *Workspace) Claims(was *spec.Spec) []string {
	src, err := project.ReadIn(w.root, was.Path, project.TextLimit)
	if err != nil {
		return []string{}
	}
	is, _ := spec.Parse(was.Path, src)
	return claims(was, is)
}

// claims returns what a version of a spec says of completion that the one before
// does not.
func claims(was, is *spec.Spec) []string {
	list := []string{}
	for _, c := range is.Criteria {
		if c.Ticked && !slices.ContainsFunc(was.Criteria, func(b spec.Criterion) bool { return b.Ticked && b.Text == c.Text }) {
			list = append(list, fmt.Sprintf("ticked criterion %d", c.Number))
		}
	}
	if changed := project.ChangedRecord(was.Meta, is.Meta); changed != "" {
		list = append(list, "changed "+changed)
	}
	return list
}
