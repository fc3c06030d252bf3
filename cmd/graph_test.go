package cmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chant/runner"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	p, live := board(t)
	specs, err := below(p.Set, []string{"003"})
	if err != nil {
		t.Fatal(err)
	}
	v := graphOf(p.Set, live, specs)
	for name, tt := range map[string]struct {
		show func(*screen)
		want string
	}{
		"text": {v.text, `✓  001  completed
✗  002  failed     ← 001
·  003  blocked    ← 002
`},
		"mermaid": {v.mermaid, `flowchart TD
  s1["001<br/>completed"]
  s2["002<br/>failed"]
  s1 --> s2
  s3["003<br/>blocked"]
  s2 --> s3
`},
		"dot": {v.dot, `digraph chant {
  s1 [label="001\ncompleted"];
  s2 [label="002\nfailed"];
  s1 -> s2;
  s3 [label="003\nblocked"];
  s2 -> s3;
}
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			tt.show(newScreen(&b, nil))
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("graph (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGraphOfHostileIDs(t *testing.T) {
	t.Parallel()
	p := projectOf(t, map[string]string{".chant/specs/a\"]<b>#1;\x1b[2J\\.md": "# T\n"})
	v := graphOf(p.Set, runner.Live{}, p.Set.Order())
	var mermaid, dot strings.Builder
	v.mermaid(newScreen(&mermaid, nil))
	v.dot(newScreen(&dot, nil))
	if want := "flowchart TD\n  s1[\"a#quot;]#lt;b#gt;#35;1;^[[2J\\<br/>ready\"]\n"; mermaid.String() != want {
		t.Errorf("mermaid: got %q, want %q", mermaid.String(), want)
	}
	if want := "digraph chant {\n  s1 [label=\"a\\\"]<b>#1;\\x1b[2J\\\\\\nready\"];\n}\n"; dot.String() != want {
		t.Errorf("dot: got %q, want %q", dot.String(), want)
	}
}

func TestGraphJSON(t *testing.T) {
	t.Parallel()
	p, live := board(t)
	var b strings.Builder
	if err := writeJSON(&b, graphOf(p.Set, live, p.Set.Order()[:2])); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantGraphJSON, b.String()); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

const wantGraphJSON = `{
  "schema": "chant.graph/v1",
  "specs": [
    {
      "id": "000",
      "state": "completed",
      "dependencies": []
    },
    {
      "id": "001",
      "state": "completed",
      "dependencies": []
    }
  ]
}
`

func TestGraphRefusesFormats(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	a := &App{Out: &out, Dir: t.TempDir()}
	if err := a.graph(t.Context(), nil, "svg"); err == nil || out.Len() > 0 {
		t.Errorf("error %v, stdout %q", err, out.String())
	}
}
