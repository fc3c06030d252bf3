package spec

import (
	"path"
	"slices"
	"strings"
)

// bypass is a flag with which an agent program turns off its own permission
// checks.
type bypass struct {
	flag     string   // the flag, without "=" and a value
	value    string   // the value that turns them off; "" if any or none does
	programs []string // the programs that have the flag; nil for any program
}

func bypasses() []bypass {
	gemini, opencode := []string{"gemini"}, []string{"opencode"}
	cursor := []string{"cursor-agent", "agent"} // two names of one program; others may be called "agent" too
	return []bypass{
		{flag: "--yolo"}, // codex, copilot, cursor-agent, gemini
		{flag: "--approval-mode", value: "yolo"},
		{flag: "-y", programs: gemini},
		{flag: "--allow-all"}, // copilot, like the next three
		{flag: "--allow-all-tools"},
		{flag: "--allow-all-paths"},
		{flag: "--allow-all-urls"},
		{flag: "--auto", programs: opencode},
		{flag: "--force", programs: cursor},
		{flag: "-f", programs: cursor[:1]},
		{flag: "--sandbox", value: "disabled", programs: cursor},
	}
}

// bypassPhrases have the same effect anywhere in a command: as a flag, as the
// value of a flag, or in settings on the command line.
func bypassPhrases() []string {
	return []string{
		"dangerously-skip-permissions", "bypassPermissions", // claude
		"dangerously-bypass-", "danger-full-access", // codex
		"dangerously-allow-all", "dangerouslyAllowAll", // amp
	}
}

// FindBypass returns the index of the first argument with which an agent program
// turns off its own permission checks, or -1. It also searches arguments of
// several words, such as a shell's script. An empty argv[0] means any program.
//
// With it a team's config can't make this decision for its members. It is no
// defence against a command that hides what it runs.
func FindBypass(argv []string) int {
	var words, programs []string
	var from []int // per word: index of its argument
	for i, arg := range argv {
		for _, phrase := range bypassPhrases() {
			if strings.Contains(arg, phrase) {
				return i
			}
		}
		for word := range strings.FieldsSeq(arg) {
			words, from = append(words, strings.Trim(word, "\"'`;&|()")), append(from, i)
			programs = append(programs, programName(words[len(words)-1]))
		}
	}
	for i, word := range words {
		flag, value, joined := strings.Cut(word, "=")
		if !joined && i+1 < len(words) {
			value = words[i+1]
		}
		for _, b := range bypasses() {
			theirs := b.programs == nil || argv[0] == "" ||
				slices.ContainsFunc(programs, func(p string) bool { return slices.Contains(b.programs, p) })
			if theirs && flag == b.flag && (b.value == "" || value == b.value) {
				return from[i]
			}
		}
	}
	return -1
}

// programName returns the name of a program without folder and suffix.
func programName(word string) string {
	name := path.Base(strings.ReplaceAll(word, `\`, "/"))
	return strings.TrimSuffix(strings.TrimSuffix(name, ".exe"), ".cmd")
}
