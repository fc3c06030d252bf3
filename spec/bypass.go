package spec

import (
	"path"
	"slices"
	"strings"
)

// bypass is a flag by which an agent program drops its own permission checks.
type bypass struct {
	flag     string   // an argument of its own, or with "=" and a value behind it
	value    string   // the only value that drops them; "" where the flag alone does
	programs []string // whose flag it is, where others mean something else by it
}

func bypasses() []bypass {
	gemini, opencode := []string{"gemini"}, []string{"opencode"}
	cursor := []string{"cursor-agent", "agent"} // the same; the second is a likely name for others too
	return []bypass{
		{flag: "--yolo"}, // codex, copilot, cursor-agent, gemini
		{flag: "--approval-mode", value: "yolo"},
		{flag: "-y", programs: gemini},
		{flag: "--allow-all"}, // copilot, as the next three
		{flag: "--allow-all-tools"},
		{flag: "--allow-all-paths"},
		{flag: "--allow-all-urls"},
		{flag: "--auto", programs: opencode},
		{flag: "--force", programs: cursor},
		{flag: "-f", programs: cursor[:1]},
		{flag: "--sandbox", value: "disabled", programs: cursor},
	}
}

// bypassPhrases mean the same wherever they stand: as a flag, as the value of
// one, or in settings that are given on the command line.
func bypassPhrases() []string {
	return []string{
		"dangerously-skip-permissions", "bypassPermissions", // claude
		"dangerously-bypass-", "danger-full-access", // codex
		"dangerously-allow-all", "dangerouslyAllowAll", // amp
	}
}

// FindBypass gives the index of the first argument by which an agent program
// drops its own permission checks, or -1. It also looks into an argument of
// several words, as a shell is given. An empty program, argv[0], may be any.
//
// It keeps a team's config from deciding this for its members. It is no
// defence against a command that hides what it runs.
func FindBypass(argv []string) int {
	var words, programs []string
	var from []int // per word: the index of its argument
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

// programName is the name of a program without its folder and suffix.
func programName(word string) string {
	name := path.Base(strings.ReplaceAll(word, `\`, "/"))
	for _, suffix := range []string{".exe", ".cmd"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}
