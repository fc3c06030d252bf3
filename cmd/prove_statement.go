package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"chant/runner/record"
)

// The types of a proof's statement. A change of the predicate that an old
// reader would misread gets a new number.
const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "urn:chant:fix-proof:v1"
)

// statement is an in-toto Statement v1 (in-toto/attestation, spec/v1) about the
// head of one or more proofs.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

// subject is a git object that the statement is about.
type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type predicate struct {
	Proofs []attestedProof `json:"proofs"`
}

// attestedProof is a proof as --json gives it, without what the commands
// printed: that is there by its digest.
type attestedProof struct {
	record.Proof
	Cells []attestedCell `json:"cells"`
}

type attestedCell struct {
	record.Cell
	Output *string `json:"output,omitempty"` // never set; hides the cell's
}

// newStatement makes the statement of proofs, which have one head: a commit.
func newStatement(proofs []record.Proof) statement {
	head := proofs[0].Head
	st := statement{
		Type:          statementType,
		PredicateType: predicateType,
		Subject: []subject{
			{"head", map[string]string{"gitCommit": head.Commit}},
			{"tree of head", map[string]string{"gitTree": head.Tree}},
		},
		Predicate: predicate{Proofs: []attestedProof{}},
	}
	for _, p := range proofs {
		one := attestedProof{Proof: p, Cells: []attestedCell{}}
		for _, c := range p.Cells {
			one.Cells = append(one.Cells, attestedCell{Cell: c})
		}
		st.Predicate.Proofs = append(st.Predicate.Proofs, one)
	}
	return st
}

// encode returns the bytes of a statement, which are what a signature is of.
func (st statement) encode() ([]byte, error) {
	var b bytes.Buffer
	err := writeJSON(&b, st)
	return b.Bytes(), err
}

// proofs returns the proofs of a statement that was read.
func (st statement) proofs() []record.Proof {
	var list []record.Proof
	for _, one := range st.Predicate.Proofs {
		p := one.Proof
		p.Cells = nil
		for _, c := range one.Cells {
			p.Cells = append(p.Cells, c.Cell)
		}
		list = append(list, p)
	}
	return list
}

// errNoProof is returned for a file that is no statement of a proof.
var errNoProof = errors.New("not a proof that chant prove --attest wrote")

// readStatement reads the bytes of a statement. Fields that it does not know
// are left out, as in-toto asks of a reader.
func readStatement(data []byte) (statement, error) {
	var st statement
	if err := json.Unmarshal(data, &st); err != nil {
		return st, fmt.Errorf("%w: %w", errNoProof, err)
	}
	if st.Type != statementType || st.PredicateType != predicateType || len(st.Predicate.Proofs) == 0 {
		return st, errNoProof
	}
	return st, nil
}
