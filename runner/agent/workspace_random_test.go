package agent

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/runner/git"
)

// edit is a random change of a folder.
type edit struct {
	kind, path, content string
}

func drawEdits(t *rapid.T, label string) []edit {
	name := rapid.SampledFrom([]string{"a", "b", "c.o", "x y"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) edit {
		parts := rapid.SliceOfN(name, 1, 3).Draw(t, "path")
		return edit{
			kind:    rapid.SampledFrom([]string{"write", "write", "write", "remove", "link", "executable"}).Draw(t, "kind"),
			path:    rapid.SampledFrom([]string{"src/", "src/", ""}).Draw(t, "in") + strings.Join(parts, "/"),
			content: rapid.StringMatching(`[xy\r\n]{0,4}`).Draw(t, "content"),
		}
	}), 0, 8).Draw(t, label)
}

func (d dir) apply(edits []edit) {
	d.tb.Helper()
	for _, e := range edits {
		switch e.kind {
		case "write":
			d.write(e.path, e.content)
		case "link":
			d.link(e.path, "nowhere") // a link to itself keeps git status from listing what was behind it
		case "remove":
			if !d.behind(e.path) {
				d.remove(e.path)
			}
		case "executable":
			if info, err := os.Lstat(d.path(e.path)); err == nil && info.Mode().IsRegular() && !d.behind(e.path) {
				d.chmod(e.path, 0o755)
			}
		}
	}
}

func (d dir) behind(name string) bool {
	for i, c := range name {
		if info, err := os.Lstat(d.path(name[:i])); c == '/' && err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

// TestWorkspaceRandom: what comes back is what the agent left of the target files, and
// nothing else changes. What is checked is what a commit would hold.
func TestWorkspaceRandom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		base, mine, agent := drawEdits(rt, "base"), drawEdits(rt, "user"), drawEdits(rt, "agent")
		user := newRepo(t, func(d dir) { d.apply(base) })
		user.apply(mine)
		k := trySitDown(t, user, `"src/**"`, true)
		if k == nil { // a folder of ignored files in place of a file, say
			rt.Skip("the user's own files can't be committed")
		}
		laid, before := k.work.files(), user.files()
		k.work.apply(agent)
		left := k.work.files()
		changes, conflicts := k.bringBack()
		inConflict := map[string]bool{}
		for _, at := range conflicts.Conflicts {
			inConflict[at] = true
		}

		want := maps.Clone(before)
		for _, at := range changes.Targets {
			switch is, there := left[at]; {
			case !strings.HasPrefix(at, "src"):
				t.Errorf("%s came back", at)
			case inConflict[at] && there:
				want[conflicts.Aside+"/"+at] = withModeOf(laid[at], is)
			case inConflict[at]:
			case there:
				want[at] = withModeOf(before[at], is)
			default:
				delete(want, at)
			}
		}
		if diff := cmp.Diff(want, user.files()); diff != "" {
			rt.Errorf("the work tree (-want +got):\n%s", diff)
		}
		// Nothing that was not ignored, and could be written, is left out.
		for at, is := range left {
			if strings.HasPrefix(at, "src/") && !strings.Contains(at, ".o") && content(laid[at]) != content(is) && !slices.Contains(changes.Targets, at) {
				rt.Errorf("%s did not come back", at)
			}
		}
		// Below a symbolic link of the user's git does not say what it ignores.
		unsure := slices.ContainsFunc(changes.Targets, func(at string) bool { return strings.Contains(at, ".o") })
		if len(conflicts.Conflicts) == 0 && !unsure {
			diff, err := k.stored()
			if _, refused := errors.AsType[*git.PathError](err); err != nil && !refused { // as above
				rt.Error(err)
			}
			if diff != "" {
				rt.Errorf("what is checked (-committed +checked):\n%s", diff)
			}
		}
	})
}

// withModeOf returns a file with the executable bit of the one that it replaces.
func withModeOf(was, is string) string {
	if strings.HasPrefix(was, "100") && strings.HasPrefix(is, "100") {
		return was[:7] + is[7:]
	}
	return is
}

// content leaves the executable bit out.
func content(file string) string {
	if rest, ok := strings.CutPrefix(file, "100755 "); ok {
		return "100644 " + rest
	}
	return file
}
