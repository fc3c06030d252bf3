package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// chain gives files c0 … cn, each of which includes the next.
func chain(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("home/c%d", i)] = fmt.Sprintf("[include]path=c%d\n[c]d=%d\n", i+1, i)
	}
	return files
}

func TestLoadReadsWhatGitReads(t *testing.T) {
	t.Parallel()
	hit := map[string]string{"home/hit": "[a]hit=1\n", "home/miss": "[a]miss=1\n"}
	// on gives a global file with a condition that should hold, or not.
	on := func(hits, misses []string) map[string]string {
		files := maps.Clone(hit)
		var b strings.Builder
		for _, c := range hits {
			fmt.Fprintf(&b, "[includeIf %q]\n\tpath = hit\n", c)
		}
		for _, c := range misses {
			fmt.Fprintf(&b, "[includeIf %q]\n\tpath = miss\n", c)
		}
		files["home/.gitconfig"] = b.String()
		return files
	}
	tests := []struct {
		name  string
		files map[string]string
		env   []string
		want  map[string][]string // by key, all values
		fails bool
	}{
		{name: "nothing"},
		{
			name: "scopes in order",
			files: map[string]string{
				"etc/gitconfig": "[a]k=system", "home/.config/git/config": "[a]k=xdg", "home/.gitconfig": "[a]k=global",
				"repo/.git/config": "[a]k=local", "repo/.git/config.worktree": "[a]k=worktree",
			},
			env:  []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.k", "GIT_CONFIG_VALUE_0=number", "GIT_CONFIG_PARAMETERS='a.k'='parameter'"},
			want: map[string][]string{"a.k": {"system", "xdg", "global", "local", "number", "parameter"}},
		},
		{
			name:  "worktree config",
			files: map[string]string{"repo/.git/config": "[core]repositoryformatversion=1\n[extensions]worktreeConfig\n[a]k=l", "repo/.git/config.worktree": "[a]k=w"},
			want:  map[string][]string{"a.k": {"l", "w"}},
		},
		{
			name:  "worktree config by an include doesn't count",
			files: map[string]string{"repo/.git/config": "[include]path=more", "repo/.git/more": "[extensions]worktreeConfig", "repo/.git/config.worktree": "[a]k=w"},
			want:  map[string][]string{"extensions.worktreeconfig": {""}, "a.k": nil},
		},
		{
			name: "XDG_CONFIG_HOME", files: map[string]string{"home/.config/git/config": "[a]k=home", "xdg/git/config": "[a]k=xdg"},
			env: []string{"XDG_CONFIG_HOME=ROOT/xdg"}, want: map[string][]string{"a.k": {"xdg"}},
		},
		{
			name: "empty XDG_CONFIG_HOME", files: map[string]string{"home/.config/git/config": "[a]k=home"},
			env: []string{"XDG_CONFIG_HOME="}, want: map[string][]string{"a.k": {"home"}},
		},
		{
			name: "GIT_CONFIG_GLOBAL", files: map[string]string{"home/.config/git/config": "[a]k=xdg", "home/.gitconfig": "[a]k=home", "g": "[a]k=g"},
			env: []string{"GIT_CONFIG_GLOBAL=ROOT/g"}, want: map[string][]string{"a.k": {"g"}},
		},
		{
			name: "empty GIT_CONFIG_GLOBAL", files: map[string]string{"home/.gitconfig": "[a]k=home"},
			env: []string{"GIT_CONFIG_GLOBAL="}, want: map[string][]string{"a.k": nil},
		},
		{
			name: "relative GIT_CONFIG_GLOBAL", files: map[string]string{"repo/g": "[include]path=sub/h", "repo/sub/h": "[include]path=../i", "repo/i": "[a]k=i"},
			env: []string{"GIT_CONFIG_GLOBAL=g"}, want: map[string][]string{"a.k": {"i"}},
		},
		{
			name: "no HOME", files: map[string]string{"home/.gitconfig": "[a]k=home", "repo/.git/config": "[includeIf \"gitdir:~/\"]path=x"},
			env: []string{"-HOME"}, want: map[string][]string{"a.k": nil},
		},
		{name: "no HOME for an include", files: map[string]string{"repo/.git/config": "[include]path=~/x"}, env: []string{"-HOME"}, fails: true},
		{
			name: "GIT_CONFIG_NOSYSTEM", files: map[string]string{"etc/gitconfig": "[a]k=system"},
			env: []string{"GIT_CONFIG_NOSYSTEM=yes"}, want: map[string][]string{"a.k": nil},
		},
		{
			name: "false GIT_CONFIG_NOSYSTEM", files: map[string]string{"etc/gitconfig": "[a]k=system"},
			env: []string{"GIT_CONFIG_NOSYSTEM=0"}, want: map[string][]string{"a.k": {"system"}},
		},
		{name: "bad GIT_CONFIG_NOSYSTEM", env: []string{"GIT_CONFIG_NOSYSTEM=maybe"}, fails: true},
		{
			name: "count with blank and sign", env: []string{"GIT_CONFIG_COUNT= +1", "GIT_CONFIG_KEY_0=A.Sub.K", "GIT_CONFIG_VALUE_0="},
			want: map[string][]string{"a.Sub.k": {""}},
		},
		{name: "empty count", env: []string{"GIT_CONFIG_COUNT="}},
		{name: "bad count", env: []string{"GIT_CONFIG_COUNT=1x"}, fails: true},
		{name: "negative count", env: []string{"GIT_CONFIG_COUNT=-1"}, fails: true},
		{name: "great count", env: []string{"GIT_CONFIG_COUNT=2147483648"}, fails: true},
		{name: "missing value", env: []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.b"}, fails: true},
		{name: "bad key", env: []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.b_c", "GIT_CONFIG_VALUE_0=1"}, fails: true},
		{name: "key without section", env: []string{"GIT_CONFIG_PARAMETERS='ab'='1'"}, fails: true},
		{name: "key with a dot first", env: []string{"GIT_CONFIG_PARAMETERS='.ab'='1'"}, fails: true},
		{name: "key with an empty section", env: []string{"GIT_CONFIG_PARAMETERS='.x.ab'='1'"}, want: map[string][]string{".x.ab": {"1"}}},
		{name: "name with a digit first", env: []string{"GIT_CONFIG_PARAMETERS='a.1b'='1'"}, fails: true},
		{name: "empty name", env: []string{"GIT_CONFIG_PARAMETERS='a.'='1'"}, fails: true},
		{name: "newline in a key", env: []string{"GIT_CONFIG_PARAMETERS='a.b\nc.d'='1'"}, fails: true},
		{
			name: "parameters old and new",
			env:  []string{`GIT_CONFIG_PARAMETERS='a.k=1' 'a.S.k'='it'\''s'  'a.bare'= ' a.old ' 'a.k'=''	'a.bang=x'\!'y'`},
			want: map[string][]string{"a.k": {"1", ""}, "a.S.k": {"it's"}, "a.bare": {""}, "a.old": {""}, "a.bang": {"x!y"}},
		},
		{name: "parameters without quotes", env: []string{`GIT_CONFIG_PARAMETERS=a.k=1`}, fails: true},
		{name: "parameters unfinished", env: []string{`GIT_CONFIG_PARAMETERS='a.k`}, fails: true},
		{name: "parameters run together", env: []string{`GIT_CONFIG_PARAMETERS='a.k'='1''a.l'='2'`}, fails: true},
		{name: "parameters with an unquoted value", env: []string{`GIT_CONFIG_PARAMETERS='a.k'=1`}, fails: true},
		{name: "parameters with a strange escape", env: []string{`GIT_CONFIG_PARAMETERS='a.k=1'\x'y'`}, fails: true},
		{
			name: "include from the environment", files: hit,
			env: []string{"GIT_CONFIG_PARAMETERS='include.path'='~/hit'"}, want: map[string][]string{"a.hit": {"1"}},
		},
		{
			name: "conditions from the environment", files: hit, want: map[string][]string{"a.hit": {"1"}, "a.miss": nil},
			env: []string{"GIT_CONFIG_PARAMETERS='includeif.gitdir:repo/.path'='~/hit' 'includeif.gitdir:./.path'='~/miss'"},
		},
		{name: "relative include from the environment", files: hit, env: []string{"GIT_CONFIG_PARAMETERS='include.path'='hit'"}, fails: true},
		{
			name:  "includes",
			files: map[string]string{"home/.gitconfig": "[a]k=1\n[include]path=sub/one\npath=ROOT/two\npath=none\n[a]k=4", "home/sub/one": "[a]k=2\n[include]path=../three", "two": "[a]k=3", "home/three": "[a]k=5"},
			want:  map[string][]string{"a.k": {"1", "2", "5", "3", "4"}},
		},
		{name: "include without value", files: map[string]string{"home/.gitconfig": "[include]path"}, fails: true},
		{name: "include of an unknown user", files: map[string]string{"home/.gitconfig": "[include]path=~no-such-user/x"}, fails: true},
		{name: "include of a folder", files: map[string]string{"home/.gitconfig": "[include]path=.config"}, fails: true},
		{name: "include of a bad file", files: map[string]string{"home/.gitconfig": "[include]path=x", "home/x": "[a"}, fails: true},
		{name: "include below a file", files: map[string]string{"home/.gitconfig": "[include]path=.gitconfig/x\n[a]k=1"}, want: map[string][]string{"a.k": {"1"}}},
		{name: "include with a subsection is none", files: map[string]string{"home/.gitconfig": "[include \"x\"]path"}},
		{name: "ten includes", files: func() map[string]string {
			f := chain(10)
			f["home/.gitconfig"] = "[include]path=c0"
			return f
		}(), want: map[string][]string{"c.d": {"9", "8", "7", "6", "5", "4", "3", "2", "1", "0"}}},
		{name: "eleven includes", files: func() map[string]string {
			f := chain(11)
			f["home/.gitconfig"] = "[include]path=c0"
			return f
		}(), fails: true},
		{name: "include of itself", files: map[string]string{"home/.gitconfig": "[include]path=.gitconfig"}, fails: true},
		{
			name: "onbranch", want: map[string][]string{"a.hit": {"1", "1", "1", "1", "1"}, "a.miss": nil},
			files: on([]string{"onbranch:topic/one", "onbranch:topic/", "onbranch:topic/*", "onbranch:**", "onbranch:**/one"},
				[]string{"onbranch:topic", "onbranch:*", "onbranch:TOPIC/one", "onbranch:", "onbranch"}),
		},
		{
			name: "gitdir", want: map[string][]string{"a.hit": slices.Repeat([]string{"1"}, 8), "a.miss": nil},
			files: on([]string{"gitdir:ROOT/repo/.git", "gitdir:ROOT/", "gitdir:repo/", "gitdir:.git", "gitdir:**/repo/.git", "gitdir:", "gitdir/i:REPO/.GIT", "gitdir:*"},
				[]string{"gitdir:ROOT/repo", "gitdir:REPO/", "gitdir:./repo/", "gitdir:./.git", "gitdir:~/", "gitdir:~no-such-user/", "gitdir", "gitdir/i", "GitDir:repo/", "unknown:x", "gitdir:~/../repo/"}),
		},
		{
			name: "gitdir beside the file", files: map[string]string{"g[1]": "[includeIf \"gitdir:./repo/\"]path=home/hit\n[includeIf \"gitdir/i:./REPO/.git\"]path=home/hit\n[includeIf \"gitdir:./\"]path=home/hit\n[includeIf \"gitdir:./rep\"]path=home/miss", "home/hit": "[a]hit=1", "home/miss": "[a]miss=1"},
			env: []string{"GIT_CONFIG_GLOBAL=ROOT/g[1]"}, want: map[string][]string{"a.hit": {"1", "1", "1"}, "a.miss": nil},
		},
		{
			name: "other keys of includeIf", files: map[string]string{"home/.gitconfig": "[includeIf \"gitdir:repo/\"]pat=hit\npath=hit\n[includeIf]path", "home/hit": "[a]hit=1"},
			want: map[string][]string{"a.hit": {"1"}},
		},
		{
			name: "hasconfig", want: map[string][]string{"a.hit": {"1"}, "a.miss": nil},
			files: func() map[string]string {
				f := on([]string{"hasconfig:remote.*.url:https://example.org/**"}, []string{"hasconfig:remote.*.url:https://*", "hasconfig:remote.url:x"})
				f["repo/.git/config"] = "[remote \"o\"]url=https://example.org/a/b\n[remote]url=x"
				return f
			}(),
		},
		{
			name:  "hasconfig with its own reason",
			files: map[string]string{"home/.gitconfig": "[includeIf \"hasconfig:remote.*.url:x\"]path=x", "home/x": "[remote \"o\"]url=x"}, fails: true,
		},
		{
			name:  "hasconfig beside a URL on a condition",
			files: map[string]string{"home/.gitconfig": "[includeIf \"hasconfig:remote.*.url:x\"]path=none\n[includeIf \"onbranch:**\"]path=x", "home/x": "[include]path=y", "home/y": "[remote \"o\"]url=x"}, fails: true,
		},
		{
			name:  "URL on a condition",
			files: map[string]string{"home/.gitconfig": "[includeIf \"onbranch:**\"]path=x", "home/x": "[remote \"o\"]url=x"}, want: map[string][]string{"remote.o.url": {"x"}},
		},
		{name: "folder for a file", files: map[string]string{"etc/gitconfig/x": ""}, fails: true},
		{name: "bad local file", files: map[string]string{"repo/.git/config": "[a]\nk = \"\n"}, fails: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t).with(tt.env...)
			for name, text := range tt.files {
				h.write(t, name, text)
			}
			c, err, diff := h.agree()
			if diff != nil {
				t.Fatal(diff)
			}
			if (err != nil) != tt.fails {
				t.Fatalf("got error %v, want one: %v", err, tt.fails)
			}
			for key, want := range tt.want {
				if got := c.All(key); !slices.Equal(got, want) {
					t.Errorf("%s: got %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestLoadSeesLinkedWorktrees(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "repo/.git/config", "[core]repositoryformatversion=1\n[extensions]worktreeConfig=true\n[a]k=shared")
	h.write(t, "repo/.git/config.worktree", "[a]k=main")
	h.write(t, "repo/.git/worktrees/w/config.worktree", "[a]k=w")
	h.write(t, "repo/.git/worktrees/w/HEAD", "ref: refs/heads/topic/one\n")
	h.write(t, "repo/.git/worktrees/w/commondir", "../..\n")
	h.write(t, "repo/.git/worktrees/w/gitdir", "ROOT/w/.git\n")
	h.write(t, "w/.git", "gitdir: ROOT/repo/.git/worktrees/w\n")
	h.write(t, "home/.gitconfig", "[includeIf \"gitdir:w/\"]path=hit\n[includeIf \"gitdir:worktrees/w\"]path=hit")
	h.write(t, "home/hit", "[a]hit=1")
	h.top, h.gitDir = h.root+"/w", h.root+"/repo/.git/worktrees/w"
	c, err, diff := h.agree()
	if err != nil || diff != nil {
		t.Fatal(err, diff)
	}
	if got := c.All("a.k"); !slices.Equal(got, []string{"shared", "w"}) {
		t.Errorf("got %q", got)
	}
	if got := c.All("a.hit"); len(got) != 1 {
		t.Errorf("the conditions held %d times, want once", len(got))
	}
}

func TestLoadFollowsSymlinks(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for from, to := range map[string]string{"link": "repo", "elsewhere": "home"} {
		if err := os.Symlink(h.root+"/"+to, h.root+"/"+from); err != nil {
			t.Fatal(err)
		}
	}
	h.write(t, "home/.gitconfig", "[includeIf \"gitdir:link/\"]path=hit\n[includeIf \"gitdir:repo/\"]path=hit")
	h.write(t, "home/hit", "[a]hit=1")
	for env, want := range map[string]int{"PWD=ROOT/link": 2, "PWD=ROOT/home": 1, "PWD=link": 1, "HOME=ROOT/elsewhere": 1} {
		c, err, diff := h.with(env).agree()
		if err != nil || diff != nil {
			t.Errorf("%s: %v, %v", env, err, diff)
		}
		if got := len(c.All("a.hit")); got != want {
			t.Errorf("%s: %d conditions held, want %d", env, got, want)
		}
	}
}

func TestLoadMeetsUnreadableFiles(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	for name, fails := range map[string]bool{"etc/gitconfig": true, "home/.gitconfig": false, "home/.config/git/config": false, "repo/.git/config": true} {
		h := newHost(t)
		h.write(t, name, "[a]k=1")
		if err := os.Chmod(h.root+"/"+name, 0); err != nil {
			t.Fatal(err)
		}
		if _, err, diff := h.agree(); diff != nil || (err != nil) != fails {
			t.Errorf("%s: got %v, want an error: %v; %v", name, err, fails, diff)
		}
	}
}

func TestLoadRefusesTheUnknowable(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "home/.gitconfig", "[include]path=%(prefix)/etc/more")
	if _, err := Load(h.places(), nil); err == nil {
		t.Error("got no error for a path below git's prefix")
	}
}
