package spec

import (
	"slices"
	"strings"
	"unicode"
)

// IsSecretName reports whether an environment variable is named like a secret. The words
// of a name are what other characters than letters and digits separate. One of them must
// be KEY, PASS or PWD, or end in TOKEN, PASSWORD, AUTH or the like, since such names are
// often written together: API_KEY, PGPASSWORD and GITHUB_TOKENS are, KEYBOARD and
// COMPASS are not.
//
// If the last word is FILE, NAME or the like, the variable says something about a secret,
// such as where it is: SSH_AUTH_SOCK and DB_PASSWORD_FILE are no secrets.
func IsSecretName(name string) bool {
	words := nameWords(name)
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "FILE", "PATH", "DIR", "SOCK", "SOCKET", "NAME", "TYPE", "METHOD", "MODE", "USER", "HOST", "PORT", "DOMAIN", "ENABLED":
		return false
	}
	return mentionsSecret(name)
}

// mentionsSecret is IsSecretName without the second rule. It is for what a repository's
// config must not pass on: that includes the files of secrets, and the SSH agent.
func mentionsSecret(name string) bool {
	return name != "PWD" && slices.ContainsFunc(nameWords(name), isSecretWord)
}

func nameWords(name string) []string {
	return strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func isSecretWord(word string) bool {
	word = strings.TrimRight(word, "0123456789")
	switch word {
	case "KEY", "KEYS", "PASS", "PWD", "SSHPASS", "DBPASS":
		return true
	}
	word = strings.TrimSuffix(word, "S")
	return slices.ContainsFunc([]string{
		"TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "AUTH", "AUTHORIZATION", "DSN", "JWT",
		"APIKEY", "ACCESSKEY", "SECRETKEY", "PRIVATEKEY",
	}, func(end string) bool { return strings.HasSuffix(word, end) })
}
