package testlog

import (
	"regexp"
	"strconv"
	"strings"
)

// tree keeps the groups that a line belongs to, by their indentation.
type tree struct {
	groups []group
}

type group struct {
	indent int
	name   string
}

// enter notes that lines with a deeper indentation belong to this group.
func (t *tree) enter(indent int, name string) {
	t.leave(indent)
	t.groups = append(t.groups, group{indent, name})
}

// leave ends the groups that a line with this indentation does not belong to.
func (t *tree) leave(indent int) {
	for len(t.groups) > 0 && t.groups[len(t.groups)-1].indent >= indent {
		t.groups = t.groups[:len(t.groups)-1]
	}
}

// name returns the name of a test with the names of its groups.
func (t *tree) name(indent int, test string) string {
	t.leave(indent)
	var b strings.Builder
	for _, g := range t.groups {
		b.WriteString(g.name + nameSeparator)
	}
	return b.String() + test
}

// nameSeparator is between the names of groups and tests.
const nameSeparator = " > "

// indentation returns the number of spaces at the start of text, and the rest.
func indentation(text string) (int, string) {
	rest := strings.TrimLeft(text, " ")
	return len(text) - len(rest), rest
}

// number returns the number that a pattern has found; 0 if it has found nothing.
func number(digits string) int {
	n, _ := strconv.Atoi(digits) // a number that is too large is the largest
	return n
}

// item is a number of a summary, such as "3 failed".
type item struct {
	n    int
	word string
}

// items returns the numbers of a summary. The pattern has two groups, in the order
// of number and word.
func items(pattern *regexp.Regexp, text string) []item {
	var list []item
	for _, found := range pattern.FindAllStringSubmatch(text, -1) {
		list = append(list, item{number(found[1]), found[2]})
	}
	return list
}

// tally adds numbers of a summary to the counts, by their words. Other words count nothing.
func (d *draft) tally(list []item, results map[string]Result) {
	for _, i := range list {
		if result, ok := results[i.word]; ok {
			d.count(result, i.n)
			d.now().exact = true
		}
	}
}
