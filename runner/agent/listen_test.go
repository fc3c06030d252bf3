package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chant/runner/process"
	"chant/spec"
)

// told is what became of an output.
type told struct {
	Transcript, Final, Model string
	Cost                     float64
	In, Out                  int64
	Denied                   int
	Failed                   bool
	Complaint                string
}

// printing is a job of an agent that prints that form.
func printing(form spec.AgentOutput) Job { return Job{Agent: Agent{Agent: spec.Agent{Output: form}}} }

// heard gives what becomes of stdout in those pieces.
func heard(job Job, pieces ...[]byte) told {
	var c process.Command
	l := listen(job, &c, time.NewTimer(limit))
	for _, p := range pieces {
		fmt.Fprintf(c.Output, "%s", p)
	}
	r := l.close()
	return told{r.Transcript, r.FinalText, r.ModelReported, r.CostUSD, r.TokensIn, r.TokensOut, r.Denied, l.failed, l.complaint}
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// fixtures are whole outputs with what they tell.
func fixtures() map[string]struct {
	form spec.AgentOutput
	want told
} {
	return map[string]struct {
		form spec.AgentOutput
		want told
	}{
		"claude.jsonl": {spec.OutputClaude, told{
			Transcript: "I'll look at the lock.\nThen I'll fix it.\n[tool] Bash: go test ./...\n" +
				"[tool failed] This command requires approval\n[tool] Edit: storage/lock.go\nFixed.\n",
			Final: "Fixed.", Model: "claude-sonnet-4-5", Cost: 0.0421, In: 2112, Out: 345, Denied: 1,
		}},
		"claude-login.jsonl": {spec.OutputClaude, told{
			Transcript: "Invalid API key · Please run /login\n", Final: "Invalid API key · Please run /login",
			Model: "claude-sonnet-4-5", Failed: true, Complaint: "Invalid API key · Please run /login",
		}},
		"claude-turns.jsonl": {spec.OutputClaude, told{
			Transcript: "[error] error_max_turns\n", Model: "claude-sonnet-4-5", Cost: 0.5, In: 1, Out: 2, Failed: true, Complaint: "error_max_turns",
		}},
		"amp.jsonl": {spec.OutputClaude, told{
			Transcript: "[tool] edit_file: /work/a.go\n[error] out of credits\n", Failed: true, Complaint: "out of credits",
		}},
		"cursor.jsonl": {spec.OutputClaude, told{
			Transcript: "[tool] read: lock.go\n[tool] shell: rm -r /work\nIt reads well.\n",
			Final:      "It reads well.", Model: "Auto", Denied: 1,
		}},
		"codex.jsonl": {spec.OutputCodex, told{
			Transcript: "[error] Reconnecting... 1/5\n[tool] shell: bash -lc 'go test ./...'\n[tool failed] FAIL\n" +
				"[tool] shell: git push\n[tool declined] git push\n[tool] edit: lock.go lock_test.go\n" +
				"[tool] docs.search: flock\n[tool failed] no such index\n[tool] search: flock close semantics\n" +
				"[error] model metadata not found\nFixed.\n",
			Final: "Fixed.", In: 24763, Out: 122, Denied: 1,
		}},
		"codex-failed.jsonl": {spec.OutputCodex, told{
			Transcript: "[error] stream disconnected\n[error] stream disconnected before completion\n",
			Failed:     true, Complaint: "stream disconnected before completion",
		}},
		"gemini.jsonl": {spec.OutputGemini, told{
			Transcript: "I'll read it.\n[tool] read_file: lock.go\n[tool failed] File not found: lock.go\n" +
				"[error] Loop detected\nThere is no such file.\n",
			Final: "There is no such file.", Model: "gemini-2.5-pro", In: 200, Out: 30,
		}},
		"gemini-failed.jsonl": {spec.OutputGemini, told{
			Transcript: "[error] Reached max session turns\n", Model: "gemini-2.5-pro",
			In: 2, Out: 1, Failed: true, Complaint: "Reached max session turns",
		}},
		"opencode.jsonl": {spec.OutputOpencode, told{
			Transcript: "I'll look.\n[tool] bash: ls\n[tool] edit: /etc/passwd\n[tool failed] Error: permission rejected\nDone.\n",
			Final:      "Done.", Cost: 0.75, In: 131, Out: 8,
		}},
		"opencode-failed.jsonl": {spec.OutputOpencode, told{
			Transcript: "[error] Unauthorized\n", Failed: true, Complaint: "Unauthorized",
		}},
	}
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	for name, tt := range fixtures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := fixture(t, name)
			if diff := cmp.Diff(tt.want, heard(printing(tt.form), data)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSplits: how the output is cut into writes changes nothing.
func TestSplits(t *testing.T) {
	t.Parallel()
	for name, tt := range fixtures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := fixture(t, name)
			for at := range data {
				if diff := cmp.Diff(tt.want, heard(printing(tt.form), data[:at], data[at:])); diff != "" {
					t.Fatalf("cut at %d (-want +got):\n%s", at, diff)
				}
			}
			if diff := cmp.Diff(tt.want, heard(printing(tt.form), bytes.SplitAfter(data, nil)...)); diff != "" {
				t.Errorf("in single characters (-want +got):\n%s", diff)
			}
			crlf := bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
			if diff := cmp.Diff(tt.want, heard(printing(tt.form), crlf)); diff != "" {
				t.Errorf("with CRLF (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotUnderstood(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		form  spec.AgentOutput
		input string
		want  told
	}{
		{"text", spec.OutputText, "a\r\n{\"type\":\"result\",\"is_error\":true}\n\n b", told{Transcript: "a\n{\"type\":\"result\",\"is_error\":true}\n\n b"}},
		{"no JSON", spec.OutputClaude, "Error: no network\n\n{\"type\":\n[]\nnull\n", told{Transcript: "Error: no network\n\n{\"type\":\n[]\nnull\n"}},
		{"JSON cut off", spec.OutputClaude, `{"type":"result","is_error":true`, told{Transcript: "{\"type\":\"result\",\"is_error\":true\n"}},
		{"unknown event", spec.OutputCodex, `{"type":"future","item":{"type":"agent_message","text":"x"}}`, told{Transcript: "{\"type\":\"future\",\"item\":{\"type\":\"agent_message\",\"text\":\"x\"}}\n"}},
		{"unknown block", spec.OutputClaude, `{"type":"assistant","message":{"content":[{"type":"text","text":"hi"},{"type":"image"}]}}`, told{
			Transcript: "hi\n{\"type\":\"image\"}\n", Final: "hi",
		}},
		{"message as a string", spec.OutputClaude, `{"type":"assistant","message":{"content":"hi"}}`, told{Transcript: "hi\n", Final: "hi"}},
		// What is wrong in one place does not take back that the agent failed.
		{"wrong type", spec.OutputClaude, `{"type":"result","total_cost_usd":"a lot","is_error":true,"result":"no"}`, told{
			Transcript: "no\n", Final: "no", Failed: true, Complaint: "no",
		}},
		{"numbers that are none", spec.OutputClaude, `{"type":"result","total_cost_usd":-4,"usage":{"input_tokens":-1,"output_tokens":9223372036854775807}}`, told{Out: 1 << 53}},
		{"invalid UTF-8", spec.OutputGemini, "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"\xff\"}\nn\xe4chste\n", told{
			Transcript: "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"\uFFFD\"}\nn\uFFFDchste\n",
		}},
		{"control characters", spec.OutputText, "\x1b[31mred\x1b[0m\x00\x07\u202e\u009b\n", told{Transcript: "^[[31mred^[[0m^@^G<U+202E><U+009B>\n"}},
		{"control characters in JSON", spec.OutputCodex, `{"type":"item.completed","item":{"type":"agent_message","text":"\u001b]0;x\u0007\u0000"}}`, told{
			Transcript: "^[]0;x^G^@\n", Final: "^[]0;x^G^@",
		}},
		{"echo of the prompt", spec.OutputClaude, `{"type":"user","message":{"role":"user","content":"the prompt"}}`, told{}},
		{"whole message", spec.OutputGemini, `{"type":"message","role":"assistant","content":"all of it"}`, told{Transcript: "all of it\n", Final: "all of it"}},
		{"unknown arguments", spec.OutputGemini, `{"type":"tool_use","tool_name":"x","parameters":{"n":1}}` + "\n" + `{"type":"tool_use","tool_name":"y","parameters":{}}` + "\n" + `{"type":"tool_use","tool_name":"z","parameters":["a"]}`, told{
			Transcript: "[tool] x: {\"n\":1}\n[tool] y: {}\n[tool] z: a\n",
		}},
		{"failure in blocks", spec.OutputClaude, `{"type":"user","message":{"content":[{"type":"tool_result","is_error":true,"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}}`, told{Transcript: "[tool failed] a b\n"}},
		{"unknown item", spec.OutputCodex, `{"type":"item.completed","item":{"type":"new"}}`, told{Transcript: "{\"type\":\"item.completed\",\"item\":{\"type\":\"new\"}}\n"}},
		{"text after a piece", spec.OutputGemini, "{\"type\":\"message\",\"role\":\"assistant\",\"delta\":true,\"content\":\"half\"}\nwarning\n", told{Transcript: "half\nwarning\n", Final: "half"}},
		{"nested too deep", spec.OutputClaude, strings.Repeat(`{"message":`, 12000), told{Transcript: strings.Repeat(`{"message":`, 12000) + "\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, heard(printing(tt.form), []byte(tt.input))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLongLines: a line of 5 MB is read; one that is too long to hold is kept
// as text, and what follows it is read.
func TestLongLines(t *testing.T) {
	t.Parallel()
	long := fmt.Appendf(nil, `{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}`+"\n", strings.Repeat("x", 5<<20))
	got := heard(printing(spec.OutputCodex), long)
	if !strings.HasPrefix(got.Transcript, "xxx") || !strings.HasPrefix(got.Final, "xxx") || len(got.Final) > 2*keepFinal {
		t.Errorf("transcript %.20q…, final %.20q… of %d bytes", got.Transcript, got.Final, len(got.Final))
	}
	tooLong := append(bytes.Repeat([]byte("y"), maxLine+1), '\n')
	end := []byte(`{"type":"turn.failed","error":{"message":"no"}}`)
	for name, pieces := range map[string][][]byte{
		"at once":   {append(tooLong, end...)},
		"in pieces": {tooLong[:100], tooLong[100:maxLine], tooLong[maxLine:], end},
	} {
		got := heard(printing(spec.OutputCodex), pieces...)
		if !strings.HasPrefix(got.Transcript, "yyy") || !strings.HasSuffix(got.Transcript, "yyy\n[error] no\n") || !got.Failed {
			t.Errorf("%s: transcript %.20q… to …%q, failed %v", name, got.Transcript, got.Transcript[len(got.Transcript)-20:], got.Failed)
		}
	}
}

// TestSecrets: no secret is left in anything that is kept, however it came.
func TestSecrets(t *testing.T) {
	t.Parallel()
	const secret = `to"ken/é12345`
	inJSON := `to\"ken/é12345`
	long := strings.Repeat("x", maxShown-len("[tool] Bash: ")+6)
	tests := []struct {
		name  string
		form  spec.AgentOutput
		input string
		want  told
	}{
		{"text", spec.OutputText, "a " + secret + " pass-1 b", told{Transcript: "a *** *** b"}},
		{"raw JSON", spec.OutputClaude, `{"type":"new","key":"` + inJSON + `"}`, told{Transcript: "{\"type\":\"new\",\"key\":\"***\"}\n"}},
		{"said", spec.OutputCodex, `{"type":"item.completed","item":{"type":"agent_message","text":"` + inJSON + ` pass-2"}}`, told{Transcript: "*** ***\n", Final: "*** ***"}},
		{"in pieces", spec.OutputGemini,
			`{"type":"message","role":"assistant","delta":true,"content":"to\"k"}` + "\n" + `{"type":"message","role":"assistant","delta":true,"content":"en/é12345."}`,
			told{Transcript: "***.\n", Final: "***."}},
		{"where a line is cut", spec.OutputClaude,
			`{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{"command":"` + long[:len(long)-9] + inJSON + `"}}]}}`,
			told{Transcript: "[tool] Bash: " + long[:len(long)-9] + "***\n"}},
		{"model", spec.OutputGemini, `{"type":"init","model":"pass-3"}`, told{Model: "***"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := printing(tt.form)
			job.Secrets, job.Patterns = []string{secret}, []*regexp.Regexp{regexp.MustCompile(`pass-\d+`)}
			if diff := cmp.Diff(tt.want, heard(job, []byte(tt.input))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOrder: what is no event is in the transcript whole, once, and in order
// with the words of the events, whatever the pieces that it comes in.
func TestOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var input, want []byte
		for i := range rapid.IntRange(0, 20).Draw(t, "lines") {
			text := fmt.Sprintf("line %d", i)
			input = fmt.Appendf(input, rapid.SampledFrom([]string{
				"%s\n", "%s\r\n",
				`{"type":"item.completed","item":{"type":"agent_message","text":"%s"}}` + "\n",
			}).Draw(t, "as"), text)
			want = append(want, text+"\n"...)
		}
		var pieces [][]byte
		for len(input) > 0 {
			n := rapid.IntRange(1, len(input)).Draw(t, "piece")
			pieces, input = append(pieces, input[:n]), input[n:]
		}
		if got := heard(printing(spec.OutputCodex), pieces...).Transcript; got != string(want) {
			t.Fatalf("transcript %q, want %q", got, want)
		}
	})
}

// FuzzListen: whatever is printed, all lines that are no JSON object are in the
// transcript, whole and in the order printed; it and all else are valid UTF-8
// without characters that control a terminal; and no reader adds what was not
// printed to a text of which none is an event.
func FuzzListen(f *testing.F) {
	for name := range fixtures() {
		f.Add(fixture(f, name))
	}
	f.Add([]byte("\xff\xff0"))
	f.Add([]byte("no\n{\"type\":\"result\"\n{\"type\":\"x\"}\n\x1b[1m\xff\r\n\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 || len(input) > keepHead {
			return // the transcript would be empty, or not whole
		}
		var raw [][]byte
		for line := range bytes.SplitSeq(bytes.TrimSuffix(input, []byte("\n")), []byte("\n")) {
			line = bytes.TrimSuffix(line, []byte("\r"))
			if !bytes.HasPrefix(bytes.TrimLeft(line, " \t\r"), []byte("{")) {
				raw = append(raw, []byte(clean(string(line))))
			}
		}
		onlyRaw := string(bytes.Join(append(raw, nil), []byte("\n")))
		for _, form := range []spec.AgentOutput{spec.OutputClaude, spec.OutputCodex, spec.OutputGemini, spec.OutputOpencode} {
			got := heard(printing(form), input)
			rest := got.Transcript
			for _, line := range raw {
				_, after, found := strings.Cut(rest, string(line)+"\n")
				if !found {
					t.Fatalf("%s: line %q of %q is not in %q", form, line, input, got.Transcript)
				}
				rest = after
			}
			if !bytes.ContainsRune(input, '{') && got.Transcript != onlyRaw {
				t.Errorf("%s: transcript %q, want %q", form, got.Transcript, onlyRaw)
			}
			for _, text := range []string{got.Transcript, got.Final, got.Model} {
				if !utf8.ValidString(text) || spec.Visible(text) != text {
					t.Errorf("%s: %q", form, text)
				}
			}
		}
	})
}

// clean gives a line as a transcript holds it.
func clean(line string) string {
	return readable(line)
}
