package project

// UsageError is an error in what the user asked for.
type UsageError struct {
	Msg  string
	Mend string // what to do instead; may be empty
}

// Error returns the message.
func (u *UsageError) Error() string { return u.Msg }

// Hint returns what to do instead.
func (u *UsageError) Hint() string { return u.Mend }
