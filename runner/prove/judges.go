package prove

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// judges returns the files and folders outside the test that decide what it is:
// those that the checks run it by, and the targets of symlinks among both.
func (p *proving) judges() ([]string, error) {
	c := calls{base: p.base.files, tests: p.tests}
	all := maps.Clone(p.base.files)
	maps.Copy(all, p.head.tree.files)
	c.paths = all.paths()
	for _, g := range redChecks(p.original) {
		c.read(g.Check.Script, g.Check.Dir)
	}
	runners := c.runners()
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
	return append(runners, behind(links, slices.Concat(p.tests, runners))...), nil
}

// calls are the files that the checks of a reproduction name.
type calls struct {
	base  tree
	paths []string // of base and head
	tests []string // the test files at base

	files  []string // without the test's
	before []string // those of them that are before the test in a command
	direct bool     // the test is named, too
}

// read reads the commands of a script, as words: it does not know the shell's
// language.
func (c *calls) read(text, dir string) {
	// A script is run as it is: other words of its command are no sources to compile
	// with it, and it is no data.
	script := regexp.MustCompile(`\.(sh|bash|zsh|bats|py|rb|pl|php|lua|[cm]?[jt]sx?)$`)
	text = strings.ReplaceAll(text, "\\\n", " ")
	for _, command := range regexp.MustCompile("[;&|()`\n]").Split(text, -1) {
		words := regexp.MustCompile(`[^\s"'<>=,{}\[\]]+`).FindAllString(command, -1)
		if len(words) > 1 && words[0] == "cd" {
			dir = path.Join(dir, words[1])
			continue
		}
		var files []string
		for _, word := range words {
			named := c.named(word, dir)
			test := slices.IndexFunc(named, func(name string) bool { return slices.Contains(c.tests, name) })
			folder := c.holdsTest(word, dir)
			if test < 0 && !folder {
				files = append(files, named...)
				continue
			}
			c.direct = true
			if folder || script.MatchString(named[test]) {
				c.before = append(c.before, files...)
			}
		}
		c.files = append(c.files, files...)
	}
}

// named returns the files that a word may mean: the one at that path or, after a
// cd or a variable that only the shell knows, any whose path has that end.
func (c *calls) named(word, dir string) []string {
	if at := path.Join(dir, word); c.base[at].Mode != "" {
		return []string{at}
	}
	end := "/" + regexp.MustCompile(`^((\$\w*|\.{0,2})/)+`).ReplaceAllString(word, "")
	var names []string
	for _, name := range c.paths {
		if strings.HasSuffix("/"+name, end) {
			names = append(names, name)
		}
	}
	return names
}

// holdsTest tells whether a word names a folder of the test. A word without a
// slash may mean anything, such as the command test.
func (c *calls) holdsTest(word, dir string) bool {
	folder := path.Join(dir, strings.TrimSuffix(word, "/..."))
	return strings.Contains(word, "/") && slices.ContainsFunc(c.tests, func(test string) bool {
		return strings.HasPrefix(test, folder+"/")
	})
}

// runners returns the named files that run the test. A check can also name the
// program that the fix repairs, which judges nothing: a source file beside the
// test in a compiler's arguments, or a tool whose output the check reads. So a
// file runs the test if it is before a script or the folder of the test; if the
// test is not named at all, so that something else has to call it; and if it is
// a shell script.
func (c *calls) runners() []string {
	if !c.direct && len(c.tests) > 0 {
		return c.files
	}
	runners := slices.Clone(c.before)
	for _, name := range c.files {
		if path.Ext(name) == ".sh" {
			runners = append(runners, name)
		}
	}
	return runners
}

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
