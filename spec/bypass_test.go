package spec

import (
	"strings"
	"testing"
)

func TestFindBypass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		argv string // arguments divided by "|"
		want int
	}{
		{"claude|-p|--dangerously-skip-permissions", 2},
		{"claude|--allow-dangerously-skip-permissions", 1},
		{"claude|--permission-mode|bypassPermissions", 2},
		{"claude|--permission-mode=bypassPermissions", 1},
		{`claude|--settings|{"permissions": {"defaultMode": "bypassPermissions"}}`, 2},
		{"codex|exec|--dangerously-bypass-approvals-and-sandbox", 2},
		{"codex|exec|-s|danger-full-access", 3},
		{"codex|exec|-sdanger-full-access", 2},
		{"codex|exec|--sandbox=danger-full-access", 2},
		{`codex|-c|sandbox_mode="danger-full-access"|exec`, 2},
		{"codex|exec|--yolo", 2},
		{"gemini|--yolo", 1},
		{"gemini|-y", 1},
		{"gemini|--approval-mode|yolo", 2},
		{"gemini|--approval-mode=yolo", 1},
		{"copilot|-s|--allow-all-tools", 2},
		{"copilot|--allow-all", 1},
		{"copilot|--allow-all-paths", 1},
		{"amp|-x|--dangerously-allow-all", 2},
		{"opencode|run|--auto", 2},
		{"cursor-agent|-p|--force", 2},
		{"/opt/x/cursor-agent|-p|-f", 2},
		{`C:\bin\agent.exe|--force`, 1},
		{"env|A=b|npx|cursor-agent|--force", 4},
		{"cursor-agent|--sandbox|disabled", 2},
		{"sh|-c|cat | claude|--yolo", 4},
		{`sh|-c|exec "gemini" '-y'; true`, 2},

		{"", -1},
		{"claude|-p|--output-format|stream-json|--verbose|--permission-mode|acceptEdits", -1},
		{"codex|exec|--json|--color|never|-s|workspace-write|--ephemeral|-", -1},
		{"gemini|--output-format|stream-json|--approval-mode|auto_edit", -1},
		{"copilot|-s|--no-ask-user|--allow-tool|shell(go:*)", -1},
		{"cursor-agent|-p|--output-format|stream-json|--trust|--sandbox|enabled", -1},
		{"aider|--message-file|{prompt_file}|--yes-always|--no-auto-commits", -1},
		{"prog|-y|--force|-f|--auto|--sandbox|disabled", -1},
		{"prog|never act dangerously, yolo", -1},
		{"prog|--approval-mode", -1},
		{"tools/agent|-f|config", -1},
	} {
		if got := FindBypass(strings.Split(tt.argv, "|")); got != tt.want {
			t.Errorf("FindBypass(%s) = %d, want %d", tt.argv, got, tt.want)
		}
	}
	if got := FindBypass(nil); got != -1 {
		t.Errorf("FindBypass(nil) = %d", got)
	}
}
