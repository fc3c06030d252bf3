package spec

import "testing"

func TestIsSecretName(t *testing.T) {
	t.Parallel()
	tests := map[bool][]string{
		true: {
			"TOKEN", "GITHUB_TOKEN", "GITHUBTOKEN", "SYSTEM_ACCESSTOKEN", "CIRCLE_OIDC_TOKEN_V2", "CI_JOB_JWT_V2", "TOKEN2", "MY_TOKENS",
			"SECRET", "CLIENT_SECRET", "SECRET_KEY_BASE", "clientsecret", "DB_PASS", "DB_PASSWORD", "DB_PASSWORD1", "PGPASSWORD",
			"MYSQLPASSWORD", "MYSQL_PWD", "SSHPASS", "PASSWD", "GPG_PASSPHRASE", "KEY", "API_KEY", "API_KEY_2", "api_keys", "apikey",
			"apiKey", "ACCESSKEY", "STRIPE_KEY", "aws_secret_access_key", "AWS_CREDENTIALS", "NPM_AUTH", "BASICAUTH", "HTTP_AUTHORIZATION",
			"npm_config_//registry.npmjs.org/:_authToken", "SENTRY_DSN",
		},
		false: {
			"", "_", "PATH", "HOME", "PWD", "OLDPWD", "KEYBOARD", "KEYTIMEOUT", "MONKEY", "TOKENIZER", "PASSAGE", "COMPASS", "BYPASS_CACHE",
			"AUTHOR", "GIT_AUTHOR_NAME", "GIT_ASKPASS", "SSH_ASKPASS_REQUIRE", "XAUTHORITY", "SSH_AUTH_SOCK", "DB_PASSWORD_FILE",
			"GITHUB_TOKEN_PATH", "PASSWORD_STORE_DIR", "PGPASSFILE", "SECRET_NAME", "TOKEN_TYPE", "AUTH_METHOD", "AUTH_HOST", "AUTH0_DOMAIN",
			"DATABASE_URL", "SECRETARY", "GNOME_KEYRING_CONTROL",
		},
	}
	for want, names := range tests {
		for _, name := range names {
			if IsSecretName(name) != want {
				t.Errorf("%s: %v", name, !want)
			}
		}
	}
}
