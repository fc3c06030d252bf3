package checkout

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"chant/runner/git"
)

// location is where a repository is.
type location struct {
	top    string // of its work tree; "" where it has none
	gitDir string // "" where git has to find it from top
}

// origin is what a checkout takes from a repository, the user's or a submodule's.
type origin struct {
	top     string            // see location
	modules string            // the folder that the repositories of its submodules are in
	files   map[string][]byte // what the git folder of a checkout holds, but for HEAD
}

// readOrigin reads a repository.
func (s *Source) readOrigin(ctx context.Context, at location) (origin, error) {
	o := origin{top: at.top}
	// The messages of git are shown, and one of them is looked for.
	call := git.Call{Dir: cmp.Or(at.top, at.gitDir), Env: []string{"LC_ALL=C"}}
	if at.gitDir != "" {
		// A work tree that the repository's own configuration names may be gone.
		call.Env = append(call.Env, "GIT_DIR="+at.gitDir, "GIT_WORK_TREE="+call.Dir)
	}
	ask := func(args ...string) (string, error) {
		call.Args = args
		out, err := s.repo.Run(ctx, call)
		if err != nil {
			return "", fmt.Errorf("reading the repository %s: %w", call.Dir, err)
		}
		return string(out), nil
	}
	answer, err := ask("rev-parse", "--path-format=absolute", "--show-object-format",
		"--git-path", "objects", "--git-path", "shallow", "--git-path", "info/attributes", "--git-path", "modules")
	if err != nil {
		return o, err
	}
	lines := strings.Split(answer, "\n")
	if len(lines) != 6 {
		return o, fmt.Errorf("reading the repository %s: git rev-parse answered %q", call.Dir, answer)
	}
	format, objects, shallow, attributes := lines[0], lines[1], lines[2], lines[3]
	o.modules = lines[4]
	refs, err := ask("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", "refs/remotes")
	if err != nil {
		return o, err
	}
	config, err := ask("config", "--list", "-z")
	if err != nil {
		return o, err
	}
	o.files = map[string][]byte{
		"config":                  configFile(parseConfig(config), format, at.top),
		"packed-refs":             packedRefs(refs),
		"objects/info/alternates": []byte(quoted(objects) + "\n"),
	}
	for name, from := range map[string]string{"shallow": shallow, "info/attributes": attributes} {
		data, err := os.ReadFile(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return o, err
		}
		o.files[name] = data
	}
	return o, nil
}

// foreign tells whether git refused a repository because of its owner. It has
// no exit status of its own for that.
func foreign(err error) bool {
	refused, ok := errors.AsType[*git.CommandError](err)
	return ok && strings.Contains(refused.Message, "dubious ownership")
}

// create makes an empty repository in a folder, as git init would. HEAD names no
// commit yet.
func (o origin) create(root *os.Root) error {
	for _, dir := range []string{".git/objects/info", ".git/objects/pack", ".git/refs", ".git/info"} {
		if err := root.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	for name, data := range o.files {
		if err := root.WriteFile(path.Join(".git", name), data, 0o666); err != nil {
			return err
		}
	}
	return root.WriteFile(".git/HEAD", []byte("ref: refs/heads/none\n"), 0o666)
}

// packedRefs turns the refs that git lists into a file of them.
func packedRefs(refs string) []byte {
	var file bytes.Buffer
	file.WriteString("# pack-refs with: sorted \n")
	for line := range strings.Lines(refs) {
		if strings.Contains(line, " refs/remotes/") && strings.HasSuffix(line, "/HEAD\n") {
			continue // a symbolic ref
		}
		file.WriteString(line)
	}
	return file.Bytes()
}

// setting is one line of git's configuration; its key is as git lists it.
type setting struct{ key, value string }

// parseConfig reads what git config --list -z prints.
func parseConfig(list string) []setting {
	var settings []setting
	for record := range strings.SplitSeq(list, "\x00") {
		key, value, hasValue := strings.Cut(record, "\n")
		if !hasValue {
			value = "true" // what a key without a value means
		}
		if key != "" {
			settings = append(settings, setting{key, value})
		}
	}
	return settings
}

// configFile returns the configuration of a checkout: what decides the bytes of
// files, and how objects that a partial clone lacks are fetched.
func configFile(user []setting, format, top string) []byte {
	promisors := promisorRemotes(user)
	list := []setting{{"core.bare", "false"}}
	for _, s := range user {
		section, name, _ := strings.Cut(s.key, ".")
		switch {
		case s.key == "core.attributesfile":
			s.value = below(top, s.value)
			list = append(list, s)
		case decidesBytes(section, name), len(promisors) > 0 && transports(section, s.key):
			list = append(list, s)
		case section == "remote" && promisors[remoteOf(s.key)] && !pushes(s.key):
			if strings.HasSuffix(s.key, ".url") && !strings.Contains(s.value, ":") {
				s.value = below(top, s.value)
			}
			list = append(list, s)
		}
	}
	version := "0"
	for remote := range promisors {
		version = "1"
		list = append(list, setting{"remote." + remote + ".pushurl", os.DevNull}, setting{"extensions.partialclone", remote})
	}
	if format != "sha1" {
		version = "1"
		list = append(list, setting{"extensions.objectformat", format})
	}
	list = append(list,
		setting{"core.repositoryformatversion", version},
		setting{"core.hookspath", os.DevNull},
		setting{"core.fsmonitor", "false"},
		setting{"submodule.recurse", "false"},
		// What git starts in the background would write while the folder is removed.
		setting{"gc.auto", "0"},
		setting{"maintenance.auto", "false"},
	)
	var file bytes.Buffer
	for _, s := range list {
		s.write(&file)
	}
	return file.Bytes()
}

// decidesBytes tells whether a setting decides what git writes into files.
func decidesBytes(section, name string) bool {
	switch section {
	case "filter", "lfs":
		return true
	case "core":
		switch name {
		case "autocrlf", "eol", "safecrlf", "filemode", "symlinks", "ignorecase", "precomposeunicode", "longpaths":
			return true
		}
	}
	return false
}

// transports tells whether a setting decides how git reaches a remote.
func transports(section, key string) bool {
	switch section {
	case "http", "credential", "url", "protocol", "ssh":
		return true
	}
	return key == "core.sshcommand" || key == "core.gitproxy"
}

// promisorRemotes returns the remotes that have what a partial clone lacks.
func promisorRemotes(user []setting) map[string]bool {
	remotes := map[string]bool{}
	for _, s := range user {
		switch {
		case s.key == "extensions.partialclone":
			remotes[s.value] = true
		case strings.HasPrefix(s.key, "remote.") && strings.HasSuffix(s.key, ".promisor") && s.value == "true":
			remotes[remoteOf(s.key)] = true
		}
	}
	return remotes
}

// remoteOf returns the name in a key such as "remote.origin.url".
func remoteOf(key string) string {
	return strings.TrimPrefix(strings.TrimSuffix(key, path.Ext(key)), "remote.")
}

// pushes tells whether a setting of a remote decides what git pushes or fetches by
// default, or where it pushes to.
func pushes(key string) bool {
	switch path.Ext(key) {
	case ".push", ".pushurl", ".mirror", ".fetch":
		return true
	}
	return false
}

// below makes a path of the configuration absolute. git itself expands paths that
// begin with "~" or "%".
func below(top, name string) string {
	if top == "" || filepath.IsAbs(name) || strings.HasPrefix(name, "~") || strings.HasPrefix(name, "%") {
		return name
	}
	return filepath.Join(top, name)
}

// write appends the setting to a file, in the form of git-config(1).
func (s setting) write(file *bytes.Buffer) {
	section, rest, _ := strings.Cut(s.key, ".")
	name := rest
	if dot := strings.LastIndexByte(rest, '.'); dot >= 0 {
		section = fmt.Sprintf("%s %s", section, quote(rest[:dot]))
		name = rest[dot+1:]
	}
	fmt.Fprintf(file, "[%s]\n\t%s = %s\n", section, name, quote(s.value))
}

// quoted quotes a path that git would otherwise misread in a list.
func quoted(name string) string {
	if strings.ContainsAny(name, "\"\n\\") {
		return quote(name)
	}
	return name
}

// quote quotes a text as git's configuration, fast-import and lists of alternates
// have it.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
