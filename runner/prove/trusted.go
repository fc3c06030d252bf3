package prove

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Tests trust code that is not theirs: packages that were copied into the tree, and those
// that are outside of it. A change of them can turn any test green.

// isCompiled tells whether a file is a compiled one, which can hide the source beside it.
func isCompiled(name string) bool {
	return matches(name, "**/__pycache__/**", "**/*.{pyc,pyo,pyd,class}", "**/*.{cpython-*,abi3}*.so",
		"**/{.pytest_cache,.tox,.nox,.gradle,.vite,.parcel-cache,.nyc_output}/**", "**/node_modules/.cache/**")
}

// vendoredIn splits the path of a file of a copied package: into the folder that has the
// folder of packages, and the path below that one. Ok is false for other files.
func vendoredIn(name string) (parent, rest string, ok bool) {
	found := regexp.MustCompile(`^(?:(.+?)/)??(?:vendor|vendored|_vendor|node_modules|bower_components|third[_-]party|site-packages)/(.+)$`).
		FindStringSubmatch(name)
	if found == nil {
		return "", "", false
	}
	return path.Join(found[1], "."), found[2], true
}

// moduleFiles lists the files of a folder that say which versions of packages it has.
func moduleFiles(dir string) []string {
	names := strings.Fields("go.mod package.json package-lock.json yarn.lock pnpm-lock.yaml requirements.txt pyproject.toml poetry.lock " +
		"uv.lock Pipfile Pipfile.lock Cargo.toml Cargo.lock Gemfile Gemfile.lock composer.json composer.lock vendor.txt")
	for i, name := range names {
		names[i] = path.Join(dir, name)
	}
	return names
}

// isVendored tells whether a file is of a copied package whose version is the same in
// base and head. With a new version its files have to change.
func (p *proving) isVendored(name string) (bool, error) {
	parent, rest, ok := vendoredIn(name)
	if !ok {
		return false, nil
	}
	lines, known := p.versions[parent]
	for _, file := range moduleFiles(parent) {
		if known || p.base.files[file] == p.head.tree.files[file] {
			continue
		}
		before, after, err := p.contents(file)
		if err != nil {
			return false, err
		}
		lines = append(lines, newLines(string(before), string(after))...)
	}
	p.versions[parent] = lines
	return !newVersion(rest, lines), nil
}

// newLines returns the lines of a module file that are not in before, without comments.
func newLines(before, after string) []string {
	known := map[string]bool{}
	for line := range strings.Lines(before) {
		known[strings.TrimSpace(line)] = true
	}
	var lines []string
	for line := range strings.Lines(after) {
		if !known[strings.TrimSpace(line)] {
			line, _, _ = strings.Cut(" "+line, " //")
			line, _, _ = strings.Cut(line, " #")
			lines = append(lines, line)
		}
	}
	return lines
}

// newVersion tells whether a line gives a package a version. The package is one of the
// folders that a path begins with.
func newVersion(rest string, lines []string) bool {
	segments := strings.Split(strings.TrimSuffix(rest, path.Ext(rest)), "/")
	for n := range segments {
		name := strings.Join(segments[:n+1], "/")
		version := fmt.Sprintf(`(^|[^\w.@-])%s(["']?[\s:=@^~<>!v"'(\[]*|/-/[\w.-]*?-)\d`, regexp.QuoteMeta(name))
		for _, line := range lines {
			if strings.Contains(line, name) && regexp.MustCompile(version).MatchString(line) {
				return true
			}
		}
	}
	return false
}

// shadows returns the Python modules that come from outside of the tree at base, because
// the test, its helpers or the runner import them and base does not have them. A fix that
// adds one replaces it.
func (c *calls) shadows(imported []string) []string {
	roots := []string{".", "src", "lib"}
	for _, test := range c.tests {
		for dir := path.Dir(test); dir != "."; dir = path.Dir(dir) {
			roots = append(roots, dir)
		}
	}
	has := func(paths []string, at string) bool {
		return slices.ContainsFunc(paths, func(name string) bool { return name == at+".py" || strings.HasPrefix(name, at+"/") })
	}
	base := c.base.paths()
	var list []string
	for _, module := range imported {
		inTree := slices.ContainsFunc(roots, func(root string) bool { return has(base, path.Join(root, module)) })
		for _, root := range roots {
			if at := path.Join(root, module); !inTree && has(c.paths, at) {
				list = append(list, at, at+".py")
			}
		}
	}
	return list
}

// imports returns the top-level modules that Python files import, with those that the
// usual runners do, and those are made of.
func imports(texts []string) []string {
	list := strings.Fields("_pytest pytest pluggy iniconfig packaging pygments py exceptiongroup tomli xdist pytest_cov hypothesis mock " +
		"nose unittest doctest coverage ast argparse difflib importlib inspect io logging os pathlib re runpy site sys traceback types typing")
	for _, text := range texts {
		for _, found := range regexp.MustCompile(`(?m)^\s*(?:import|from)\s+([\w.]+(?:\s*,\s*[\w.]+)*)`).FindAllStringSubmatch(text, -1) {
			for name := range strings.SplitSeq(found[1], ",") {
				top, _, _ := strings.Cut(strings.TrimSpace(name), ".")
				list = append(list, top)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
