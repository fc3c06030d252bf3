package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// conversions tells what could make git store a file in another form than its
// bytes; see gitattributes(5). Where only a line end or an "$Id" in the file
// brings that about, most files are told apart from it without asking git.
type conversions struct {
	filter bool // an attribute names a filter or an encoding
	ident  bool // one asks for ident
	text   bool // one asks for conversion of line ends
	crlf   bool // core.autocrlf asks for that by itself
	strict bool // core.safecrlf makes git refuse what it can't restore
}

// attributeWords are the attributes that convert. An attribute file in which
// none of them occurs, not even in a macro or a comment, converts nothing.
var attributeWords = []string{"filter", "working-tree-encoding", "ident", "text", "eol", "crlf"} //nolint:gochecknoglobals // a constant list

// converted gives the reason for which git must store one of the paths; ""
// where every file is stored as it is.
func (r *Repo) converted(ctx context.Context, s *session) (string, error) {
	c, err := r.conversions(s)
	if err != nil || c == (conversions{strict: c.strict}) {
		return "", err
	}
	if c.strict && (c.text || c.crlf) {
		return "core.safecrlf is true", nil
	}
	var doubtful []string
	for _, p := range s.paths {
		doubt, err := c.doubt(filepath.Join(r.top, p))
		if err != nil {
			return "", err
		}
		if doubt {
			doubtful = append(doubtful, p)
		}
	}
	if len(doubtful) == 0 {
		return "", nil
	}
	if !c.filter && !c.ident && !c.text {
		return doubtful[0] + " has CR line ends and core.autocrlf is set", nil
	}
	if r.program == "" {
		return doubtful[0] + " may have attributes by which git converts it", nil
	}
	return r.askAttributes(ctx, c, doubtful)
}

// conversions looks through the configuration and the attribute files.
func (r *Repo) conversions(s *session) (conversions, error) {
	var c conversions
	var err error
	if auto, _ := s.config.Get("core.autocrlf"); strings.EqualFold(auto, "input") {
		c.crlf = true
	} else if c.crlf, err = s.config.Bool("core.autocrlf", false); err != nil {
		return c, err
	}
	if strict, _ := s.config.Get("core.safecrlf"); !strings.EqualFold(strict, "warn") {
		if c.strict, err = s.config.Bool("core.safecrlf", false); err != nil {
			return c, err
		}
	}
	elsewhere, _ := s.config.Get("attr.tree")
	if elsewhere != "" || lookEnv(r.given, "GIT_ATTR_SOURCE") != "" || r.indexOnly(s) {
		c.filter, c.ident, c.text = true, true, true // git knows what that says
		return c, nil
	}
	files, err := r.attributeFiles(s)
	if err != nil {
		return c, err
	}
	for _, name := range files {
		if err := c.scan(name); err != nil {
			return c, err
		}
	}
	return c, nil
}

// scan looks for the words in one attribute file.
func (c *conversions) scan(name string) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading attributes: %w", err)
	}
	for _, word := range attributeWords {
		if !bytes.Contains(data, []byte(word)) {
			continue
		}
		switch word {
		case "filter", "working-tree-encoding":
			c.filter = true
		case "ident":
			c.ident = true
		default:
			c.text = true
		}
	}
	return nil
}

// attributeFiles lists the files that can give attributes to the paths,
// whether they exist or not.
func (r *Repo) attributeFiles(s *session) ([]string, error) {
	global, err := s.config.Path("core.attributesfile")
	if err != nil {
		return nil, err
	}
	if global == "" {
		base := lookEnv(r.given, "XDG_CONFIG_HOME")
		if base == "" {
			base = filepath.Join(lookEnv(r.given, "HOME"), ".config")
		}
		global = filepath.Join(base, "git", "attributes")
	}
	files := []string{inside(r.top, global), filepath.Join(r.common, "info", "attributes"), "/etc/gitattributes"}
	// A git that isn't the system's has its own.
	if program, err := filepath.EvalSymlinks(r.program); err == nil {
		files = append(files, filepath.Join(filepath.Dir(filepath.Dir(program)), "etc", "gitattributes"))
	}
	for _, name := range s.attributePaths() {
		files = append(files, filepath.Join(r.top, name))
	}
	return files, nil
}

// attributePaths lists the .gitattributes files above the session's paths.
func (s *session) attributePaths() []string {
	names := []string{".gitattributes"}
	seen := make(map[string]bool)
	for _, p := range s.paths {
		for dir := range folders(p) {
			if !seen[dir] {
				seen[dir] = true
				names = append(names, dir+"/.gitattributes")
			}
		}
	}
	return names
}

// indexOnly tells whether an attribute file is in the index but not in the
// work tree: then git takes it from the index.
func (r *Repo) indexOnly(s *session) bool {
	for _, e := range s.index.file.Lookup(s.attributePaths()...) {
		if !exists(filepath.Join(r.top, e.Path)) {
			return true
		}
	}
	return false
}

// doubt tells whether a file could be among those that are converted.
func (c conversions) doubt(name string) (bool, error) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil //nolint:nilerr // nothing is stored; the back end looks at it again
	}
	if c.filter {
		return true, nil
	}
	return c.telling(name)
}

// telling tells whether a file's content is of the kind that conversion of
// line ends or ident changes.
func (c conversions) telling(name string) (doubt bool, err error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	const mark = "$Id"
	buffer := make([]byte, 64<<10)
	kept := 0 // bytes of a possible mark across two reads
	for {
		n, err := f.Read(buffer[kept:])
		text := buffer[:kept+n]
		if (c.text || c.crlf) && bytes.IndexByte(text, '\r') >= 0 || c.ident && bytes.Contains(text, []byte(mark)) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("looking at line ends: %w", err)
		}
		kept = copy(buffer, text[max(0, len(text)-len(mark)+1):])
	}
}

// askAttributes lets git tell the attributes of the doubtful paths, all at
// once.
func (r *Repo) askAttributes(ctx context.Context, c conversions, paths []string) (string, error) {
	args := append([]string{"check-attr", "-z", "--stdin"}, attributeWords...)
	out, err := r.git(ctx, call{args: args, stdin: nulList(paths)})
	if err != nil {
		return "", fmt.Errorf("asking git for attributes: %w", err)
	}
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(fields) != 3*len(attributeWords)*len(paths) {
		return "", fmt.Errorf("asking git for attributes: %d fields for %d files", len(fields), len(paths))
	}
	for i, p := range paths {
		has := make(map[string]string, len(attributeWords))
		for j, word := range attributeWords {
			has[word] = fields[3*(i*len(attributeWords)+j)+2]
		}
		why, err := c.reason(filepath.Join(r.top, p), has)
		if err != nil {
			return "", err
		}
		if why != "" {
			return p + " " + why, nil
		}
	}
	return "", nil
}

// The values of git-check-attr(1) that aren't an attribute's own.
const (
	attrUnset       = "unset"
	attrUnspecified = "unspecified"
)

func given(value string) bool { return value != attrUnset && value != attrUnspecified }

// reason tells why git must store a file with these attributes.
func (c conversions) reason(name string, has map[string]string) (string, error) {
	switch {
	case given(has["filter"]):
		return "goes through the filter " + has["filter"], nil
	case given(has["working-tree-encoding"]):
		return "is in the encoding " + has["working-tree-encoding"], nil
	}
	asks := conversions{ident: given(has["ident"])}
	switch {
	case has["text"] == attrUnset:
	case given(has["text"]), has["eol"] != attrUnspecified, given(has["crlf"]):
		asks.text = true
	default:
		asks.text = c.crlf && has["crlf"] != attrUnset
	}
	if !asks.ident && !asks.text {
		return "", nil
	}
	doubt, err := asks.telling(name)
	if err != nil || !doubt {
		return "", err
	}
	return "has line ends or an $Id that git converts", nil
}
