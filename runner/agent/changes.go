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
	Outside []string // other files
}

// Read compares the checkout with what it held before and takes copies of the target
// files that changed. Store and BringBack are about those.
func (w *Workspace) Read(ctx context.Context) (Changes, error) {
	if err := w.sameFolder(); err != nil {
		return Changes{}, err
	}
	left := map[string]state{}
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
	var c Changes
	for _, at := range slices.Sorted(maps.Keys(all)) {
		was, is := w.before[at], now[at]
		in := slices.IndexFunc(closed, func(dir string) bool { return strings.HasPrefix(at, dir+"/") })
		switch {
		case ignored[at]:
		case in >= 0 && w.comesBack(at):
			c.Refused = append(c.Refused, fmt.Sprintf("%s (the folder %s can't be read)", at, closed[in]))
		case in >= 0: // nobody knows
		case w.comesBack(at):
			if err := w.compare(&c, left, at, was, is); err != nil {
				return Changes{}, fmt.Errorf("reading %s as the agent left it: %w", at, err)
			}
		case !sameFile(was, is):
			c.Outside = append(c.Outside, at)
		}
	}
	there := slices.DeleteFunc(slices.Clone(c.Targets), func(at string) bool { return left[at] == absent })
	if err := w.copyFiles(w.leftFolder(), there); err != nil {
		return Changes{}, fmt.Errorf("reading what the agent left: %w", err)
	}
	w.left = left
	return c, nil
}

// sameFolder finds out whether the checkout is where it was.
func (w *Workspace) sameFolder() error {
	was, err := w.root.Stat(".")
	if err != nil {
		return err
	}
	is, err := os.Lstat(w.root.Name())
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(was, is) {
		return ErrNoFolder
	}
	return err
}

// compare adds to c, and to left, what became of a target file.
func (w *Workspace) compare(c *Changes, left map[string]state, at string, was, is fs.FileInfo) error {
	now := absent
	if is != nil { // what is behind a symbolic link is none of its files
		var err error
		if now, err = stateOf(w.root, at); err != nil {
			return err
		}
	}
	if was != nil && is != nil && was.Mode().IsRegular() && is.Mode().IsRegular() && isExecutable(was) != isExecutable(is) {
		c.Modes = append(c.Modes, at)
	}
	if now == w.laid[at] && (now.hasContent() || now == absent || sameFile(was, is)) {
		return nil
	}
	reason, err := w.refusal(at, now)
	switch {
	case err != nil:
		return err
	case reason != "":
		c.Refused = append(c.Refused, fmt.Sprintf("%s (%s)", at, reason))
	default:
		c.Targets = append(c.Targets, at)
		left[at] = now
	}
	return nil
}

// refusal says why a target file can't come back; "" where it can.
func (w *Workspace) refusal(at string, now state) (string, error) {
	switch in := w.submodule(at); {
	case git.OwnPath(at):
		return "its name means git's own folder on some systems", nil
	case in != "":
		return "it is in the submodule " + in, nil
	case now != absent && !now.hasContent():
		return string(now), nil
	case project.IsSpecFile(at):
		return w.specRefusal(at, now)
	}
	return "", nil
}

// submodule returns the submodule that a path is or is in; "" where there is none.
func (w *Workspace) submodule(at string) string {
	i := slices.IndexFunc(w.submodules, func(dir string) bool { return at == dir || strings.HasPrefix(at, dir+"/") })
	if i < 0 {
		return ""
	}
	return w.submodules[i]
}

// specRefusal says why another spec can't come back as the agent left it: what its
// criteria are, and what is recorded of them, is no agent's to write.
func (w *Workspace) specRefusal(at string, now state) (string, error) {
	switch {
	case now == absent:
		return "an agent can't remove a spec", nil
	case now.isLink():
		return "a spec can't be a symbolic link", nil
	}
	src, err := project.ReadIn(w.root, at)
	if err != nil {
		return "", err
	}
	is, problems := spec.Parse(at, src)
	if i := slices.IndexFunc(problems, func(p spec.Problem) bool { return p.Severity == spec.Error }); i >= 0 {
		return "it is no valid spec: " + problems[i].Msg, nil
	}
	was := w.specs[at]
	if was == nil {
		if written := project.WrittenRecord(is); written != "" {
			return "it is a new spec that records " + written, nil
		}
		return "", nil
	}
	if is.Digest() != was.Digest() {
		return "its criteria or checks are not what they were", nil
	}
	return strings.Join(claims(was, is), ", "), nil
}

// ignored returns the new files that git ignores in the user's work tree, such as what
// a build made: no commit would hold them. That the agent made git ignore more does not
// count, and neither does a rule against a file that target_files names.
func (w *Workspace) ignored(ctx context.Context, now map[string]fs.FileInfo) (map[string]bool, error) {
	var ask []string
	answers := map[string]bool{} // by folder: whether git has an answer for what is in it
	for _, at := range slices.Sorted(maps.Keys(now)) {
		if w.before[at] != nil || w.submodule(at) != "" || w.named(at) {
			continue
		}
		dir := path.Dir(at)
		if _, ok := answers[dir]; !ok {
			in, err := obstacle(w.user, at)
			if err != nil {
				return nil, err
			}
			answers[dir] = in != throughOther
		}
		if answers[dir] {
			ask = append(ask, "./"+at) // a name may begin with the colon of git's pathspecs
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	out, err := w.repo.Run(ctx, git.Call{
		Args: []string{"check-ignore", "-z", "--stdin"}, Stdin: strings.NewReader(strings.Join(ask, "\x00")),
	})
	if none, ok := errors.AsType[*git.CommandError](err); ok && none.Code == 1 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking git what it ignores: %w", err)
	}
	ignored := map[string]bool{}
	for at := range strings.SplitSeq(string(out), "\x00") {
		ignored[strings.TrimPrefix(at, "./")] = true
	}
	return ignored, nil
}

// named tells whether target_files has an entry that spells the path.
func (w *Workspace) named(at string) bool {
	return slices.ContainsFunc(w.task.Spec.TargetFiles, func(item spec.Item) bool { return path.Clean(item.Value) == at })
}

// Claims returns, in words, what a spec's file in the checkout says of completion
// that it did not say before: it has no effect.
func (w *Workspace) Claims(was *spec.Spec) []string {
	src, err := project.ReadIn(w.root, was.Path)
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
