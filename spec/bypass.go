package spec

import (
	"regexp"
	"strings"
)

// FindBypass returns the index of the first argument that makes a command, or a shell's script
// in it, one with which an agent turns off its own permission checks, or -1. A team's config
// can't decide that for its members. It is no defence against a command that hides what it runs.
func FindBypass(argv []string) int {
	bypass := regexp.MustCompile("(?s)" + strings.Join([]string{
		`dangerously-skip-permissions`, `bypassPermissions`, // claude
		`dangerously-bypass-`, `danger-full-access`, // codex
		`dangerously-allow-all`, `dangerouslyAllowAll`, // amp
		`\s["']?--yolo\b`,                 // codex, copilot, cursor-agent, gemini
		`\s["']?--allow-all\b`,            // copilot, also --allow-all-tools and the like
		`--approval-mode[\s=]["']?yolo\b`, // gemini
		// Other programs have these flags, too.
		`\bgemini\b.*?\s["']?-y\b`,
		`\bopencode\b.*?\s["']?--auto\s`,
		`\bcursor-agent\b.*?\s["']?-f\b`,
		`[\s/\\](cursor-)?agent\b.*?\s["']?(--force|--sandbox[\s=]disabled)\b`, // two names of one program
	}, "|"))
	match := bypass.FindStringIndex(" " + strings.Join(argv, " ") + " ")
	if match == nil {
		return -1
	}
	at := 0
	for end := match[1] - 1; end > len(argv[at])+1; at++ {
		end -= len(argv[at]) + 1
	}
	return at
}
