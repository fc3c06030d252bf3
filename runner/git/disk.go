package git

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// disk creates files and folders inside the git folder as the repository's
// configuration asks: with permissions for others, and synced or not.
type disk struct {
	sharing
	durability
	folders map[string]bool // whose entries have changed since the last settle
}

// createNew creates a file under a name that nobody has yet, in an existing
// folder.
func (d *disk) createNew(dir, prefix string, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, prefix+rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	if err := d.adjust(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// mkdirAll creates a folder and those above it that are missing.
func (d *disk) mkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := d.mkdirAll(filepath.Dir(dir)); err != nil {
		return err
	}
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	d.folders[filepath.Dir(dir)] = true
	return d.adjust(dir)
}

// settle syncs the folders in which names have changed.
func (d *disk) settle() error {
	if !d.objects && !d.index && !d.refs {
		return nil
	}
	for dir := range d.folders {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.syncFile(f), f.Close()); err != nil {
			return fmt.Errorf("syncing %s: %w", dir, err)
		}
	}
	clear(d.folders)
	return nil
}

// sharing is core.sharedRepository, by git's rules: bits that every file
// gets, in addition to what the umask leaves or in its place.
type sharing struct {
	bits  fs.FileMode
	exact bool
}

func parseSharing(value string) (sharing, error) {
	group, everybody := sharing{bits: 0o660}, sharing{bits: 0o664}
	switch v := strings.ToLower(value); v {
	case "", "umask", "false", "no", "off", "0":
		return sharing{}, nil
	case "group", "true", "yes", "on", "1":
		return group, nil
	case "all", "world", "everybody", "2":
		return everybody, nil
	default:
		bits, err := strconv.ParseUint(v, 8, 32)
		if err != nil || bits&0o600 != 0o600 {
			return sharing{}, fmt.Errorf("core.sharedRepository is %q (set it to group, all or a mode such as 0660)", value)
		}
		return sharing{bits: fs.FileMode(bits & 0o666), exact: true}, nil
	}
}

// mode gives the permissions for a file or folder that has those given now.
func (s sharing) mode(now fs.FileMode) fs.FileMode {
	perm, bits := now.Perm(), s.bits
	if perm&0o200 == 0 {
		bits &^= 0o222
	}
	if perm&0o100 != 0 {
		bits |= bits & 0o444 >> 2
	}
	if s.exact {
		perm = bits
	} else {
		perm |= bits
	}
	special := now & (fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	if now.IsDir() {
		perm |= perm & 0o444 >> 2
		if perm&0o060 != 0 {
			special |= fs.ModeSetgid // so that new files get the folder's group
		}
	}
	return perm | special
}

// adjust gives a new file or folder the permissions that are asked for.
func (s sharing) adjust(path string) error {
	if s == (sharing{}) {
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return os.Chmod(path, s.mode(info.Mode()))
}

// durability says what is synced: what core.fsync and its kin ask for. Where
// they are silent everything is, other than in git, which leaves loose
// objects and the index to the operating system: a commit that was
// acknowledged here is to survive a power cut.
type durability struct {
	objects, index, refs bool
	light                bool // core.fsyncMethod=writeout-only
}

// parseDurability reads core.fsync, core.fsyncMethod and the older
// core.fsyncObjectFiles; a text is "" where it isn't set.
func parseDurability(components, method string, objectFiles bool) durability {
	d := durability{objects: objectFiles || components != "", index: true, refs: true}
	for word := range strings.SplitSeq(components, ",") {
		word, minus := strings.CutPrefix(strings.TrimSpace(word), "-")
		if word == "none" {
			d = durability{}
			continue
		}
		for _, c := range []struct {
			field *bool
			names string
		}{
			{&d.objects, " loose-object objects committed added all "},
			{&d.refs, " reference committed added all "},
			{&d.index, " index added all "},
		} {
			if strings.Contains(c.names, " "+word+" ") {
				*c.field = !minus
			}
		}
	}
	d.light = method == "writeout-only"
	return d
}

// syncFile makes a file's content survive a power cut. Where the lighter
// method is asked for, macOS isn't told to empty the disk's own cache.
func (d durability) syncFile(f *os.File) error {
	if d.light {
		return unix.Fsync(int(f.Fd()))
	}
	return f.Sync()
}
