package record

import "time"

// AgentStatus is how an agent's run ended.
type AgentStatus string

// The statuses. AgentOK says only that the agent ended without an error; the checks decide
// about its work.
const (
	AgentOK         AgentStatus = "ok"
	AgentFailed     AgentStatus = "error"   // its exit code is not 0, or it reports that it failed
	AgentTimedOut   AgentStatus = "timeout" // did not end within the timeout
	AgentIdle       AgentStatus = "idle"    // printed nothing within the idle timeout
	AgentCancelled  AgentStatus = "cancelled"
	AgentKilled     AgentStatus = "killed" // by a signal that chant did not send
	AgentNotStarted AgentStatus = "not_started"
)

// AgentResult is the result of an agent's run. It is part of Evidence, so fields may be
// added but not changed.
type AgentResult struct {
	Agent         string      `json:"agent"`
	Status        AgentStatus `json:"status"`
	Reason        string      `json:"reason"` // why, on one line; for AgentOK "", or that chant ended it after its result
	Exit          int         `json:"exit"`   // -1 if there is none
	Signal        string      `json:"signal"` // that ended it
	Started       time.Time   `json:"started,omitzero"`
	DurationMS    int64       `json:"duration_ms"`
	ModelAsked    string      `json:"model_asked"`
	ModelReported string      `json:"model_reported"`
	CostUSD       float64     `json:"cost_usd"`   // as reported; 0 if it is not
	TokensIn      int64       `json:"tokens_in"`  // likewise, including cached ones
	TokensOut     int64       `json:"tokens_out"` // likewise
	Denied        int         `json:"denied"`     // tool uses that were denied, as reported
	Left          int         `json:"left"`       // processes that it left behind and that were killed
	FinalText     string      `json:"final_text"` // its last message; "" if its output does not show which that is
	// Transcript is what it said and did, for a person to read: head and tail, masked,
	// without control characters and invisible characters.
	Transcript   string `json:"transcript"`
	OutputDigest string `json:"output_digest"` // sha256 of the whole transcript, masked
}
