package runner

import (
	"fmt"
	"strings"

	"chant/runner/agent"
	"chant/runner/git"
)

// AgentRun is what one attempt of an agent gave. It is kept as evidence: fields
// are only ever added.
type AgentRun struct {
	Attempt int `json:"attempt"`
	agent.Result
	PromptDigest string       `json:"prompt_digest"` // sha256
	Prompt       []PromptPart `json:"prompt"`
	Claims       []int        `json:"claims"`    // criteria that it ticked or unticked; put back
	PutBack      []string     `json:"put_back"`  // spec files that it changed as only chant may, and what steers git
	Commits      []string     `json:"commits"`   // that it made
	Refs         []MovedRef   `json:"refs"`      // branches, tags and stashes that are not what they were
	Tests        []string     `json:"tests"`     // test files of the reproduction that changed
	Stays        []string     `json:"stays"`     // paths that it changed in its worktree and that did not come back
	Conflicts    []string     `json:"conflicts"` // target files that somebody else changed meanwhile
	Aside        string       `json:"aside"`     // the folder that holds what was set aside; "" where nothing was
	Restored     []string     `json:"restored"`  // paths of which it undid what was not committed; given back
	Replaced     []string     `json:"replaced"`  // files below Kept that the work tree or the index has no longer
	Kept         string       `json:"kept"`      // the ref that keeps what was not committed before; "" where nothing of it is missing
	LeftOut      []string     `json:"left_out"`  // files not committed of which no copy was made
}

// MovedRef is a ref that names something else since an agent ran.
type MovedRef struct {
	Ref string   `json:"ref"`
	Was git.Hash `json:"was"`
	Is  git.Hash `json:"is"` // "" where the ref, or that stash, is gone
}

// notice tells of it, with the way back.
func (m MovedRef) notice() string {
	switch {
	case m.Ref == git.Stash:
		return fmt.Sprintf("a stash was dropped: git stash store %s brings it back", m.Was)
	case m.Is == "":
		return fmt.Sprintf("%s was removed: git update-ref %[1]s %s brings it back", m.Ref, m.Was)
	}
	return fmt.Sprintf("%s was moved to %.12s: git update-ref %[1]s %[3]s moves it back", m.Ref, m.Is, m.Was)
}

// newAgentRun gives the record of an attempt that has not begun.
func newAgentRun(attempt int, p Prompt) AgentRun {
	return AgentRun{
		Attempt: attempt, Prompt: p.Parts, PromptDigest: "sha256:" + digestOf([]byte(p.Text)),
		Claims: []int{}, PutBack: []string{}, Commits: []string{}, Refs: []MovedRef{}, Tests: []string{}, Stays: []string{}, Conflicts: []string{},
		Restored: []string{}, Replaced: []string{}, LeftOut: []string{},
	}
}

// Notices puts what the agent did that somebody should know into words, a line
// each.
func (r AgentRun) Notices() []string {
	var lines []string
	for _, n := range r.Claims {
		lines = append(lines, fmt.Sprintf("the agent marked criterion %d itself: put back", n))
	}
	add := func(words string, about ...string) {
		for _, one := range about {
			lines = append(lines, words+one)
		}
	}
	add("put back: ", r.PutBack...)
	add("the test that judges this work was changed: ", r.Tests...)
	add("changed in the agent's worktree, outside target_files, and left there: ", r.Stays...)
	add("changed here meanwhile, so the agent's version was set aside: ", r.Conflicts...)
	if r.Aside != "" {
		add("what was set aside is in ", r.Aside)
	}
	add("given back as it was before the agent undid it: ", r.Restored...)
	for _, at := range r.Replaced {
		where, file, _ := strings.Cut(at, "/")
		what := map[string]string{keptFiles: "not committed", keptIndex: "staged"}[where]
		lines = append(lines, fmt.Sprintf("%s has lost what was %s: git show %s:%s", file, what, r.Kept, at))
	}
	if r.Kept != "" && len(r.Replaced) == 0 { // nobody could compare
		add("what was not committed before the agent ran is kept under ", r.Kept)
	}
	if len(r.LeftOut) > 0 {
		lines = append(lines, fmt.Sprintf("no copy was kept from the agent, for want of room (%d MiB) or rights: %s", keepLimit>>20, someOf(r.LeftOut, 3)))
	}
	for _, ref := range r.Refs {
		lines = append(lines, ref.notice())
	}
	for _, commit := range r.Commits {
		add("the agent committed ", commit[:min(len(commit), 12)])
	}
	return lines
}

// someOf lists the first n of some words, and says how many there are besides.
func someOf(words []string, n int) string {
	if len(words) <= n {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), len(words)-n)
}
