package prove

import (
	"path"
	"regexp"
	"slices"
)

// holdsTests tells whether a file of code has tests in it, as some languages want it.
func holdsTests(name string, content []byte) bool {
	if looksLikeTest(name) || matches(name, "**/{benches/**,{test,tests,*_test,*_tests}.rs}") {
		return false
	}
	marks := map[string]string{
		".rs":  "#\\[\\s*(cfg\\(\\s*(all\\(\\s*)?test\\b|(\\w+::)*(test|rstest)\\b)|(?m:^\\s*//[/!].*```)",
		".py":  `(?m)^\s*>>> `,
		".js":  `\bimport\.meta\.vitest\b`,
		".zig": `(?m)^\s*test\b`,
		".d":   `\bunittest\b`,
		".ex":  `\biex(\(\d+\))?> `,
		".hs":  `(?m)^\s*(-- \|? ?)?>>> `,
		".ml":  `\blet%(test|expect_test)\b`,
	}
	ext := path.Ext(name)
	if regexp.MustCompile(`^\.[cm]?[jt]sx?$`).MatchString(ext) {
		ext = ".js"
	}
	mark, ok := marks[ext]
	return ok && regexp.MustCompile(mark).Match(content)
}

// findShared finds a file that holds the test and code that the fix changes. Neither can
// be put back without the other, so no run tells what fixed the test.
func (p *proving) findShared() error {
	shared := changedPaths(p.base.files, p.head.tree.files, p.isTest)
	for _, g := range redChecks(p.original) {
		// Without a file of its own the test may be in any that is changed, and examples
		// in documentation are in the files that they document.
		doctest := regexp.MustCompile(`\bdoc-?test|--doc\b`).MatchString(g.Check.Script)
		if doctest || len(p.tests) == 0 && regexp.MustCompile(`(?i)test`).MatchString(g.Check.Script) {
			shared = append(shared, changedPaths(p.base.files, p.head.tree.files, p.isFix)...)
		}
	}
	for _, name := range shared {
		before, after, err := p.contents(name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc([][]byte{before, after}, func(content []byte) bool { return holdsTests(name, content) }) {
			p.shared = name
			return nil
		}
	}
	return nil
}
