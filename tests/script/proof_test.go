package script

import (
	"encoding/json"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

func sameProof(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sameproof file file")
	}
	if diff := cmp.Diff(proofsIn(ts, args[0]), proofsIn(ts, args[1])); diff != "" {
		ts.Fatalf("the proofs differ (-first +second):\n%s", diff)
	}
}

func proofsIn(ts *testscript.TestScript, file string) any {
	var v any
	ts.Check(json.NewDecoder(strings.NewReader(ts.ReadFile(file))).Decode(&v))
	forget(v, "started", "duration_ms", "log_digest", "commit")
	return v
}

// forget takes fields out of a JSON value, at every depth.
func forget(v any, fields ...string) {
	switch v := v.(type) {
	case map[string]any:
		for _, field := range fields {
			delete(v, field)
		}
		for _, inner := range v {
			forget(inner, fields...)
		}
	case []any:
		for _, inner := range v {
			forget(inner, fields...)
		}
	}
}
