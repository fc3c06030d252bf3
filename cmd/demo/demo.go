// Package demo holds the contents of chant demo: a small Go project with the bug
// of issue 42, and the files that a person writes in each of the six phases from
// the report to the fix.
package demo

import (
	"embed"
	"strings"

	"golang.org/x/tools/txtar"
)

// archives are txtar archives: as files of their own, go.mod and the Go files
// would be a module that is never embedded. Above the files, the archive of a phase
// has the lines Title and Says of its Step.
//
//go:embed files/*.txtar
var archives embed.FS

// File is a file with its content. Its name is slash-separated and relative to
// the repository.
type File = txtar.File

// open returns an archive, which is part of this program.
func open(name string) *txtar.Archive {
	src, err := archives.ReadFile("files/" + name + ".txtar")
	if err != nil {
		panic(err)
	}
	return txtar.Parse(src)
}

// Step is the work of one phase.
type Step struct {
	Spec   string // the id of the phase's spec, which is in Base
	Title  string // the phase in one or two words
	Says   string // one line: what the person does now
	Files  []File // what the phase writes
	Attest []Attestation
}

// Attestation is a person's attestation of a manual criterion.
type Attestation struct {
	Criterion int // counts from 1, as in the spec
	Note      string
}

// step returns the work of a spec's phase from an archive.
func step(spec, archive string, attest ...Attestation) Step {
	a := open(archive)
	title, says, _ := strings.Cut(string(a.Comment), "\n")
	return Step{spec, title, strings.TrimSpace(says), a.Files, attest}
}

// Base returns the project as it was when the bug was reported, with its six
// pending specs.
func Base() []File { return open("base").Files }

// Steps returns the phases in order. The files of each are written over those of
// the phases before it.
func Steps() []Step {
	var steps []Step
	for _, spec := range []string{"001-comprehension", "002-reproduction", "003-root-cause", "004-impact-map", fix} {
		steps = append(steps, step(spec, spec))
	}
	const last = "006-upstream-pr"
	return append(steps, step(last, last, Attestation{3, "Read it; the evidence matches the text."}))
}

const fix = "005-fix"

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
func Tampered() Variant { return Variant{Fix: step(fix, "tampered")} }

// Unrelated returns the variant in which the fix changes something else, and
// somebody else fixes the bug.
func Unrelated() Variant {
	return Variant{
		&Commit{"A colleague gives the store a lock, for another reason.", "store: writers take turns", open(fix).Files},
		step(fix, "unrelated"),
	}
}
