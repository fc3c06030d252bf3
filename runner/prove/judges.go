package prove

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// judges returns the files and folders outside the test that decide what it is or how it
// is run, whatever they are called: those that the checks run it by, those that these run
// in turn, those that the configuration of test runners names, what takes the place of
// a module from outside, and what is behind symlinks among them.
func (p *proving) judges() ([]string, error) {
	all := maps.Clone(p.base.files)
	maps.Copy(all, p.head.tree.files)
	c := calls{base: p.base.files, paths: all.paths(), tests: p.tests, judges: map[string]bool{}, followed: map[call]bool{}}
	var failed error
	c.content = func(name string) string {
		content, err := p.content(p.base.files[name])
		if failed = errors.Join(failed, err); len(content) > maxScript || bytes.IndexByte(content, 0) >= 0 {
			return ""
		}
		return string(content)
	}
	var checks reading
	for _, g := range redChecks(p.original) {
		c.read(&checks, g.Check.Script, g.Check.Dir, false)
	}
	c.follow(checks)
	c.readConfigs()
	judges := slices.Sorted(maps.Keys(c.judges))
	var python []string
	for _, name := range slices.Concat(p.tests, judges) {
		if path.Ext(name) == ".py" {
			python = append(python, c.content(name))
		}
	}
	judges = append(judges, c.shadows(imports(python))...)
	links := map[string]string{}
	for at, e := range p.base.files {
		if e.Mode != modeSymlink {
			continue
		}
		target, err := p.content(e)
		if err != nil {
			return nil, err
		}
		links[at] = string(target)
	}
	return append(judges, behind(links, slices.Concat(p.tests, judges))...), failed
}

// maxScript is the most bytes of a file that is searched for the names of others.
const maxScript = 1 << 20

// behind returns the symlinks at, above or below some paths, and what they lead
// to, also through further links.
func behind(links map[string]string, paths []string) []string {
	const longest = 4096 // links that lead into each other make paths without end
	passed, reached := map[string]bool{}, map[string]bool{}
	for queue := slices.Clone(paths); len(queue) > 0; queue = queue[1:] {
		for link, target := range links {
			rest, through := strings.CutPrefix(queue[0]+"/", link+"/")
			if !through && !strings.HasPrefix(link, queue[0]+"/") {
				continue
			}
			passed[link] = true
			if !through {
				rest = "" // the link lies below, and all of what it leads to counts
			}
			to := follow(link, target)
			if to == "" {
				continue
			}
			if to = path.Join(to, rest); len(to) < longest && !reached[to] {
				reached[to] = true
				queue = append(queue, to)
			}
		}
	}
	maps.Copy(reached, passed)
	return slices.Sorted(maps.Keys(reached))
}

// follow returns the path that a symlink leads to; "" if a fix can't change what
// is there, because it is outside of the tree, or if it is a folder that the link
// is in.
func follow(link, target string) string {
	to := path.Join(path.Dir(link), target)
	if path.IsAbs(target) || !fs.ValidPath(to) || to == "." || strings.HasPrefix(link, to+"/") {
		return ""
	}
	return to
}
