package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// signing is how the configuration wants commits to be signed.
type signing struct {
	format  string // "openpgp", "x509" or "ssh"; "" where commits aren't signed
	program string
	key     string // user.signingkey
	command string // gpg.ssh.defaultKeyCommand, which gives the key where key is ""
}

// signing reads what git-config(1) says of commit.gpgsign, gpg.* and
// user.signingkey. The second result is why only git can tell what is meant.
func (s *session) signing() (how signing, why string, err error) {
	on, err := s.config.Bool("commit.gpgsign", false)
	if err != nil || !on {
		return signing{}, "", err
	}
	how.format = "openpgp"
	if format, ok := s.config.Get("gpg.format"); ok {
		how.format = format
	}
	general, hasGeneral := s.config.Get("gpg.program")
	switch how.format {
	case "openpgp":
		how.program = "gpg"
	case "x509":
		how.program, hasGeneral = "gpgsm", false
	case "ssh":
		how.program, hasGeneral = "ssh-keygen", false
	default:
		return signing{}, "gpg.format is " + how.format, nil
	}
	special, err := s.config.Path("gpg." + how.format + ".program")
	switch {
	case err != nil:
		return signing{}, "", err
	case special != "" && hasGeneral && special != general:
		return signing{}, "gpg.program and gpg.openpgp.program differ", nil // the later one counts
	case special != "":
		how.program = special
	case hasGeneral:
		how.program = general
	}
	how.key, _ = s.config.Get("user.signingkey")
	how.command, _ = s.config.Get("gpg.ssh.defaultkeycommand")
	if how.format == "ssh" && how.key == "" && strings.ContainsAny(how.command, `'"\`) {
		return signing{}, "gpg.ssh.defaultKeyCommand has quotes", nil
	}
	return how, "", nil
}

// sign gives the signature of a commit's content, as the configured program
// makes it; "" where commits aren't to be signed. A program may ask its user
// for a passphrase and take minutes. The error is a SigningError where the
// program refuses or can't be found.
func (r *Repo) sign(ctx context.Context, s *session, content []byte) (string, error) {
	how, why, err := s.signing()
	if err != nil {
		return "", err
	}
	if why != "" {
		return "", &SigningError{Message: why}
	}
	var signature string
	switch how.format {
	case "":
		return "", nil
	case "ssh":
		signature, err = r.signSSH(ctx, how, content)
	default:
		signature, err = r.signGPG(ctx, how, s.ids.committerIdent(), content)
	}
	return strings.ReplaceAll(signature, "\r\n", "\n"), err
}

// signGPG lets gpg, or gpgsm with the same options, sign. The key is the
// committer's where none is configured. Only its status line, documented in
// GnuPG's doc/DETAILS, tells for certain that it has signed.
func (r *Repo) signGPG(ctx context.Context, how signing, committer string, content []byte) (string, error) {
	key := how.key
	if key == "" {
		key = committer
	}
	out, status, err := r.runSigner(ctx, how.program, bytes.NewReader(content), "--status-fd=2", "-bsau", key)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(status) {
		if strings.HasPrefix(line, "[GNUPG:] SIG_CREATED ") && len(out) > 0 {
			return string(out), nil
		}
	}
	return "", &SigningError{Program: how.program, Message: "it made no signature: " + ending(status)}
}

// signSSH lets ssh-keygen sign; see its manual on -Y sign. It reads and
// writes files only.
func (r *Repo) signSSH(ctx context.Context, how signing, content []byte) (signature string, err error) {
	dir, err := os.MkdirTemp("", "chant-sign-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	key := how.key
	if key == "" {
		if key, err = r.defaultKey(ctx, how.command); err != nil {
			return "", err
		}
	}
	args := []string{"-Y", "sign", "-n", "git", "-f"}
	if literal, ok := literalKey(key); ok {
		file := filepath.Join(dir, "key")
		if err := writeNew(file, []byte(literal)); err != nil {
			return "", err
		}
		args = append(args, file, "-U") // the key's other half is with the agent
	} else {
		args = append(args, r.keyFile(key))
	}
	payload := filepath.Join(dir, "commit")
	if err := writeNew(payload, content); err != nil {
		return "", err
	}
	_, said, err := r.runSigner(ctx, how.program, nil, append(args, payload)...)
	if err != nil {
		return "", err
	}
	made, err := os.ReadFile(payload + ".sig")
	if err != nil || len(made) == 0 {
		return "", &SigningError{Program: how.program, Message: "it made no signature: " + ending(said)}
	}
	return string(made), nil
}

// literalKey gives the public key that a configured key is itself, where it
// isn't the name of a file.
func literalKey(key string) (string, bool) {
	if literal, ok := strings.CutPrefix(key, "key::"); ok {
		return literal, true
	}
	return key, strings.HasPrefix(key, "ssh-")
}

// defaultKey asks the configured command for a key: the first line it writes.
func (r *Repo) defaultKey(ctx context.Context, command string) (string, error) {
	words := strings.Fields(command)
	if len(words) == 0 {
		return "", &SigningError{Message: "there is no key (run git config user.signingkey FILE)"}
	}
	out, _, err := r.runSigner(ctx, words[0], nil, words[1:]...)
	if err != nil {
		return "", err
	}
	key, _, _ := strings.Cut(string(out), "\n")
	if key = strings.TrimSpace(key); key == "" {
		return "", &SigningError{Program: words[0], Message: "gpg.ssh.defaultKeyCommand gave no key"}
	}
	return key, nil
}

// keyFile resolves the name of a key file as git does.
func (r *Repo) keyFile(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		return filepath.Join(lookEnv(r.given, "HOME"), rest)
	}
	return inside(r.top, name)
}

// writeNew writes a private file into a folder of our own.
func writeNew(name string, data []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// runSigner runs a signing program and gives its stdout and stderr. It stays
// in chant's process group, so that it may ask at the terminal, and a Ctrl-C
// there ends it, too.
func (r *Repo) runSigner(ctx context.Context, program string, stdin io.Reader, args ...string) ([]byte, string, error) {
	file := program
	if !strings.Contains(program, "/") {
		file = lookPath(program, r.given)
	}
	if file == "" {
		return nil, "", &SigningError{Program: program, Message: "it isn't on PATH (install it, or unset commit.gpgsign)"}
	}
	cmd := exec.CommandContext(ctx, inside(r.top, file), args...)
	cmd.Dir = r.top
	cmd.Env = r.base
	cmd.Stdin = stdin
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = drain
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil && ctx.Err() != nil {
		return nil, "", fmt.Errorf("signing: %w", ctx.Err())
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, "", &SigningError{Program: program, Message: strings.TrimSpace(err.Error() + "\n" + ending(stderr.String()))}
	}
	return stdout.Bytes(), stderr.String(), nil
}
