package prove

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// calls finds the files that the checks of a reproduction run.
type calls struct {
	base    tree
	paths   []string // of base and head
	tests   []string // the test files at base
	content func(path string) string

	judges   map[string]bool // what was found
	followed map[call]bool
}

// reading is what scripts name.
type reading struct {
	files  []string // without the test's
	before []string // those of them that are before the test in a command
	direct bool     // the test is named, too
	called []call
}

// call is the text of a script that another one calls.
type call struct{ text, dir string }

// read adds what the commands of a script name, as words: it does not know the shell's
// language. Strict leaves out all but what a command runs or is configured by: a script
// that a check calls may name any file, such as the sources that it compiles.
func (c *calls) read(r *reading, text, dir string, strict bool) {
	// A script is run as it is: other words of its command are no sources to compile
	// with it, and it is no data.
	script := regexp.MustCompile(`\.(sh|bash|zsh|bats|py|rb|pl|php|lua|[cm]?[jt]sx?)$`)
	text = strings.ReplaceAll(text, "\\\n", " ")
	if strict {
		text = regexp.MustCompile(`(?m)(^|\s)#.*$`).ReplaceAllString(text, "")
	}
	for _, command := range regexp.MustCompile("[;&|()`\n]").Split(text, -1) {
		words := regexp.MustCompile(`[^\s"'<>=,{}\[\]]+`).FindAllString(command, -1)
		if len(words) > 1 && words[0] == "cd" {
			dir = path.Join(dir, words[1])
			continue
		}
		c.readCalls(r, words, dir)
		runs := runPositions(words)
		var files []string
		for i, word := range words {
			named := c.named(word, dir, strict)
			if i > 0 && regexp.MustCompile(`^-[mp]$`).MatchString(words[i-1]) {
				named = append(named, c.modules(word, dir)...)
			}
			test := slices.IndexFunc(named, func(name string) bool { return slices.Contains(c.tests, name) })
			folder := c.holdsTest(word, dir)
			if test < 0 && !folder {
				if !strict || runs[i] {
					files = append(files, named...)
				}
				continue
			}
			r.direct = true
			if folder || script.MatchString(named[test]) {
				r.before = append(r.before, files...)
			}
		}
		r.files = append(r.files, files...)
	}
}

// runPositions tells of each word of a command whether it may name what is run: the
// program itself, the script of an interpreter, or what a runner is configured by.
func runPositions(words []string) []bool {
	leads := regexp.MustCompile(`^[@+-]*(env|exec|time|nice|timeout|sudo|xargs|command|nohup|if|then|else|elif|while|do|!|\.|source|` +
		`(ba|da|z|k)?sh|python[\d.]*|pypy\d*|node|ruby|perl|php|deno|bun|tsx|ts-node|lua|npx|Rscript|run|\d\w*|[A-Z_]\w*)?$`)
	configures := regexp.MustCompile(`^--?(c|f|m|p|r|O|require|import|(experimental-)?loader|conf(ig)?(-?file)?|rcfile|file|` +
		`(global)?setup\w*|init-file|exec|toolexec|overlay|runner|test-reporter|reporter)$`)
	runs := make([]bool, len(words))
	lead := true
	for i, word := range words {
		switch {
		case i > 0 && configures.MatchString(words[i-1]):
			runs[i] = true
			lead = lead && words[i-1] == "-c" // the command line of a shell
		case lead && !leads.MatchString(word) && !strings.HasPrefix(word, "-"):
			runs[i], lead = true, false
		}
	}
	return runs
}

// readCalls adds the texts of the targets and tasks that a command runs, and the source of
// a program that go builds and runs.
func (c *calls) readCalls(r *reading, words []string, dir string) {
	for len(words) > 1 && regexp.MustCompile(`^[@+-]*$|^[A-Z_]+$|^\d|^(env|time|timeout|exec)$`).MatchString(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	var args []string // without flags
	for i, word := range words[1:] {
		switch {
		case words[i] == "-C" || words[i] == "--prefix":
			dir = path.Join(dir, word)
		case !strings.HasPrefix(word, "-"):
			args = append(args, word)
		}
	}
	switch name := strings.TrimLeft(words[0], "@+-"); {
	case slices.Contains([]string{"make", "gmake", "just"}, name):
		for _, file := range []string{"GNUmakefile", "makefile", "Makefile", "justfile", "Justfile", ".justfile"} {
			at := path.Join(dir, file)
			if c.base[at].Mode != "" && (name == "just") == strings.Contains(file, "ust") {
				r.called = append(r.called, call{recipes(c.content(at), args), dir})
			}
		}
	case slices.Contains([]string{"npm", "yarn", "pnpm", "bun"}, name):
		r.called = append(r.called, call{tasks(c.content(path.Join(dir, "package.json")), args), dir})
	case name == "go" && len(args) > 1 && args[0] == "run":
		folder := path.Join(dir, args[1])
		for _, name := range c.paths {
			if path.Dir(name) == folder && path.Ext(name) == ".go" && !isTestName(name) {
				r.files = append(r.files, name)
			}
		}
	}
}

// named returns the files that a word may mean: the one at that path or, after a
// cd or a variable that only the shell knows, any whose path has that end. Strict
// takes a word without a slash only as a path.
func (c *calls) named(word, dir string, strict bool) []string {
	if at := path.Join(dir, word); c.base[at].Mode != "" {
		return []string{at}
	}
	if strict && !strings.Contains(word, "/") {
		return nil
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

// modules returns the files that make up a Python module, if the tree has it.
func (c *calls) modules(word, dir string) []string {
	at := strings.ReplaceAll(word, ".", "/")
	var names []string
	for _, folder := range []string{dir, ".", "src"} {
		for _, file := range []string{".py", "/__init__.py", "/__main__.py"} {
			if name := path.Join(folder, at+file); slices.Contains(c.paths, name) {
				names = append(names, name)
			}
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
func (c *calls) runners(r reading) []string {
	if !r.direct && len(c.tests) > 0 {
		return r.files
	}
	runners := slices.Clone(r.before)
	for _, name := range r.files {
		if path.Ext(name) == ".sh" {
			runners = append(runners, name)
		}
	}
	return runners
}

// follow adds what runs the test, and what that runs in turn.
func (c *calls) follow(r reading) {
	for _, name := range c.runners(r) {
		if c.judges[name] || slices.Contains(c.tests, name) {
			continue
		}
		c.judges[name] = true
		if text := c.content(name); isShell(name, text) {
			r.called = append(r.called, call{text, "."}, call{text, path.Dir(name)})
		} else if regexp.MustCompile(`\.(py|rb|pl|php|[cm]?[jt]s)$`).MatchString(name) {
			c.readProgram(name, text)
		}
	}
	for _, called := range r.called {
		if c.followed[called] {
			continue
		}
		c.followed[called] = true
		var next reading
		c.read(&next, called.text, called.dir, true)
		c.follow(next)
	}
}

// isShell tells whether a script is one of a shell: by its name, or by its first line.
func isShell(name, text string) bool {
	first, _, _ := strings.Cut(text, "\n")
	switch ext := path.Ext(name); {
	case strings.HasPrefix(first, "#!"):
		return regexp.MustCompile(`sh\b`).MatchString(first)
	case ext == "":
		return true
	default:
		return slices.Contains([]string{".sh", ".bash", ".zsh", ".bats"}, ext)
	}
}

// readProgram adds what a script in another language names: files, in quotes, and the
// modules beside it.
func (c *calls) readProgram(name, text string) {
	dir := path.Dir(name)
	for _, quoted := range regexp.MustCompile(`["']([^"'\s]+)["']`).FindAllStringSubmatch(text, -1) {
		if c.holdsTest(quoted[1], ".") || slices.Contains(c.tests, quoted[1]) {
			return // it calls the test itself
		}
	}
	for _, found := range regexp.MustCompile(`(?m)^\s*(?:import|from)\s+\.?(\w+)`).FindAllStringSubmatch(text, -1) {
		if at := path.Join(dir, found[1]+".py"); path.Ext(name) == ".py" && c.base[at].Mode != "" {
			c.judges[at] = true
		}
	}
	c.readQuoted(text, dir)
}
