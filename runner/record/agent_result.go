package record

import "time"

// AgentStatus says how an agent's run ended.
type AgentStatus string

// The statuses. Only AgentOK says that the agent came to an end that it calls good;
// what it did is for the checks to say.
const (
	AgentOK         AgentStatus = "ok"
	AgentFailed     AgentStatus = "error"   // exited with another status than 0, or says itself that it failed
	AgentTimedOut   AgentStatus = "timeout" // did not end in time
	AgentIdle       AgentStatus = "idle"    // printed nothing for too long
	AgentCancelled  AgentStatus = "cancelled"
	AgentKilled     AgentStatus = "killed" // by a signal that chant did not send
	AgentNotStarted AgentStatus = "not_started"
)

// AgentResult is what an agent's run gave. It is kept as evidence: fields are only
// ever added.
type AgentResult struct {
	Agent         string      `json:"agent"`
	Status        AgentStatus `json:"status"`
	Reason        string      `json:"reason"` // why, on one line; "" for AgentOK
	Exit          int         `json:"exit"`   // -1 where there is none
	Signal        string      `json:"signal"` // that ended it
	Started       time.Time   `json:"started,omitzero"`
	DurationMS    int64       `json:"duration_ms"`
	ModelAsked    string      `json:"model_asked"`
	ModelReported string      `json:"model_reported"`
	CostUSD       float64     `json:"cost_usd"`   // as reported; 0 where nothing is
	TokensIn      int64       `json:"tokens_in"`  // likewise, with cached ones
	TokensOut     int64       `json:"tokens_out"` // likewise
	Denied        int         `json:"denied"`     // uses of tools that were not permitted, as reported
	Left          int         `json:"left"`       // processes that it left behind and that were ended
	FinalText     string      `json:"final_text"` // its last word; "" where its output does not tell that apart
	// Transcript is what it said and did, for a person to read: head and tail,
	// masked, without characters that control a terminal or hide text.
	Transcript   string `json:"transcript"`
	OutputDigest string `json:"output_digest"` // sha256 of the whole transcript, masked by Secrets
}
