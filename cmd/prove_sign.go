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
	"chant/runner/record"
	"chant/storage/atomicfile"
)

// namespace keeps a signature of a proof from passing as one of anything else,
// a git commit for example (ssh-keygen(1), -Y sign).
const namespace = "chant-proof"

// signatureOf names the file that holds the signature of another.
func signatureOf(file string) string { return file + ".sig" }

// keygen runs ssh-keygen, which is OpenSSH's program for signatures too.
type keygen struct {
	processes *process.Supervisor
	env       []string
	dir       string
}

// run returns what ssh-keygen printed and its exit code.
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

// sign returns the armoured signature of data by the key in a file. A key with a
// passphrase has to be in the ssh-agent: there is nobody to ask.
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

// signers returns who, of the allowed signers, may have made a signature.
func (k keygen) signers(ctx context.Context, allowed, signature string, data []byte) ([]string, error) {
	out, exit, err := k.run(ctx, data, "-Y", "find-principals", "-f", allowed, "-s", signature)
	if err != nil || exit != 0 {
		return nil, err // another exit than 0 means none
	}
	return strings.Fields(out), nil
}

// signedBy reports whether the signature is that signer's, and of these bytes.
func (k keygen) signedBy(ctx context.Context, signer, allowed, signature string, data []byte) (bool, error) {
	_, exit, err := k.run(ctx, data, "-Y", "verify", "-f", allowed, "-I", signer, "-n", namespace, "-s", signature)
	return err == nil && exit == 0, err
}

// attestProofs writes the statement of proofs to a file and, with a key, its
// signature beside it.
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

// checkProof reports whether a proof file is what an allowed signer signed, byte
// for byte, and what it says. Nothing of the file is looked at before that.
func (a *App) checkProof(ctx context.Context, opts proveOptions) error {
	data, err := a.given(opts.check)
	if err != nil {
		return err
	}
	for _, file := range []string{signatureOf(opts.check), opts.allowed} {
		if _, err := a.given(file); err != nil {
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
		s.line(coloured("refused:", red), plainf("%s is not what an allowed signer signed", opts.check))
		return errors.Join(s.failed(), statusError(ExitNotHeld))
	}
	st, err := readStatement(data)
	if err != nil {
		s.line(coloured("refused:", red), plainf("%s is signed by %s, and is %v", opts.check, signer, err))
		return errors.Join(s.failed(), statusError(ExitNotHeld))
	}
	proofs := st.proofs()
	showProofs(s, proofs)
	s.line()
	s.line(coloured("signed by", green), bold(signer))
	return errors.Join(s.failed(), proofStatus(proofs))
}

// whoSigned returns the allowed signer whose signature of data it is; "" where it
// is nobody's. With a name, only that signer counts.
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

// given reads a file that the command line names.
func (a *App) given(file string) ([]byte, error) {
	data, err := os.ReadFile(a.path(file))
	if err != nil {
		return nil, &usageError{msg: "reading " + file + ": " + err.Error()}
	}
	return data, nil
}
