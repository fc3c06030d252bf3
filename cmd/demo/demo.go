// Package demo holds the contents of chant demo: a small Go project with the bug
// of issue 42, and the files that a person writes in each of the six phases from
// the report to the fix.
package demo

import (
	_ "embed"

	"golang.org/x/tools/txtar"
)

// The files are in txtar archives: as files of their own, go.mod and the Go files
// would be a module that is never embedded.
var (
	//go:embed files/base.txtar
	base []byte
	//go:embed files/001-comprehension.txtar
	comprehension []byte
	//go:embed files/002-reproduction.txtar
	reproduction []byte
	//go:embed files/003-root-cause.txtar
	rootCause []byte
	//go:embed files/004-impact-map.txtar
	impactMap []byte
	//go:embed files/005-fix.txtar
	fix []byte
	//go:embed files/006-upstream-pr.txtar
	upstreamPR []byte
	//go:embed files/tampered.txtar
	tampered []byte
	//go:embed files/unrelated.txtar
	unrelated []byte
)

// File is a file with its content. Its name is slash-separated and relative to
// the repository.
type File = txtar.File

func files(archive []byte) []File { return txtar.Parse(archive).Files }

// Step is the work of one phase.
type Step struct {
	Spec   string // the id of the phase's spec, which is in Base
	Title  string // the phase in one or two words
	Says   string // one sentence: what the person does now
	Files  []File // what the phase writes
	Attest []Attestation
}

// Attestation is a person's attestation of a manual criterion.
type Attestation struct {
	Criterion int // counts from 1, as in the spec
	Note      string
}

// Base returns the project as it was when the bug was reported, with its six
// pending specs.
func Base() []File { return files(base) }

// Steps returns the phases in order. The files of each are written over those of
// the phases before it.
func Steps() []Step {
	return []Step{
		{
			Spec:  "001-comprehension",
			Title: "Comprehension",
			Says:  "Read the report, say what is wrong and what should happen, and list three hypotheses that can be tested.",
			Files: files(comprehension),
		},
		{
			Spec:  "002-reproduction",
			Title: "Reproduction",
			Says:  "Write a test that loses the update every time, and see it fail for that reason 20 times of 20.",
			Files: files(reproduction),
		},
		{
			Spec:  "003-root-cause",
			Title: "Root cause",
			Says:  "Confirm one hypothesis, rule out the others, and quote the lines of code that show it.",
			Files: files(rootCause),
		},
		{
			Spec:  "004-impact-map",
			Title: "Impact map",
			Says:  "List every place in the code that the bug affects, before the code is changed.",
			Files: files(impactMap),
		},
		{
			Spec:  "005-fix",
			Title: "Fix",
			Says:  "Add the lock, and see the same test pass 20 times of 20.",
			Files: files(fix),
		},
		{
			Spec:  "006-upstream-pr",
			Title: "Pull request",
			Says:  "Write the pull request, and have a maintainer read it.",
			Files: files(upstreamPR),
			Attest: []Attestation{
				{Criterion: 3, Note: "Read it; the evidence matches the text."},
			},
		},
	}
}

// Variant is a demo with a bogus fix: its fix phase replaces the one in Steps,
// chant finds out, and the demo ends there.
type Variant struct {
	Meanwhile *Commit // what somebody else commits before the fix; nil for nothing
	Fix       Step
}

// Commit is a commit outside the phases.
type Commit struct {
	Says    string
	Message string
	Files   []File
}

// Tampered returns the variant in which the fix rewrites the test.
func Tampered() Variant {
	return Variant{Fix: Step{
		Spec:  "005-fix",
		Title: "A fix that rewrites the test",
		Says: "Read the value back after the write, and let the test run its writers one after the other. " +
			"It passes 20 times of 20.",
		Files: files(tampered),
	}}
}

// Unrelated returns the variant in which the fix changes something else, and
// somebody else fixes the bug.
func Unrelated() Variant {
	return Variant{
		Meanwhile: &Commit{
			Says:    "A colleague gives the store a lock, for another reason.",
			Message: "store: writers take turns",
			Files:   files(fix),
		},
		Fix: Step{
			Spec:  "005-fix",
			Title: "A fix of something else",
			Says: "Add a lock to the profiles, and see the same test pass 20 times of 20. " +
				"It would pass without that lock too.",
			Files: files(unrelated),
		},
	}
}
