package prove

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// classifier finds the class of a changed path.
type classifier struct {
	test   func(path string) bool // is put back for the proof
	fix    *spec.Spec
	tests  []string // the test files at base
	judges []string // the files and folders that decide what those are
}

// class returns the first class that fits: specs and their research; the test that
// is put back; whatever else can judge; what looks like a test; the fix's target
// files; the rest. Old tells that base has the file; before and after are its
// contents, which count only where judgingPart says so.
func (c classifier) class(name string, old bool, before, after []byte) record.PathClass {
	switch {
	case isSpecPath(name):
		return record.ClassSpec
	case c.test(name):
		return record.ClassTest
	case isHarness(name, before, after) || c.judging(name) || c.helps(name, old):
		return record.ClassHarness
	case looksLikeTest(name):
		return record.ClassTest
	case c.fix.Targets(name):
		return record.ClassFix
	}
	return record.ClassOther
}

// isSpecPath tells whether a path is in a part of .chant that judges nothing.
func isSpecPath(name string) bool {
	return matches(name, project.SpecsDir+"/**", project.ArchiveDir+"/**", project.ChantDir+"/research/**")
}

// judging tells whether a file runs the test, or is the test behind a symlink.
func (c classifier) judging(name string) bool {
	return slices.ContainsFunc(c.judges, func(at string) bool { return name == at || strings.HasPrefix(name, at+"/") })
}

// helps tells whether a test can be made to pass by a file: one that looks like a
// test, in the test's folder or below it, or an older one that looks like a test
// and is none itself. If no file of the test is known, any test may be it.
func (c classifier) helps(name string, old bool) bool {
	if !looksLikeTest(name) {
		return false
	}
	if len(c.tests) == 0 || old && (isTestHelper(name) || !isTestName(name)) {
		return true
	}
	return slices.ContainsFunc(c.tests, func(test string) bool {
		dir := path.Dir(test)
		return dir == path.Dir(name) || dir != "." && strings.HasPrefix(name, dir+"/")
	})
}

// The lists from here on are true of nearly every project. Folders such as spec,
// mocks, support and testing hold tests in some projects and code in others.

func looksLikeTest(name string) bool {
	return isTestName(name) || isTestHelper(name) ||
		matches(name, "**/{test,tests,e2e,testdata,fixtures,__tests__,__fixtures__,__mocks__}/**/*")
}

func isTestName(name string) bool {
	return matches(name, "**/{test_*.py,*_test.{go,py,rb},*_spec.rb,*.{test,spec}.{,c,m}{j,t}s{,x}}")
}

func isTestHelper(name string) bool {
	return matches(name, "**/test{,-,_}{util,helper}{,s}{.*,/**/*}")
}

// isHarness tells whether a file decides how tests are built, found, run or
// reported.
func isHarness(name string, before, after []byte) bool {
	if matches(
		name,
		project.ChantDir+"/**",
		// Python
		"**/{conftest.py,{,.}pytest.{ini,toml},tox.ini,setup.cfg,noxfile.py,.coveragerc,{site,user}customize.py}",
		// JavaScript
		"**/{jest,vitest,vite,playwright,babel}.config.*", "**/vitest.workspace.*", "**/{jest.setup,setupTests}.*",
		"**/{.mocharc,.babelrc}*", "**/.npmrc", "**/__mocks__/**",
		// Rust
		"**/.cargo/config{,.toml}", "**/.config/nextest.toml", "**/build.rs",
		// Ruby
		"**/{.rspec,Rakefile,{spec,rails,test}_helper.rb}",
		// any language
		"**/{Makefile,makefile,GNUmakefile,*.mk,Justfile,justfile,.justfile,{T,t}askfile{,.dist}.{yml,yaml}}",
		"**/{pom.xml,CMakeLists.txt,meson.build}", "**/build.gradle*",
		".github/**", ".circleci/**", ".gitlab-ci.yml", "**/Jenkinsfile", "**/Dockerfile*",
	) {
		return true
	}
	judging := judgingPart(name)
	return judging != nil && judging(before) != judging(after)
}

func matches(name string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return spec.MatchPath(pattern, name) })
}

// judgingPart returns, for a file of which only a part judges, the function that
// finds that part; nil for other files.
func judgingPart(name string) func(content []byte) string {
	lines := func(pattern string) func([]byte) string {
		return func(content []byte) string {
			return strings.Join(regexp.MustCompile(`(?m)`+pattern).FindAllString(string(content), -1), "\n")
		}
	}
	switch path.Base(name) {
	case "go.mod", "go.work":
		return lines(`^\s*(?:toolchain|replace|use)\b.*$|^.*=>.*$`)
	case "pyproject.toml":
		return lines(`^\[tool\.(?:pytest|coverage|tox|hatch\.envs)[^\]]*\]\n(?:[^\[\n].*\n?|\n)*`)
	case "Cargo.toml":
		return judgingTables
	case "package.json":
		return judgingKeys
	}
	return nil
}

// judgingTables returns a Cargo.toml without the tables and the keys that have no
// influence on how tests are built and run: TOML has many ways to write the others.
func judgingTables(content []byte) string {
	var b strings.Builder
	judges := true
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "[") {
			judges = !regexp.MustCompile(`^\[(workspace\.)?(.*dependencies(\..*)?|features|badges|lints(\..*)?)\]\s*(#|$)`).MatchString(line)
		}
		if judges && !regexp.MustCompile(`^(#|$|(version|rust-version|description|authors|license)\b)`).MatchString(line) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// judgingKeys returns the keys of a package.json that decide how tests are run.
func judgingKeys(content []byte) string {
	var manifest map[string]json.RawMessage
	if err := json.Unmarshal(content, &manifest); err != nil {
		return string(content) // what can't be read may hold anything
	}
	var b strings.Builder
	for _, key := range []string{"scripts", "jest", "mocha", "vitest", "ava", "babel", "type"} {
		b.Write(manifest[key])
		b.WriteByte('\n')
	}
	return b.String()
}
