package checkout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"chant/runner/git"
)

// origin is what a checkout takes from a repository, the user's or a submodule's.
type origin struct {
	top     string            // of its work tree; the git folder where there is none
	modules string            // the folder that the repositories of its submodules are in
	files   map[string]string // what the git folder of a checkout holds
}

// readOrigin reads the repository of a work tree. Where gitDir is "", git finds it
// there, if it trusts the owner.
func (s *Source) readOrigin(ctx context.Context, top, gitDir string) (origin, error) {
	o := origin{top: top}
	var env []string
	if gitDir != "" {
		// The work tree that the repository's own configuration names may be gone.
		env = []string{"GIT_DIR=" + gitDir, "GIT_WORK_TREE=" + top}
	}
	var err error
	ask := func(args ...string) string {
		if err != nil {
			return ""
		}
		var out []byte
		out, err = s.repo.Run(ctx, git.Call{Args: args, Env: env})
		return string(out)
	}
	answer := ask("rev-parse", "--path-format=absolute", "--show-object-format",
		"--git-path", "objects", "--git-path", "shallow", "--git-path", "info/attributes", "--git-path", "modules")
	refs := ask("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", "refs/remotes")
	config := ask("config", "--list", "-z")
	lines := strings.Split(answer, "\n")
	if err == nil && len(lines) != 6 {
		err = fmt.Errorf("git rev-parse answered %q", answer)
	}
	if err != nil {
		return o, err
	}
	format, objects, shallow, attributes := lines[0], lines[1], lines[2], lines[3]
	if strings.ContainsAny(objects, "\"\n\\") {
		objects = quote(objects)
	}
	o.modules = lines[4]
	o.files = map[string]string{
		"HEAD":                    "ref: refs/heads/none\n",
		"config":                  configFile(parseConfig(config), format, top),
		"packed-refs":             "# pack-refs with: sorted \n" + refs,
		"objects/info/alternates": objects + "\n",
		"info/exclude":            "",
	}
	for name, from := range map[string]string{"shallow": shallow, "info/attributes": attributes} {
		data, err := os.ReadFile(from)
		if err == nil {
			o.files[name] = string(data)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return o, err
		}
	}
	return o, nil
}

// create makes an empty repository in a folder, as git init would.
func (o origin) create(dir string) error {
	dir = filepath.Join(dir, ".git")
	if err := os.MkdirAll(filepath.Join(dir, "refs"), 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, data := range o.files {
		if err := errors.Join(root.MkdirAll(path.Dir(name), 0o777), root.WriteFile(name, []byte(data), 0o666)); err != nil {
			return err
		}
	}
	return nil
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
func configFile(user []setting, format, top string) string {
	decidesBytes := regexp.MustCompile(`^(filter\.|lfs\.|core\.(autocrlf|eol|safecrlf|attributesfile|` +
		`filemode|symlinks|ignorecase|precomposeunicode|longpaths)$)`)
	transports := regexp.MustCompile(`^(http\.|credential\.|url\.|protocol\.|ssh\.|core\.(sshcommand|gitproxy)$)`)
	remote := regexp.MustCompile(`^remote\.(.*)\.(url|promisor|partialclonefilter|proxy|proxyauthmethod|uploadpack|vcs)$`)
	promisors := map[string]bool{} // remotes that have what a partial clone lacks
	for _, s := range user {
		if at := remote.FindStringSubmatch(s.key); at != nil && at[2] == "promisor" && s.value == "true" {
			promisors[at[1]] = true
		}
		if s.key == "extensions.partialclone" { // as git before 2.22 wrote it
			promisors[s.value] = true
		}
	}
	list := []setting{
		{"core.bare", "false"}, {"core.hookspath", os.DevNull}, {"core.fsmonitor", "false"}, {"submodule.recurse", "false"},
		// What git starts in the background would write while the folder is removed.
		{"gc.auto", "0"}, {"maintenance.auto", "false"},
	}
	if format == "sha1" {
		list = append(list, setting{"core.repositoryformatversion", "0"})
	} else {
		list = append(list, setting{"core.repositoryformatversion", "1"}, setting{"extensions.objectformat", format})
	}
	for _, s := range user {
		at := remote.FindStringSubmatch(s.key)
		if !decidesBytes.MatchString(s.key) && (len(promisors) == 0 || !transports.MatchString(s.key)) && (at == nil || !promisors[at[1]]) {
			continue
		}
		// git itself expands paths that begin with "~" or "%".
		if s.key == "core.attributesfile" && !filepath.IsAbs(s.value) && strings.TrimLeft(s.value, "~%") == s.value {
			s.value = filepath.Join(top, s.value)
		}
		list = append(list, s)
	}
	for _, name := range slices.Sorted(maps.Keys(promisors)) {
		list = append(list, setting{"remote." + name + ".promisor", "true"}, setting{"remote." + name + ".pushurl", os.DevNull})
	}
	var file strings.Builder
	for _, s := range list {
		file.WriteString(s.line())
	}
	return file.String()
}

// line returns the setting in the form of git-config(1).
func (s setting) line() string {
	section, name, _ := strings.Cut(s.key, ".")
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		section, name = section+" "+quote(name[:dot]), name[dot+1:]
	}
	return fmt.Sprintf("[%s]\n\t%s = %s\n", section, name, quote(s.value))
}

// quote quotes a text as git's configuration, fast-import and lists of alternates
// have it.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
