package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"chant/runner/process"
	"chant/runner/project"
	"chant/runner/record"
	"chant/storage/atomicfile"
)

// namespace is the namespace of a proof's signature: it is not valid for anything
// else, such as a git commit (ssh-keygen(1), -Y sign).
const namespace = "chant-proof"

// signatureOf returns the name of a file's signature.
func signatureOf(file string) string { return file + ".sig" }

// keygen runs ssh-keygen, OpenSSH's program for keys and signatures.
type keygen struct {
	processes process.Runner
	env       []string
	dir       string
}

// run returns the output of ssh-keygen and its exit code.
func (k keygen) run(ctx context.Context, stdin []byte, args ...string) (string, int, error) {
	out := process.NewBuffer(64<<10, 64<<10)
	res := k.processes.Run(ctx, process.Command{
		Argv: append([]string{"ssh-keygen"}, args...), Dir: k.dir, Env: k.env,
		Stdin: bytes.NewReader(stdin), Output: out,
	})
	switch {
	case res.Cancelled:
		return "", 0, context.Cause(ctx)
	case errors.Is(res.Err, exec.ErrNotFound):
		return "", 0, fmt.Errorf("%w (install OpenSSH 8.1 or newer)", res.Err)
	case res.Err != nil:
		return "", 0, res.Err
	}
	return out.String(), res.Exit, nil
}

// sign returns the armored signature of data by the key in a file. A key with a
// passphrase has to be in the ssh-agent, because nobody can be asked for it.
func (k keygen) sign(ctx context.Context, key string, data []byte) ([]byte, error) {
	out, exit, err := k.run(ctx, data, "-Y", "sign", "-f", key, "-n", namespace)
	if err != nil {
		return nil, fmt.Errorf("signing the proof: %w", err)
	}
	const begin, end = "-----BEGIN SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\n"
	_, rest, found := strings.Cut(out, begin)
	body, _, ended := strings.Cut(rest, end)
	if exit != 0 || !found || !ended {
		return nil, fmt.Errorf("signing the proof with %s: ssh-keygen: exit %d: %s", key, exit, collapse(out))
	}
	return []byte(begin + body + end), nil
}

// signers returns the allowed signers with the key of a signature.
func (k keygen) signers(ctx context.Context, allowed, signature string, data []byte) ([]string, error) {
	out, exit, err := k.run(ctx, data, "-Y", "find-principals", "-f", allowed, "-s", signature)
	if err != nil || exit != 0 {
		return nil, err // a non-zero exit code means that there are none
	}
	return strings.Fields(out), nil
}

// signedBy reports whether a signature of data is valid and made by signer.
func (k keygen) signedBy(ctx context.Context, signer, allowed, signature string, data []byte) (bool, error) {
	_, exit, err := k.run(ctx, data, "-Y", "verify", "-f", allowed, "-I", signer, "-n", namespace, "-s", signature)
	return err == nil && exit == 0, err
}

// attestProofs writes the statement of proofs to a file and, if there is a key,
// its signature to another.
func (a *App) attestProofs(ctx context.Context, k keygen, proofs []record.Proof, file, key string) error {
	data, err := newStatement(proofs).encode()
	if err != nil {
		return err
	}
	var signature []byte
	if key != "" {
		if signature, err = k.sign(ctx, a.path(key), data); err != nil {
			return err
		}
	}
	if err := atomicfile.Write(a.path(file), data, 0o644); err != nil {
		return fmt.Errorf("writing the proof: %w", err)
	}
	if key == "" {
		return nil
	}
	if err := atomicfile.Write(a.path(signatureOf(file)), signature, 0o644); err != nil {
		return fmt.Errorf("writing the proof's signature: %w", err)
	}
	return nil
}

// checkProof shows a proof file if an allowed signer signed exactly its bytes. It
// does not parse the file before it has verified the signature.
func (a *App) checkProof(ctx context.Context, opts proveOptions) error {
	data, err := a.readArg(opts.check)
	if err != nil {
		return err
	}
	for _, file := range []string{signatureOf(opts.check), opts.allowed} {
		if _, err := a.readArg(file); err != nil {
			return err
		}
	}
	processes, err := process.New(a.Now)
	if err != nil {
		return err
	}
	k := keygen{processes, a.Env, a.Dir}
	signer, err := k.whoSigned(ctx, opts.signer, a.path(opts.allowed), a.path(signatureOf(opts.check)), data)
	if err != nil {
		return fmt.Errorf("checking the proof: %w", err)
	}
	s := a.stdout()
	if signer == "" {
		s.line(coloured("refused:", red), plainf("%s has no valid signature of an allowed signer", opts.check))
		return errors.Join(s.failed(), statusError(ExitNotHeld))
	}
	st, err := readStatement(data)
	if err != nil {
		s.line(coloured("refused:", red), plainf("%s is signed by %s, but is %v", opts.check, signer, err))
		return errors.Join(s.failed(), statusError(ExitNotHeld))
	}
	proofs := st.proofs()
	showProofs(s, proofs)
	s.line()
	s.line(coloured("signed by", green), bold(signer))
	return errors.Join(s.failed(), proofStatus(proofs))
}

// whoSigned returns the allowed signer who made a valid signature of data; "" if
// there is none. If a name is given, only that signer counts.
func (k keygen) whoSigned(ctx context.Context, name, allowed, signature string, data []byte) (string, error) {
	names := []string{name}
	if name == "" {
		var err error
		if names, err = k.signers(ctx, allowed, signature, data); err != nil {
			return "", err
		}
	}
	for _, one := range names {
		signed, err := k.signedBy(ctx, one, allowed, signature, data)
		if signed || err != nil {
			return one, err
		}
	}
	return "", nil
}

// readArg reads a file that is an argument of the command line.
func (a *App) readArg(file string) ([]byte, error) {
	data, err := os.ReadFile(a.path(file))
	if err != nil {
		return nil, &project.UsageError{Msg: "reading " + file + ": " + err.Error()}
	}
	return data, nil
}
