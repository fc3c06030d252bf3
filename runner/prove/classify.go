package prove

import (
	"slices"
	"strings"

	"chant/runner/project"
	"chant/runner/record"
	"chant/spec"
)

// classifier finds the class of a changed path.
type classifier struct {
	test   func(path string) bool // is of the test
	fix    *spec.Spec
	judges []string // the files and folders that decide what the test is
}

// class returns the first class that fits: specs and their research; the test;
// whatever else can judge; what looks like a test; the fix's target files; the rest.
// Before and after are the contents, which count only where judgingPart says so.
func (c classifier) class(name string, before, after []byte) record.PathClass {
	switch {
	case isSpecPath(name):
		return record.ClassSpec
	case c.test(name):
		return record.ClassTest
	case isHarness(name, before, after) || c.judging(name):
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
	if isCompiled(name) || matches(
		name,
		project.ChantDir+"/**",
		// Python
		"**/{conftest.py,{,.}pytest.{ini,toml},noxfile.py,.coveragerc,{site,user}customize.py,*.pth}",
		// JavaScript
		"**/{jest,vitest,vite,playwright,babel}.config.*", "**/vitest.workspace.*", "**/{jest.setup,setupTests}.*",
		"**/{karma,wdio}.conf.*", "**/{cypress,ava}.config.*", "**/{.mocharc,.babelrc,.swcrc,.taprc}*", "**/.npmrc", "**/bunfig.toml",
		"**/{tsconfig,jsconfig}*.json", "**/deno.json{,c}", "**/.pnp.{c,m,}js", "**/__mocks__/**",
		// Rust
		"**/.cargo/config{,.toml}", "**/.config/nextest.toml", "**/build.rs",
		// Ruby
		"**/{.rspec,Rakefile,{spec,rails,test}_helper.rb}",
		// other languages
		"**/{phpunit.xml*,mix.exs,test_helper.exs,build.zig,build.sbt,Directory.Build.{props,targets},*.runsettings}", "**/{gradlew,mvnw}",
		"**/{.mvn,gradle/wrapper}/**", "**/gradle.properties", "**/{BUILD,WORKSPACE,MODULE}{,.bazel}", "**/.bazelrc",
		// which version of a language
		"**/{rust-toolchain{,.toml},.python-version,.ruby-version,.nvmrc,.node-version,.tool-versions,mise.toml,global.json}",
		// any language
		"**/{Makefile,makefile,GNUmakefile,*.mk,Justfile,justfile,.justfile,{T,t}askfile{,.dist}.{yml,yaml}}",
		"**/{pom.xml,CMakeLists.txt,meson.build}", "**/build.gradle*",
		".github/**", ".circleci/**", ".gitlab-ci.yml", "**/Jenkinsfile", "**/Dockerfile*",
	) {
		return true
	}
	return judgingPart(name) != nil && partDiffers(name, before, after)
}

func matches(name string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return spec.MatchPath(pattern, name) })
}
