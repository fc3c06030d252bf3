package record

import "fmt"

// PromptPart is one part of a prompt.
type PromptPart struct {
	Name    string `json:"name"`
	Bytes   int    `json:"bytes"`
	LeftOut int    `json:"left_out"` // bytes, for the sake of the budget
}

// AgentRun is what one attempt of an agent gave. It is kept as evidence: fields
// are only ever added.
type AgentRun struct {
	Attempt      int          `json:"attempt"`
	Result       AgentResult  `json:"result"`
	PromptDigest string       `json:"prompt_digest"` // sha256
	Prompt       []PromptPart `json:"prompt"`
	Claims       []string     `json:"claims"`    // what it wrote of its own completion, in words; without effect
	Outside      []string     `json:"outside"`   // paths that it changed outside of the target files
	Conflicts    []string     `json:"conflicts"` // target files that somebody else changed meanwhile
	Aside        string       `json:"aside"`     // the folder that holds its version of those; "" where there is none
}

// Notices puts what the agent did that somebody should know into words, a line
// each.
func (r AgentRun) Notices() []string {
	var lines []string
	for _, claim := range r.Claims {
		lines = append(lines, "the agent "+claim+" itself, which has no effect")
	}
	if len(r.Outside) > 0 {
		lines = append(lines, "the agent changed files outside of target_files, which did not come back: "+Some(r.Outside))
	}
	for _, at := range r.Conflicts {
		lines = append(lines, fmt.Sprintf("%s was changed here while the agent worked; the agent's version is in %s", at, r.Aside))
	}
	return lines
}
