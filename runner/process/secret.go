package process

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"chant/spec"
)

// minKey is the length in bytes of the shortest key that is known without a name.
const minKey = 20

// Secrets returns what has to be masked of an environment, the longest first:
//
//   - the values of the variables for which spec.IsSecretName returns true, and of those
//     that begin as the keys of a well-known service do, or that hold a private key;
//   - each line of these values, since programs indent and number lines, but not the first
//     and the last line of a private key;
//   - of a URL with a password or a token before its host, that and the whole URL, whatever
//     the variable is called.
//
// Words and small numbers that are no secrets, such as true, root and 1234, are left out,
// since output is full of them, and so is all of less than 4 bytes.
func Secrets(env []string) []string {
	var found []string
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if spec.IsSecretName(name) || isKey(value) {
			found = append(append(found, value), secretLines(value)...)
		}
		for field := range strings.FieldsSeq(value) {
			found = append(found, userInfo(field)...)
		}
	}
	return longestFirst(slices.DeleteFunc(found, isOrdinary))
}

// isKey reports whether a value is a secret by its look.
func isKey(value string) bool {
	if strings.Contains(value, "PRIVATE KEY-----") {
		return true
	}
	return len(value) >= minKey && !strings.ContainsFunc(value, unicode.IsSpace) && slices.ContainsFunc([]string{
		"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "sk_live_", "sk_test_", "rk_live_", "rk_test_",
		"whsec_", "xoxb-", "xoxp-", "xapp-", "AIza", "npm_", "pypi-", "hf_", "eyJ", // the last begins a JSON web token
	}, func(begin string) bool { return strings.HasPrefix(value, begin) })
}

// secretLines returns the lines of a value without blanks around them. A "\n" counts as the
// end of a line: that is how a private key stands in JSON and in .env files.
func secretLines(value string) []string {
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(value, `\n`, "\n")) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			lines = append(lines, line)
		}
	}
	return lines
}

// userInfo returns the secrets of a URL. A password that is also the user's name is the
// default of some service. A long name is a token, as in https://TOKEN@github.com/.
func userInfo(text string) []string {
	_, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@")
	user, password, _ := strings.Cut(rest[:max(at, 0)], ":")
	var secrets []string
	if password != "" && password != user {
		secrets = append(secrets, password)
	}
	if len(user) >= minKey {
		secrets = append(secrets, user)
	}
	for _, secret := range secrets {
		if plain, err := url.PathUnescape(secret); err == nil {
			secrets = append(secrets, plain)
		}
	}
	if password != "" || len(secrets) > 0 {
		secrets = append(secrets, text)
	}
	return secrets
}

// isOrdinary reports whether a value is a switch, the default name or password of some
// service, or a number of less than 6 digits.
func isOrdinary(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "null", "none", "auto", "test", "root", "user", "admin", "guest", "postgres", "password", "secret":
		return true
	}
	return len(value) < 6 && strings.Trim(value, "0123456789") == ""
}
