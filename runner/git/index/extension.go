package index

import (
	"encoding/binary"
	"fmt"
)

// An extension is a part of the file behind the entries.
type extension struct {
	name       string
	start, end int // of its content, in the file
}

// extensionHead is the size of an extension's name and length.
const extensionHead = 8

func (f *File) readExtensions() error {
	body := f.body()
	for at := f.entriesEnd; at < len(body); {
		if len(body)-at < extensionHead {
			return &CorruptError{Offset: at, Reason: "an extension is cut off"}
		}
		x := extension{name: string(body[at : at+4]), start: at + extensionHead}
		x.end = x.start + int(binary.BigEndian.Uint32(body[at+4:]))
		if x.end > len(body) {
			return &CorruptError{Offset: at, Reason: "an extension is cut off"}
		}
		if err := f.checkExtension(x); err != nil {
			return err
		}
		f.extensions = append(f.extensions, x)
		at = x.end
	}
	return nil
}

// checkExtension refuses what an edit could not do justice to. A name that
// starts with a capital can be ignored; any other must be understood.
func (f *File) checkExtension(x extension) error {
	content := f.data[x.start:x.end]
	switch {
	case x.name == "link":
		return ErrSplit
	case x.name == "sdir":
		return ErrSparse
	case x.name[0] < 'A' || x.name[0] > 'Z':
		return fmt.Errorf("%w: %q", ErrExtension, x.name)
	case x.name == "TREE" && !wellFormedTree(content):
		return &CorruptError{Offset: x.start, Reason: "the tree extension is malformed"}
	case x.name == "EOIE" && (len(content) < 4 || int(binary.BigEndian.Uint32(content)) != f.entriesEnd):
		// Git believes it, and would look for the extensions elsewhere.
		return &CorruptError{Offset: x.start, Reason: "the end of the entries is not where an extension says"}
	}
	return nil
}

// An outcome is what an edit did, as far as the extensions depend on it.
type outcome struct {
	shifted bool     // entries were added or removed
	patched []int    // the numbers of the entries that were changed in place
	touched [][]byte // the paths whose content changed, sorted
}

// appendExtensions writes the extensions as they are behind an edit. What
// isn't named here doesn't depend on the entries (REUC) or isn't known.
func (f *File) appendExtensions(out []byte, o outcome) []byte {
	for _, x := range f.extensions {
		content := f.data[x.start:x.end]
		switch x.name {
		case "EOIE", "IEOT":
			// Offsets of entries, a help for reading with several threads.
			continue
		case "UNTR":
			// The untracked cache knows no content, only which files aren't
			// tracked.
			if o.shifted {
				continue
			}
		case "TREE":
			if len(o.touched) > 0 {
				content = invalidateTree(content, o.touched)
			}
		case "FSMN":
			// Without it, git looks at every file once more.
			if o.shifted {
				continue
			}
			if content = distrust(content, f.entries, o.patched); content == nil {
				continue
			}
		}
		out = append(out, x.name...)
		out = binary.BigEndian.AppendUint32(out, uint32(len(content)))
		out = append(out, content...)
	}
	return out
}
