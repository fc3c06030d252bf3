package prove

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// judges gives the files and folders outside the test that decide what it is:
// those that the checks run it by, and what a symlink of either leads to.
func (p *proving) judges() ([]string, error) {
	c := calls{base: p.base.tree, tests: p.tests}
	all := maps.Clone(p.base.tree)
	maps.Copy(all, p.head.tree)
	c.paths = all.paths()
	for _, u := range redChecks(p.original) {
		c.read(u.Check.Script, u.Check.Dir)
	}
	runners := c.runners()
	links := map[string]string{}
	for at, e := range p.base.tree {
		if e.mode != modeSymlink {
			continue
		}
		target, err := p.content(e, at)
		if err != nil {
			return nil, err
		}
		links[at] = string(target)
	}
	return append(runners, behind(links, slices.Concat(p.tests, runners))...), nil
}

// calls is what the checks of a reproduction name.
type calls struct {
	base  tree
	paths []string // of base and head
	tests []string // the test files at base

	files  []string // named, without the test's
	before []string // of those, what stands before the test in a command
	direct bool     // the test is named too
}

// read goes through the commands of a script. It knows no shell, only words.
func (c *calls) read(script, dir string) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for _, command := range regexp.MustCompile("[;&|()`\n]").Split(script, -1) {
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
			if folder || isScript(named[test]) {
				c.before = append(c.before, files...)
			}
		}
		c.files = append(c.files, files...)
	}
}

// named gives the files that a word may mean: the one at that path or, after
// a cd or a variable that only the shell knows, any whose path ends so.
func (c *calls) named(word, dir string) []string {
	if at := path.Join(dir, word); c.base[at].exists() {
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

// holdsTest tells a word for a folder of the test. One without a slash may be
// any other thing, such as test.
func (c *calls) holdsTest(word, dir string) bool {
	folder := path.Join(dir, strings.TrimSuffix(word, "/..."))
	return strings.Contains(word, "/") && slices.ContainsFunc(c.tests, func(test string) bool {
		return strings.HasPrefix(test, folder+"/")
	})
}

// runners gives the named files that run the test. What a check names can as
// well be the program that the fix repairs, which judges nothing: a source
// beside the test in a compiler's arguments, or a tool whose output the check
// looks at. So a file runs the test where it stands before a script of it, or
// before its folder; where the test is named nowhere, so that something else
// has to call it; and where it is a shell script.
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

// isScript tells the sources that are run as they are: what stands beside them
// in a command is no source to be compiled with them, and they are no data.
func isScript(name string) bool {
	return regexp.MustCompile(`\.(sh|bash|zsh|bats|py|rb|pl|php|lua|[cm]?[jt]sx?)$`).MatchString(name)
}

// behind gives the symlinks at, above or below some paths, and what they lead
// to, over every further link.
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

// follow gives the path that a symlink leads to; "" where a fix can't change
// what is there, as it is out of the tree, or where that is a folder around the
// link, which shows the test where it is.
func follow(link, target string) string {
	to := path.Join(path.Dir(link), target)
	if path.IsAbs(target) || !fs.ValidPath(to) || to == "." || strings.HasPrefix(link, to+"/") {
		return ""
	}
	return to
}
