package record

// PromptPart is one part of a prompt.
type PromptPart struct {
	Name    string `json:"name"`
	Bytes   int    `json:"bytes"`
	LeftOut int    `json:"left_out"` // bytes, because of the size limit
}

// AgentRun is the record of one attempt of an agent. It is part of Evidence, so fields may
// be added but not changed.
type AgentRun struct {
	Attempt      int          `json:"attempt"`
	Result       AgentResult  `json:"result"`
	Sandbox      string       `json:"sandbox"`       // what kept it out of everything else: "landlock", or "none" and why
	PromptDigest string       `json:"prompt_digest"` // sha256
	Prompt       []PromptPart `json:"prompt"`
	Claims       []string     `json:"claims"`    // what it wrote of its own completion, in words; without effect
	Outside      []string     `json:"outside"`   // paths outside of the target files, each with what became of it: new, changed or removed
	Refused      []string     `json:"refused"`   // target files that could not come back, each with the reason
	Modes        []string     `json:"modes"`     // target files whose executable bit it changed, which did not come back
	Conflicts    []string     `json:"conflicts"` // target files that somebody else changed meanwhile
	Aside        string       `json:"aside"`     // the folder that holds its version of those; "" where it removed them
}

// Notices returns what a person should know about the run, one line each.
func (r AgentRun) Notices() []string {
	var lines []string
	for _, claim := range r.Claims {
		lines = append(lines, "the agent "+claim+" itself, which has no effect")
	}
	if len(r.Outside) > 0 {
		lines = append(lines, "the agent changed files outside of target_files, which did not come back: "+Some(r.Outside))
	}
	if len(r.Modes) > 0 {
		lines = append(lines, "the agent changed the executable bit, which does not come back: "+Some(r.Modes))
	}
	for _, text := range r.Refused {
		lines = append(lines, "the agent's version does not come back: "+text)
	}
	for _, at := range r.Conflicts {
		lines = append(lines, at+" was changed here while the agent worked, and stays so")
	}
	if r.Aside != "" {
		lines = append(lines, "the agent's version is in "+r.Aside)
	}
	return lines
}
