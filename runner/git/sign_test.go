package git

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tool gives the path of a program that signs, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s isn't on this machine", name)
	}
	return file
}

// output runs a program in the checkout's environment.
func (c checkout) output(program string, args ...string) string {
	c.tb.Helper()
	cmd := exec.CommandContext(c.tb.Context(), program, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		c.tb.Fatalf("%s %q: %v\n%s", program, args, err, &stderr)
	}
	return string(out)
}

// script makes a program in a folder of its own and gives its path.
func script(tb testing.TB, lines ...string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "program")
	must(tb, os.WriteFile(file, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), 0o755))
	return file
}

// sshKey makes a key pair, and lets git verify what it signs.
func (c checkout) sshKey(t *testing.T) (private string) {
	t.Helper()
	keygen := tool(t, "ssh-keygen")
	dir := t.TempDir()
	private = filepath.Join(dir, "key")
	c.output(keygen, "-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", private)
	public, err := os.ReadFile(private + ".pub")
	must(t, err)
	allowed := filepath.Join(dir, "allowed")
	must(t, os.WriteFile(allowed, []byte("carl@example.org namespaces=\"git\" "+string(public)), 0o644))
	c.git("config", "commit.gpgSign", "true")
	c.git("config", "gpg.format", "ssh")
	c.git("config", "gpg.ssh.allowedSignersFile", allowed)
	return private
}

// signed commits a.txt by a draft and lets git verify the signature.
func signed(t *testing.T, c checkout) {
	t.Helper()
	c.write("a.txt", "A\n")
	h, notice, err := noted(t, c.open(), "a.txt")
	must(t, err)
	if notice != "" {
		t.Errorf("git was needed: %s", notice)
	}
	c.git("verify-commit", string(h))
	if got := c.line("log", "-1", "--format=%G?"); got != "G" && got != "U" {
		t.Errorf("git takes the signature for %q", got)
	}
	if got := c.git("log", "-1", "--format=%B"); got != message+"\n" {
		t.Errorf("the message is %q", got)
	}
}

func TestSignSSH(t *testing.T) {
	t.Parallel()
	for name, configure := range map[string]func(c checkout, key string){
		"file": func(c checkout, key string) { c.git("config", "user.signingKey", key) },
		"program": func(c checkout, key string) {
			c.git("config", "user.signingKey", key)
			c.git("config", "gpg.ssh.program", script(c.tb, `echo used > .git/used`, `exec ssh-keygen "$@"`))
			c.tb.Cleanup(func() {
				if !exists(c.path(".git/used")) {
					c.tb.Error("the configured program wasn't used")
				}
			})
		},
		"home": func(c checkout, key string) {
			home := strings.TrimPrefix(c.env[1], "HOME=")
			must(c.tb, os.Rename(key, filepath.Join(home, "key")))
			c.git("config", "user.signingKey", "~/key")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := base(t)
			configure(c, c.sshKey(t))
			signed(t, c)
		})
	}
}

// TestSignSSHLiteral: the public key is configured, an agent has the other.
func TestSignSSHLiteral(t *testing.T) {
	t.Parallel()
	agent, add := tool(t, "ssh-agent"), tool(t, "ssh-add")
	for _, prefix := range []string{"key::", ""} {
		c := base(t)
		key := c.sshKey(t)
		dir, err := os.MkdirTemp("", "ag") //nolint:usetesting // a socket's path must be short
		must(t, err)
		socket := filepath.Join(dir, "s")
		running := exec.CommandContext(t.Context(), agent, "-D", "-a", socket)
		must(t, running.Start())
		t.Cleanup(func() {
			must(t, running.Process.Kill())
			_ = running.Wait() // it was killed
			must(t, os.RemoveAll(dir))
		})
		for conn, err := net.Dial("unix", socket); ; conn, err = net.Dial("unix", socket) {
			if err == nil { // it listens; the socket alone is there before
				must(t, conn.Close())
				break
			}
			must(t, t.Context().Err())
		}
		c.env = append(c.env, "SSH_AUTH_SOCK="+socket)
		c.output(add, "-q", key)
		public, err := os.ReadFile(key + ".pub")
		must(t, err)
		must(t, os.Remove(key))
		c.git("config", "user.signingKey", prefix+strings.TrimSpace(string(public)))
		signed(t, c)
	}
}

// gnupg makes a folder for gpg with a key for each of the names.
func (c checkout) gnupg(t *testing.T, names ...string) checkout {
	t.Helper()
	gpg := tool(t, "gpg")
	dir, err := os.MkdirTemp("", "gp") //nolint:usetesting // its sockets' paths must be short
	must(t, err)
	c.env = append(slices.Clone(c.env), "GNUPGHOME="+dir)
	t.Cleanup(func() {
		if conf, err := exec.LookPath("gpgconf"); err == nil {
			cmd := exec.Command(conf, "--kill", "all")
			cmd.Env = c.env
			_ = cmd.Run() // the agent may have ended by itself
		}
		must(t, os.RemoveAll(dir))
	})
	for _, name := range names {
		c.output(gpg, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never")
	}
	c.git("config", "commit.gpgSign", "yes")
	return c
}

func TestSignGPG(t *testing.T) {
	t.Parallel()
	c := base(t).gnupg(t, "Other <other@example.org>", "Carl C. Committer <carl@example.org>")
	signed(t, c)
	if got := c.line("log", "-1", "--format=%GS"); got != "Carl C. Committer <carl@example.org>" {
		t.Errorf("signed by %q, want the committer", got)
	}
	c.git("reset", "-q", "--hard", "HEAD~")
	c.git("config", "user.signingKey", "other@example.org")
	c.git("config", "gpg.program", tool(t, "gpg"))
	signed(t, c)
	if got := c.line("log", "-1", "--format=%GS"); got != "Other <other@example.org>" {
		t.Errorf("signed by %q, want the configured key", got)
	}
}

// TestSigningFails: without a signature there is no commit.
func TestSigningFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ format, program, key string }{
		"exit status":       {"openpgp", script(t, "echo no secret key >&2", "exit 2"), "K"},
		"no status line":    {"openpgp", script(t, "cat >&2", "echo signature"), "K"},
		"status in passing": {"openpgp", script(t, "echo 'x [GNUPG:] SIG_CREATED ' >&2", "echo signature"), "K"},
		"no signature":      {"x509", script(t, "echo '[GNUPG:] SIG_CREATED ' >&2"), "K"},
		"no program":        {"openpgp", "/no/such/gpg", "K"},
		"not on PATH":       {"x509", "no-such-gpgsm", "K"},
		"ssh":               {"ssh", script(t, "echo bad passphrase >&2", "exit 255"), "/k"},
		"ssh, no file":      {"ssh", script(t, "exit 0"), "/k"},
		"ssh, no key":       {"ssh", script(t, "exit 0"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := base(t)
			c.git("config", "commit.gpgSign", "1")
			c.git("config", "gpg.format", tt.format)
			c.git("config", "gpg."+tt.format+".program", tt.program)
			if tt.key != "" {
				c.git("config", "user.signingKey", tt.key)
			}
			c.write("a.txt", "A\n")
			before := state(t, c)
			_, _, err := noted(t, c.open(), "a.txt", "untracked")
			if !errors.Is(err, errSigning) {
				t.Errorf("Commit = %v, want errSigning", err)
			}
			if diff := cmp.Diff(before, state(t, c)); diff != "" {
				t.Errorf("changed:\n%s", diff)
			}
		})
	}
}

// TestSigningByGit: where git commits, it signs, and fails alike.
func TestSigningByGit(t *testing.T) {
	t.Parallel()
	c := base(t)
	c.git("config", "user.signingKey", c.sshKey(t))
	c.hook("pre-commit", "exit 0")
	c.write("a.txt", "A\n")
	h, notice, err := noted(t, c.open(), "a.txt")
	must(t, err)
	if !strings.Contains(notice, "pre-commit") {
		t.Error(notice)
	}
	c.git("verify-commit", string(h))
	c.write("a.txt", "B\n")
	before := state(t, c)
	odd := c
	odd.env = append(slices.Clone(c.env), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=gpg.format", "GIT_CONFIG_VALUE_0=unheard-of")
	if _, _, err := noted(t, odd.open(), "a.txt", "untracked"); err == nil {
		t.Error("committed, although git doesn't know how to sign")
	}
	if diff := cmp.Diff(before, state(t, c)); diff != "" {
		t.Errorf("changed:\n%s", diff)
	}
}
