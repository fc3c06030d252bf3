// Package demo holds what chant demo lays into a fresh git repository: a small
// Go project with the bug of issue 42, and what a person writes in each of the
// six phases that lead from the report to the fix. It has content only; the
// engine drives it as it drives any project.
package demo

import "io/fs"

// Step is the work of one phase.
type Step struct {
	Spec   string // the id of the phase's spec, which Base holds
	Title  string // the phase in one or two words
	Says   string // one sentence: what the person does now
	Files  fs.FS  // what the phase writes, over what is there; slash-separated below the project's root
	Attest []Attestation
}

// Attestation is a person's word for a criterion that no command decides.
type Attestation struct {
	Criterion int // counts from 1, as in the spec
	Note      string
}

// Base is the project as it was when the bug was reported, with its six specs,
// all pending.
func Base() fs.FS { return layer("base") }

// Steps are the phases in order. Each builds on the files of those before it.
func Steps() []Step {
	return []Step{
		{
			Spec:  "001-comprehension",
			Title: "Comprehension",
			Says:  "Read the report, say what is wrong and what should happen, and list three guesses that can be tested.",
			Files: layer("001-comprehension"),
		},
		{
			Spec:  "002-reproduction",
			Title: "Reproduction",
			Says:  "Write a test that loses the update every time, and see it fail for that reason 20 times of 20.",
			Files: layer("002-reproduction"),
		},
		{
			Spec:  "003-root-cause",
			Title: "Root cause",
			Says:  "Confirm one guess, rule out the others, and quote the lines of code that show it.",
			Files: layer("003-root-cause"),
		},
		{
			Spec:  "004-impact-map",
			Title: "Impact map",
			Says:  "List every place that the bug reaches, before the code is touched.",
			Files: layer("004-impact-map"),
		},
		{
			Spec:  "005-fix",
			Title: "Fix",
			Says:  "Add the lock, and see the same test pass 20 times of 20.",
			Files: layer("005-fix"),
		},
		{
			Spec:  "006-upstream-pr",
			Title: "Pull request",
			Says:  "Write the pull request, and have a maintainer read it.",
			Files: layer("006-upstream-pr"),
			Attest: []Attestation{
				{Criterion: 3, Note: "Read it; the evidence matches the text."},
			},
		},
	}
}

// Twist is another way for the story to go: a fix phase that chant sees through
// takes the place of the one in Steps, and the story ends there.
type Twist struct {
	Meanwhile *Commit // what somebody else commits before the fix; nil for nothing
	Fix       Step
}

// Commit is somebody's work outside the phases.
type Commit struct {
	Says    string
	Message string
	Files   fs.FS
}

// Tampered is the story of a fix that rewrites the test.
func Tampered() Twist {
	return Twist{Fix: Step{
		Spec:  "005-fix",
		Title: "Fix, by somebody who rewrites the test",
		Says:  "Read the value back after the write, and have the test run its writers one after the other. It passes 20 times of 20.",
		Files: layer("tampered"),
	}}
}

// Unrelated is the story of a fix that changes something else, while the bug
// goes away by somebody else's hand.
func Unrelated() Twist {
	return Twist{
		Meanwhile: &Commit{
			Says:    "A colleague gives the store a lock, for a reason of their own.",
			Message: "store: writers take turns",
			Files:   layer("005-fix"),
		},
		Fix: Step{
			Spec:  "005-fix",
			Title: "Fix, of something else",
			Says:  "Add a lock to the profiles, and see the same test pass 20 times of 20. So it would without that lock.",
			Files: layer("unrelated"),
		},
	}
}
