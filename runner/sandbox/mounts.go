package sandbox

import (
	"path/filepath"
	"slices"
	"strings"
)

// mount is a folder of a file system, and where it is seen.
type mount struct{ device, path, point string }

// reaches tells whether the project can be changed by way of a folder: because it is in it,
// or because a part of it is mounted in there once more. mountinfo is the text of
// /proc/self/mountinfo, see proc_pid_mountinfo(5); "" where there is no such file.
func reaches(mountinfo, folder, project string) bool {
	mounts := []mount{{"", "/", "/"}}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(mountinfo) {
		if f := strings.Fields(line); len(f) > 4 {
			mounts = append(mounts, mount{f[2], unescape.Replace(f[3]), unescape.Replace(f[4])})
		}
	}
	open, of := []mount{locate(mounts, folder)}, locate(mounts, project)
	for _, m := range mounts {
		if _, inside := within(folder, m.point); inside {
			open = append(open, m)
		}
	}
	return slices.ContainsFunc(open, func(m mount) bool {
		_, outer := within(m.path, of.path)
		_, inner := within(of.path, m.path)
		return m.device == of.device && (outer || inner)
	})
}

// locate finds a path in the mount that is nearest to it. Of two at one point the later one
// hides the other.
func locate(mounts []mount, path string) (found mount) {
	for _, m := range mounts {
		if rel, ok := within(m.point, path); ok && len(m.point) >= len(found.point) {
			found = mount{m.device, filepath.Join(m.path, rel), m.point}
		}
	}
	return found
}

// within returns a path from dir on, if it is that folder or in it.
func within(dir, path string) (rel string, ok bool) {
	rel, err := filepath.Rel(dir, path)
	return rel, err == nil && filepath.IsLocal(rel)
}
