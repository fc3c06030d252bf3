package prove

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/mod/modfile"
	"gopkg.in/ini.v1"
)

// judgingPart returns, for a file of which only a part decides how tests are built and
// run, the function that reads this part; nil for other files.
func judgingPart(name string) func(content []byte) (any, error) {
	switch path.Base(name) {
	case "go.mod":
		return goMod
	case "go.work":
		return goWork
	case "pyproject.toml":
		return func(content []byte) (any, error) { return tables(content, toml.Unmarshal, pyproject()) }
	case "Cargo.toml":
		return func(content []byte) (any, error) { return tables(content, toml.Unmarshal, cargo()) }
	case "package.json":
		return func(content []byte) (any, error) {
			if len(content) == 0 {
				content = []byte("{}")
			}
			return tables(content, json.Unmarshal, packageJSON())
		}
	case "setup.cfg", "tox.ini":
		return sections
	}
	return nil
}

// partDiffers tells whether the judging part of a file was changed. What can't be
// parsed may hold anything, so it was. A file that is not there is an empty one.
func partDiffers(name string, before, after []byte) bool {
	read := judgingPart(name)
	was, errBefore := read(before)
	is, errAfter := read(after)
	return errBefore != nil || errAfter != nil || fmt.Sprintf("%#v", was) != fmt.Sprintf("%#v", is) // as text, NaN equals itself
}

// goMod returns the lines of a go.mod that decide with what its packages are built.
// Requirements are not among them: the checksums of go.sum bind their contents.
func goMod(content []byte) (any, error) {
	f, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, t := range f.Tool {
		lines = append(lines, "tool "+t.Path)
	}
	return append(lines, replacements(f.Replace, f.Toolchain, f.Godebug)...), nil
}

func goWork(content []byte) (any, error) {
	f, err := modfile.ParseWork("go.work", content, nil)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, u := range f.Use {
		lines = append(lines, "use "+u.Path)
	}
	return append(lines, replacements(f.Replace, f.Toolchain, f.Godebug)...), nil
}

func replacements(replace []*modfile.Replace, toolchain *modfile.Toolchain, debug []*modfile.Godebug) []string {
	var lines []string
	for _, r := range replace {
		lines = append(lines, fmt.Sprintf("replace %s => %s", r.Old, r.New))
	}
	if toolchain != nil {
		lines = append(lines, "toolchain "+toolchain.Name)
	}
	for _, d := range debug {
		lines = append(lines, "godebug "+d.Key+"="+d.Value)
	}
	return lines
}

// innocent names the parts of a file that have no influence on how tests are run. A
// part is a key, or several with dots; * is any key.
type innocent struct {
	parts    []string
	packages []string // lists of packages: only those from another place than a registry judge
}

func pyproject() innocent {
	return innocent{
		parts: append(slicesOf("project.", "name version description readme license license-files authors maintainers keywords "+
			"classifiers urls requires-python dynamic scripts gui-scripts"),
			slicesOf("tool.", "ruff black isort mypy flake8 pylint pyright bandit towncrier commitizen bumpversion bumpver "+
				"semantic_release setuptools setuptools_scm hatch.version hatch.build poetry.name poetry.version poetry.description "+
				"poetry.authors poetry.license poetry.readme poetry.packages poetry.include poetry.scripts")...),
		packages: strings.Fields("project.dependencies project.optional-dependencies dependency-groups " +
			"tool.poetry.dependencies tool.poetry.dev-dependencies tool.poetry.group"),
	}
}

func cargo() innocent {
	kinds := "dependencies dev-dependencies build-dependencies"
	about := "version rust-version description authors license license-file readme repository homepage documentation keywords categories"
	return innocent{
		parts: slices.Concat(slicesOf("package.", about), slicesOf("workspace.package.", about),
			strings.Fields("features badges lints workspace.lints")),
		packages: slices.Concat(strings.Fields(kinds), slicesOf("target.*.", kinds), slicesOf("workspace.", kinds)),
	}
}

func packageJSON() innocent {
	return innocent{
		parts: strings.Fields("name version description keywords author contributors maintainers license homepage repository bugs " +
			"funding files main module types typings exports bin browser man sideEffects engines private publishConfig " +
			"peerDependencies peerDependenciesMeta bundleDependencies bundledDependencies eslintConfig prettier lint-staged husky"),
		packages: strings.Fields("dependencies devDependencies optionalDependencies"),
	}
}

func slicesOf(prefix, names string) []string {
	list := strings.Fields(names)
	for i, name := range list {
		list[i] = prefix + name
	}
	return list
}

// tables parses tables in tables and returns them without what is innocent.
func tables(content []byte, parse func([]byte, any) error, rest innocent) (any, error) {
	all := map[string]any{}
	if err := parse(content, &all); err != nil {
		return nil, err
	}
	for _, part := range rest.parts {
		within(all, strings.Split(part, "."), func(any) any { return nil })
	}
	for _, part := range rest.packages {
		within(all, strings.Split(part, "."), foreign)
	}
	return all, nil
}

// within replaces the values at a path of keys; by nothing, if the new value is nil.
// Tables that become empty are removed, too: without them nothing is different.
func within(table map[string]any, keys []string, change func(any) any) {
	for key, value := range table {
		if keys[0] != "*" && keys[0] != key {
			continue
		}
		inner, ok := value.(map[string]any)
		switch {
		case len(keys) == 1:
			value = change(value)
		case ok:
			if within(inner, keys[1:], change); len(inner) == 0 {
				value = nil
			}
		}
		if table[key] = value; value == nil {
			delete(table, key)
		}
	}
}

// foreign returns those of a list of packages that come from a folder or an address:
// such a package can be anything, a version from a registry can't. Nil if there are none.
func foreign(value any) any {
	switch value := value.(type) {
	case string:
		if regexp.MustCompile(`@|/|^\w+:`).MatchString(value) {
			return value
		}
	case []any:
		if list := slices.DeleteFunc(slices.Clone(value), func(one any) bool { return foreign(one) == nil }); len(list) > 0 {
			return list
		}
	case map[string]any:
		for _, key := range []string{"path", "git", "url", "file", "package", "registry"} {
			if value[key] != nil {
				return value
			}
		}
		list := map[string]any{}
		for name, one := range value {
			if kept := foreign(one); kept != nil {
				list[name] = kept
			}
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// errSections is returned for a file whose sections may be others to another reader.
var errSections = errors.New("not every line that begins with [ is the header of a section of its own")

// sections returns the keys of an INI file by section, without the sections that have
// no influence on how tests are run.
func sections(content []byte) (any, error) {
	// The readers of Python end a line at any of these.
	text := regexp.MustCompile(`\r\n|[\r\v\f\x{1c}-\x{1e}\x{85}\x{2028}\x{2029}]`).ReplaceAll(content, []byte("\n"))
	file, err := ini.LoadSources(ini.LoadOptions{
		AllowPythonMultilineValues: true, IgnoreContinuation: true, IgnoreInlineComment: true, AllowBooleanKeys: true,
	}, text)
	if err != nil {
		return nil, err
	}
	headers := 0
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimPrefix(line, []byte("\uFEFF")), []byte("[")) {
			headers++
		}
	}
	quiet := regexp.MustCompile(`^(metadata|options(\.(packages\.find|package_data|extras_require))?|flake8|isort|mypy(-.*)?|` +
		`pycodestyle|pydocstyle|pylint(\..*)?|bumpversion(:.*)?|bdist_wheel|sdist|egg_info|build_sphinx)$`)
	judging := map[string]map[string]string{}
	for _, s := range file.Sections() {
		if s.Name() != ini.DefaultSection {
			headers--
		}
		if !quiet.MatchString(s.Name()) && len(s.Keys()) > 0 {
			judging[s.Name()] = s.KeysHash()
		}
	}
	if headers != 0 {
		return nil, errSections
	}
	return judging, nil
}
