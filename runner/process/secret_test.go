package process

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		env  []string
		want []string
	}{
		{"names", []string{
			"API_KEY=123456", "GITHUB_TOKEN=abcdefgh", "aws_secret_access_key=lower-case", "DB_PASSWORD=with=equals",
			"PASSWD=passwd", "AWS_CREDENTIALS=plural", "SAME_TOKEN=abcdefgh",
			"KEYBOARD=qwertz-layout", "MONKEY=banana-eater", "TOKEN_FILE=/run/token", "PATH=/usr/bin:/bin", "no-equals-sign_KEY",
		}, []string{"with=equals", "lower-case", "abcdefgh", "123456", "passwd", "plural"}},
		{"short", []string{"DB_PASS=pw4x", "TOKEN=abc", "EMPTY_TOKEN="}, []string{"pw4x"}},
		{"words and numbers", []string{
			"USE_AUTH=true", "A_KEY=False", "DB_PASS=root", "PGPASSWORD=postgres", "PIN_PASS=1234", "MAX_TOKENS=32000", "B_KEY=123456",
		}, []string{"123456"}},
		{"lines", []string{"DEPLOY_KEY=BEGIN\n  first-line\r\n\nab\nsecond-line\n"}, []string{
			"BEGIN\n  first-line\r\n\nab\nsecond-line\n", "second-line", "first-line", "BEGIN",
		}},
		{"private key", []string{"DEPLOY=-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAEC\n-----END RSA PRIVATE KEY-----"}, []string{
			"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAEC\n-----END RSA PRIVATE KEY-----", "MIIEow", "AAEC",
		}},
		{"escaped ends of lines", []string{`KEY=MIIEow\nAAEC`}, []string{`MIIEow\nAAEC`, "MIIEow", "AAEC"}},
		{"by its look", []string{
			"STRIPE_SK=sk_live_NotARealKey00000000", "TOOL=npm_config", "TEXT=sk_live_ begins the key of a live account",
		}, []string{"sk_live_NotARealKey00000000"}},
		{"URL", []string{"DATABASE_URL=postgres://u:p%40ssword@h/d"}, []string{"postgres://u:p%40ssword@h/d", "p%40ssword", "p@ssword"}},
		{"URL of a proxy", []string{"https_proxy=http://:hunter22@proxy:80"}, []string{"http://:hunter22@proxy:80", "hunter22"}},
		{"URL with a bad password", []string{"URI=amqp://u:5%5@h"}, []string{"amqp://u:5%5@h"}},
		{"URL with a token", []string{"REMOTE=https://0123456789abcdefghij@host/x"}, []string{
			"https://0123456789abcdefghij@host/x", "0123456789abcdefghij",
		}},
		{"URL with the default password", []string{"DATABASE_URL=postgres://app:app@h/d"}, []string{"postgres://app:app@h/d"}},
		{"URLs", []string{"INDEX=https://a:secret-1@h/ https://h/b@2:8080/"}, []string{"https://a:secret-1@h/", "secret-1"}},
		{"URL without secrets", []string{"A_URL=ssh://git@host/x", "B_URL=https://host:80/x@y", "C=a@b", "D=://@", "E=://:@"}, nil},
		{"URL by its name", []string{"SENTRY_DSN=https://abc@sentry.example/1"}, []string{"https://abc@sentry.example/1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Secrets(tt.env)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
