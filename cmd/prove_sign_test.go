package cmd

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chant/runner/process"
	"chant/runner/record"
)

// signer is an App in a folder with a key of ada's, "key", and the file
// "allowed" that allows only her to sign.
func signer(t *testing.T) *App {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("there is no ssh-keygen")
	}
	dir := t.TempDir()
	newKey(t, dir, "key")
	newKey(t, dir, "other")
	public, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	writeIn(t, dir, "allowed", `ada@example.org namespaces="chant-proof" `+string(public))
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	return &App{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Env: env, Dir: dir, Now: fixedTime}
}

func newKey(t *testing.T, dir, name string) {
	t.Helper()
	args := []string{"-q", "-t", "ed25519", "-N", "", "-C", name, "-f", filepath.Join(dir, name)}
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
}

func writeIn(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// check runs chant prove --check and returns its exit code and output.
func (a *App) check(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	there := *a
	there.Out, there.Err = &out, &out
	return there.Run(t.Context(), append([]string{"prove", "--check", "proof.json"}, args...)), out.String()
}

// signed writes a signed proof with a verdict.
func (a *App) signed(t *testing.T, verdict record.ProofVerdict, key string) {
	t.Helper()
	processes, err := process.New(fixedTime)
	if err != nil {
		t.Fatal(err)
	}
	p := weakenedProof()
	p.Verdict = verdict
	if err := a.attestProofs(t.Context(), keygen{processes, a.Env, a.Dir}, []record.Proof{p}, "proof.json", key); err != nil {
		t.Fatal(err)
	}
}

func TestCheckProof(t *testing.T) {
	t.Parallel()
	a := signer(t)
	for _, tt := range []struct {
		verdict record.ProofVerdict
		key     string
		args    string
		want    int
		says    string
	}{
		{record.Proven, "key", "--allowed-signers allowed", 0, "signed by ada@example.org\n"},
		{record.Proven, "key", "--allowed-signers allowed --signer ada@example.org", 0, "signed by ada@example.org\n"},
		{record.Weakened, "key", "--allowed-signers allowed", 1, "weakened:"},
		{record.Inconclusive, "key", "--allowed-signers allowed", 3, "inconclusive:"},
		{record.Proven, "key", "--allowed-signers allowed --signer bob@example.org", 1, "refused:"},
		{record.Proven, "other", "--allowed-signers allowed", 1, "refused:"},
		{record.Proven, "other", "--allowed-signers allowed --signer ada@example.org", 1, "refused:"},
		{record.Proven, "key", "--allowed-signers empty", 1, "refused:"},
		{record.Proven, "key", "--allowed-signers missing", 2, "chant: reading missing"},
	} {
		writeIn(t, a.Dir, "empty", "")
		a.signed(t, tt.verdict, tt.key)
		if code, out := a.check(t, strings.Fields(tt.args)...); code != tt.want || !strings.Contains(out, tt.says) {
			t.Errorf("%s signed with %s, %s: exit %d, want %d and %q:\n%s", tt.verdict, tt.key, tt.args, code, tt.want, tt.says, out)
		}
	}
}

// A proof with any byte changed or removed is refused before any part of it is
// shown.
func TestCheckProofRefusesChanges(t *testing.T) {
	t.Parallel()
	a := signer(t)
	a.signed(t, record.Proven, "key")
	data, err := os.ReadFile(filepath.Join(a.Dir, "proof.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, len(data) / 3, len(data) / 2, len(data) - 1} {
		changed := bytes.Clone(data)
		changed[at] ^= 1
		for how, content := range map[string][]byte{"changed": changed, "cut": data[:at], "longer": append(bytes.Clone(data), data[at])} {
			writeIn(t, a.Dir, "proof.json", string(content))
			if code, out := a.check(t, "--allowed-signers", "allowed"); code != ExitNotHeld || strings.Count(out, "\n") != 1 {
				t.Errorf("byte %d %s: exit %d:\n%s", at, how, code, out)
			}
		}
	}
}

// A signature with another namespace is not valid for a proof.
func TestCheckProofRefusesOtherNamespaces(t *testing.T) {
	t.Parallel()
	a := signer(t)
	a.signed(t, record.Proven, "key")
	writeIn(t, a.Dir, "allowed", strings.Replace(read(t, a, "allowed"), `namespaces="chant-proof" `, "", 1))
	if code, out := a.check(t, "--allowed-signers", "allowed"); code != ExitHeld {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "sign", "-f", filepath.Join(a.Dir, "key"), "-n", "git")
	cmd.Stdin = strings.NewReader(read(t, a, "proof.json"))
	signature, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	writeIn(t, a.Dir, "proof.json.sig", string(signature))
	if code, out := a.check(t, "--allowed-signers", "allowed"); code != ExitNotHeld {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// A signed file that is not a proof is refused.
func TestCheckProofRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	a := signer(t)
	a.signed(t, record.Proven, "key")
	const other = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://example.org/x/v1"}`
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "sign", "-f", filepath.Join(a.Dir, "key"), "-n", "chant-proof")
	cmd.Stdin = strings.NewReader(other)
	signature, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	writeIn(t, a.Dir, "proof.json", other)
	writeIn(t, a.Dir, "proof.json.sig", string(signature))
	const reason = "signed by ada@example.org, but is not a proof"
	if code, out := a.check(t, "--allowed-signers", "allowed"); code != ExitNotHeld || !strings.Contains(out, reason) {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestCheckProofNeedsKeygen(t *testing.T) {
	t.Parallel()
	a := signer(t)
	a.signed(t, record.Proven, "key")
	a.Env = []string{"PATH=" + t.TempDir()}
	if code, out := a.check(t, "--allowed-signers", "allowed"); code != ExitEnvironment || !strings.Contains(out, "install OpenSSH") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// A key that can't sign leaves no unsigned proof behind.
func TestSignFails(t *testing.T) {
	t.Parallel()
	a := signer(t)
	writeIn(t, a.Dir, "bad", "no key\n")
	processes, err := process.New(fixedTime)
	if err != nil {
		t.Fatal(err)
	}
	err = a.attestProofs(t.Context(), keygen{processes, a.Env, a.Dir}, []record.Proof{provenProof()}, "proof.json", "bad")
	if err == nil || exitCode(err) != ExitEnvironment {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(a.Dir, "proof.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the proof is there: %v", err)
	}
}

func read(t *testing.T, a *App, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(a.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
