package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"chant/runner/record"
)

// The types of a proof's statement. An incompatible change of the predicate gets
// a new version number.
const (
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "urn:chant:fix-proof:v1"
)

// statement is an in-toto Statement v1 (in-toto/attestation, spec/v1) about the
// head commit of proofs.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

// subject is a git object.
type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type predicate struct {
	Proofs []attestedProof `json:"proofs"`
}

// attestedProof is a proof as in --json, but with digests in place of the
// commands' output.
type attestedProof struct {
	record.Proof
	Cells []attestedCell `json:"cells"`
}

type attestedCell struct {
	record.Cell
	Output *string `json:"output,omitempty"` // always nil: hides record.Cell.Output
}

// newStatement returns the statement of proofs that have the same head commit.
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

// encode returns the bytes of a statement, which are signed.
func (st statement) encode() ([]byte, error) {
	var b bytes.Buffer
	err := writeJSON(&b, st)
	return b.Bytes(), err
}

// proofs returns the proofs of a statement.
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

// errNoProof is returned for a file that is not the statement of a proof.
var errNoProof = errors.New("not a proof that chant prove --attest wrote")

// readStatement reads the bytes of a statement. It ignores unknown fields, as
// in-toto requires.
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
