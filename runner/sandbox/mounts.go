package sandbox

import (
	"path/filepath"
	"strings"
)

// mount is a part of a file system, and where it is seen.
type mount struct{ device, top, point string }

// inner is a path as the file system itself has it.
type inner struct{ device, path string }

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
	of := locate(mounts, project)
	open := []inner{locate(mounts, folder)}
	for _, m := range mounts {
		if _, inside := within(folder, m.point); inside {
			open = append(open, inner{m.device, m.top})
		}
	}
	for _, p := range open {
		_, outer := within(p.path, of.path)
		_, inside := within(of.path, p.path)
		if p.device == of.device && (outer || inside) {
			return true
		}
	}
	return false
}

// locate finds a path in the mount that is nearest to it. Of two at one point the later one
// hides the other.
func locate(mounts []mount, path string) (found inner) {
	length := 0
	for _, m := range mounts {
		if rel, ok := within(m.point, path); ok && len(m.point) >= length {
			found, length = inner{m.device, filepath.Join(m.top, rel)}, len(m.point)
		}
	}
	return found
}

// within returns a path from dir on, if it is that folder or in it.
func within(dir, path string) (rel string, ok bool) {
	rel, err := filepath.Rel(dir, path)
	return rel, err == nil && filepath.IsLocal(rel)
}
