package atomicfile_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"chant/storage/atomicfile"
)

// A test starts this program again with a role, because only another process can be
// killed or limited.
const roleVar = "ATOMICFILE_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role, os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func play(role, path string) error {
	switch role {
	case "write":
		for n := 1; ; n++ {
			if err := atomicfile.Write(path, version(n), 0o600); err != nil {
				return err
			}
			fmt.Println(n)
		}
	case "transform":
		for {
			var n int
			if err := atomicfile.Transform(path, func(old []byte) (data []byte, err error) {
				n, err = versionOf(old)
				n++
				return version(n), err
			}); err != nil {
				return err
			}
			fmt.Println(n)
		}
	case "count":
		for range increments {
			if err := atomicfile.Transform(path, increment); err != nil {
				return err
			}
		}
		return nil
	case "limited":
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 4096, Max: 4096}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		return wantErrors(path, syscall.EFBIG)
	case "powerless":
		if os.Getuid() == 0 {
			if err := syscall.Setuid(65534); err != nil {
				return err
			}
		}
		return wantErrors(path, fs.ErrPermission)
	}
	return errors.New("unknown role " + role)
}

// wantErrors calls each function with more data than the file may have.
func wantErrors(path string, want error) error {
	big := version(1)
	if err := atomicfile.Write(path, big, 0o600); !errors.Is(err, want) {
		return fmt.Errorf("Write: %w, want %w", err, want)
	}
	if err := atomicfile.Create(path+".new", big, 0o600); !errors.Is(err, want) {
		return fmt.Errorf("Create: %w, want %w", err, want)
	}
	err := atomicfile.Transform(path, func([]byte) ([]byte, error) { return big, nil })
	if !errors.Is(err, want) {
		return fmt.Errorf("Transform: %w, want %w", err, want)
	}
	return nil
}

const increments = 50

func increment(old []byte) ([]byte, error) {
	n, err := strconv.Atoi(string(old))
	return []byte(strconv.Itoa(n + 1)), err
}

// version returns 100 kB of content. If a part of it is missing or is from another
// version, that can be seen.
func version(n int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%09d\n", n), 10_000)
}

func versionOf(data []byte) (int, error) {
	line, _, _ := strings.Cut(string(data), "\n")
	n, err := strconv.Atoi(line)
	if err == nil && !bytes.Equal(data, version(n)) {
		err = fmt.Errorf("%d bytes that begin with version %d are torn", len(data), n)
	}
	return n, err
}

func command(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, path)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	return cmd
}

// Each writer is killed after it has acknowledged a number of writes, anywhere in the
// writes that follow.
func TestKilledWriterTearsNothing(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"write", "transform"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			kills := 20
			if testing.Short() {
				kills = 4
			}
			path := filepath.Join(t.TempDir(), "file")
			write(t, path, version(0))
			for kill := 1; kill <= kills; kill++ {
				acknowledged := killAfter(t, command(t, role, path), kill%5+1)
				got, err := versionOf([]byte(read(t, path)))
				if err != nil {
					t.Fatal(err)
				}
				if got < acknowledged {
					t.Fatalf("version %d after version %d was acknowledged", got, acknowledged)
				}
				if left := leftovers(t, path); len(left) > kill {
					t.Fatalf("%d temporary files after %d kills: %q", len(left), kill, left)
				}
			}
		})
	}
}

// killAfter returns the last version that the process has reported.
func killAfter(t *testing.T, cmd *exec.Cmd, writes int) (acknowledged int) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range writes {
		if !lines.Scan() {
			t.Fatal("the writer ended early")
		}
		if acknowledged, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	return acknowledged
}

// leftovers lists the other files in the folder, which must all be temporary files.
func leftovers(t *testing.T, path string) []string {
	t.Helper()
	var left []string
	for _, name := range names(t, filepath.Dir(path)) {
		if name == filepath.Base(path) {
			continue
		}
		number, ok := strings.CutPrefix(name, "."+filepath.Base(path))
		if _, err := strconv.ParseUint(number, 10, 63); !ok || err != nil {
			t.Fatalf("%s is not named as a temporary file", name)
		}
		left = append(left, name)
	}
	return left
}

func TestTransformsOfProcessesAreNotLost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "counter")
	write(t, path, []byte("0"))
	const processes = 4
	var started []*exec.Cmd
	for range processes {
		cmd := command(t, "count", path)
		cmd.Stderr = t.Output()
		cmd.Stdout = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		started = append(started, cmd)
	}
	for _, cmd := range started {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if got, want := read(t, path), strconv.Itoa(processes*increments); got != want {
		t.Errorf("counter is %s, want %s", got, want)
	}
	if left := leftovers(t, path); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

func TestFailureLeavesAllAsItWas(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"limited", "powerless"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			// The process may run as another user, who needs access to the folder.
			top := t.TempDir()
			dir := filepath.Join(top, "dir")
			path := filepath.Join(dir, "file")
			for _, d := range []string{dir, top, filepath.Dir(top)} {
				if err := errors.Join(os.MkdirAll(d, 0o755), os.Chmod(d, 0o755)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			if role == "powerless" {
				if err := os.Chmod(dir, 0o555); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := os.Chmod(dir, 0o755); err != nil {
						t.Error(err)
					}
				})
			}
			if out, err := command(t, role, path).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			if got := read(t, path); got != "old" {
				t.Errorf("the file holds %.20q", got)
			}
			if left := leftovers(t, path); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
