package prove

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
)

// readConfigs adds the files that the configuration of test runners at base names: those
// that are loaded before the test, and those that run it.
func (c *calls) readConfigs() {
	plugins := regexp.MustCompile(`-p[ =]*([\w.]+)`)
	for _, name := range c.base.paths() {
		switch base := path.Base(name); {
		case matches(base, "{jest,vitest,vite,playwright,karma,cypress,ava,wdio}.{config,conf}.*", "vitest.workspace.*"):
			c.readQuoted(loaded(c.content(name)), path.Dir(name))
		case matches(base, ".mocharc*", ".rspec", "phpunit.xml*", ".taprc", "bunfig.toml"),
			matches(name, "**/.cargo/config{,.toml}", "**/.config/nextest.toml"):
			c.readQuoted(regexp.MustCompile(`[^\s"'<>=,\[\]{}]+`).ReplaceAllString(c.content(name), `"$0"`), path.Dir(name))
		case base == "package.json":
			c.readQuoted(runnerTables(c.content(name)), path.Dir(name))
		case base == "conftest.py":
			text := c.content(name)
			if at := strings.Index(text, "pytest_plugins"); at >= 0 {
				statement := regexp.MustCompile(`^[^\[("']*(\[[^\]]*|\([^)]*|[^\n]*)`).FindString(text[at:])
				for _, quoted := range regexp.MustCompile(`["']([\w.]+)["']`).FindAllStringSubmatch(statement, -1) {
					c.add(c.modules(quoted[1], path.Dir(name)))
				}
			}
		case matches(base, "pyproject.toml", "setup.cfg", "tox.ini", "{,.}pytest.{ini,toml}"):
			for _, found := range plugins.FindAllStringSubmatch(c.content(name), -1) {
				c.add(c.modules(found[1], path.Dir(name)))
			}
		}
	}
}

func (c *calls) add(names []string) {
	for _, name := range names {
		if !slices.Contains(c.tests, name) {
			c.judges[name] = true
		}
	}
}

// readQuoted adds the files whose paths are in quotes in a text, from the folder of the
// text's file or from the top. JavaScript leaves out the extension.
func (c *calls) readQuoted(text, dir string) {
	for _, quoted := range regexp.MustCompile(`["']([^"'\s]+)["']`).FindAllStringSubmatch(text, -1) {
		word := strings.TrimPrefix(quoted[1], "<rootDir>/")
		for _, folder := range []string{dir, "."} {
			at := path.Join(folder, word)
			for end := range strings.FieldsSeq("- .js .ts .mjs .cjs .mts .cts .jsx .tsx .json .rb /index.js /index.ts /index.mjs") {
				if name := at + strings.TrimPrefix(end, "-"); c.base[name].Mode != "" {
					c.add([]string{name})
				}
			}
		}
	}
}

// loaded returns the parts of a configuration in JavaScript that say what is loaded: by
// the runner, or by the configuration itself. Its other paths are of sources and results.
func loaded(text string) string {
	keys := regexp.MustCompile(`(?s)\b(setupFiles\w*|globalSetup|globalTeardown|testEnvironment|environment|runner|testRunner|testSequencer|` +
		`transform|resolver|reporters?|snapshot(Serializers|Resolver|Environment)|preset|moduleNameMapper|alias|require|frameworks|plugins|` +
		`files|supportFile)["']?\s*:\s*(\[.*?\]|\{.*?\}|[^,\n}]+)`)
	imports := regexp.MustCompile(`(\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']\.[^"']*["']`)
	return strings.Join(append(keys.FindAllString(text, -1), imports.FindAllString(text, -1)...), "\n")
}

// runnerTables returns the tables of test runners in a package.json.
func runnerTables(text string) string {
	var manifest map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &manifest) != nil {
		return ""
	}
	var b strings.Builder
	for _, key := range []string{"jest", "mocha", "ava", "vitest", "tap", "c8", "nyc"} {
		b.Write(manifest[key])
		b.WriteByte('\n')
	}
	return b.String()
}

// tasks returns the scripts of a package.json that "npm test" or "npm run NAME" runs.
func tasks(text string, args []string) string {
	var manifest struct{ Scripts map[string]string }
	if json.Unmarshal([]byte(text), &manifest) != nil || len(args) == 0 {
		return ""
	}
	name := args[0]
	switch {
	case (name == "run" || name == "run-script") && len(args) > 1:
		name = args[1]
	case name == "t" || name == "tst":
		name = "test"
	}
	return strings.Join([]string{manifest.Scripts["pre"+name], manifest.Scripts[name], manifest.Scripts["post"+name]}, "\n")
}

// recipes returns the commands of targets of a Makefile or a justfile, and of what these
// depend on, with variables replaced. Without a target it is the first one.
func recipes(text string, targets []string) string {
	variables := map[string]string{"MAKE": "make"}
	needs, commands := map[string][]string{}, map[string][]string{}
	var current []string
	header := regexp.MustCompile(`^@?([^\s#:=][^:]*?)\s*::?(?:$|([^=].*)$)`)
	assignment := regexp.MustCompile(`^(?:export\s+|override\s+)?(\w+)\s*(?:[:?+!]*=)\s*(.*)$`)
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, " \t\r\n")
		if strings.TrimLeft(line, " \t") != line {
			for _, target := range current {
				commands[target] = append(commands[target], strings.TrimSpace(line))
			}
			continue
		}
		if set := assignment.FindStringSubmatch(line); set != nil {
			variables[set[1]] = set[2]
			continue
		}
		rule := header.FindStringSubmatch(line)
		if rule == nil {
			continue
		}
		first, inline, _ := strings.Cut(rule[2], ";")
		if current = strings.Fields(rule[1]); len(targets) == 0 && !strings.HasPrefix(rule[1], ".") {
			targets = current[:1]
		}
		for _, target := range current {
			needs[target] = append(needs[target], strings.Fields(first)...)
			commands[target] = append(commands[target], inline)
		}
	}
	var all []string
	reached := map[string]bool{}
	for queue := slices.Clone(targets); len(queue) > 0; queue = queue[1:] {
		if !reached[queue[0]] {
			reached[queue[0]] = true
			all = append(all, commands[queue[0]]...)
			queue = append(queue, needs[queue[0]]...)
		}
	}
	return replaced(strings.Join(all, "\n"), variables)
}

// replaced replaces variables, also in what they were replaced by.
func replaced(text string, variables map[string]string) string {
	use := regexp.MustCompile(`\$\((\w+)\)|\$\{(\w+)\}|\{\{\s*(\w+)\s*\}\}`)
	for range 5 {
		text = use.ReplaceAllStringFunc(text, func(found string) string {
			if value, ok := variables[strings.Trim(found, "$(){} ")]; ok {
				return value
			}
			return found
		})
		if len(text) > maxScript {
			return text[:maxScript]
		}
	}
	return text
}
