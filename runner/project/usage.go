package project

// UsageError is a request that makes no sense for the spec it names.
type UsageError struct {
	Msg string
	// Mend is the way to ask right; it may be empty.
	Mend string
}

// Error gives the message.
func (u *UsageError) Error() string { return u.Msg }

// Hint gives the mend.
func (u *UsageError) Hint() string { return u.Mend }
