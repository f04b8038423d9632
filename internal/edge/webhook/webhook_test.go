package webhook_test

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // what the service signs with
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/webhook"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const body = `{"action":"opened"}`

func mac(algorithm func() hash.Hash, secret, text string) []byte {
	m := hmac.New(algorithm, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func signed(algorithm, encoding string) *webhook.Auth {
	return &webhook.Auth{Type: webhook.HMAC, Algorithm: algorithm, Encoding: encoding, SignatureHeaderName: "X-Signature", SigningSecret: "s3cret"}
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func kind(err error) fault.Kind {
	var e *fault.Error
	errors.As(err, &e)
	return e.Kind
}

func TestBasicAuthIsComparedWhole(t *testing.T) {
	t.Parallel()
	auth := &webhook.Auth{Type: webhook.Basic, Username: "u", Password: "p"}
	header := func(text string) http.Header {
		return headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(text)))
	}
	require.NoError(t, auth.Verify("GENERIC", header("u:p"), nil, now))
	for _, wrong := range []string{"u:q", "v:p", "u:", ":p", "u"} {
		require.Equal(t, fault.Forbidden, kind(auth.Verify("GENERIC", header(wrong), nil, now)), wrong)
	}
	require.Equal(t, fault.Forbidden, kind(auth.Verify("GENERIC", headers(), nil, now)))
}

func TestAPIKeyIsReadFromItsHeader(t *testing.T) {
	t.Parallel()
	auth := &webhook.Auth{Type: webhook.APIKey, HeaderName: "X-Key", APIKey: "k"}
	require.NoError(t, auth.Verify("GENERIC", headers("x-key", "k"), nil, now))
	require.Equal(t, fault.Forbidden, kind(auth.Verify("GENERIC", headers("x-key", "kk"), nil, now)))
	require.Equal(t, fault.Forbidden, kind(auth.Verify("GENERIC", headers(), nil, now)))
}

func TestSignatureIsReadInEveryAlgorithmAndEncoding(t *testing.T) {
	t.Parallel()
	for algorithm, of := range map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New, "MD5": md5.New} {
		for encoding, text := range map[string]func([]byte) string{
			"HEX": hex.EncodeToString, "BASE64": base64.StdEncoding.EncodeToString, "BASE64URL": base64.URLEncoding.EncodeToString,
		} {
			auth := signed(algorithm, encoding)
			right := text(mac(of, "s3cret", body))
			require.NoError(t, auth.Check("GITHUB"))
			require.NoError(t, auth.Verify("GITHUB", headers("X-Signature", right), []byte(body), now))
			require.NoError(t, auth.Verify("GITHUB", headers("X-Signature", "sha256="+right), []byte(body), now))
			require.Equal(t, fault.Forbidden, kind(auth.Verify("GITHUB", headers("X-Signature", right), []byte(body+" "), now)))
			require.Equal(t, fault.Forbidden, kind(auth.Verify("GITHUB", headers("X-Signature", text(mac(of, "other", body))), []byte(body), now)))
			require.Equal(t, fault.Forbidden, kind(auth.Verify("GITHUB", headers(), []byte(body), now)))
		}
	}
}

func stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

func TestSlackSignsWhenItWasSent(t *testing.T) {
	t.Parallel()
	auth := signed("SHA256", "HEX")
	sent := func(at time.Time, text string) http.Header {
		return headers("X-Slack-Request-Timestamp", stamp(at),
			"X-Signature", "v0="+hex.EncodeToString(mac(sha256.New, "s3cret", "v0:"+stamp(at)+":"+text)))
	}
	for _, at := range []time.Time{now, now.Add(-5 * time.Minute), now.Add(5 * time.Minute)} {
		require.NoError(t, auth.Verify(webhook.Slack, sent(at, body), []byte(body), now))
	}
	require.Equal(t, fault.Forbidden, kind(auth.Verify(webhook.Slack, sent(now.Add(-5*time.Minute-time.Second), body), []byte(body), now)))
	require.Equal(t, fault.Forbidden, kind(auth.Verify(webhook.Slack, sent(now, "{}"), []byte(body), now)))
	require.Equal(t, fault.Forbidden, kind(auth.Verify(webhook.Slack, headers(), []byte(body), now)))
}

func TestStripeSignsWhenItWasSent(t *testing.T) {
	t.Parallel()
	auth := signed("SHA256", "HEX")
	sent := func(at time.Time, text string) http.Header {
		return headers("X-Signature", "t="+stamp(at)+", v1=00, v1="+hex.EncodeToString(mac(sha256.New, "s3cret", stamp(at)+"."+text)))
	}
	require.NoError(t, auth.Verify(webhook.Stripe, sent(now.Add(-10*time.Minute), body), []byte(body), now))
	require.Equal(t, fault.Forbidden, kind(auth.Verify(webhook.Stripe, sent(now.Add(-10*time.Minute-time.Second), body), []byte(body), now)))
	require.Equal(t, fault.Forbidden, kind(auth.Verify(webhook.Stripe, sent(now, "{}"), []byte(body), now)))
	for _, unreadable := range []string{"", "v1=00", "t=1", "t=soon,v1=00"} {
		require.Equal(t, fault.Invalid, kind(auth.Verify(webhook.Stripe, headers("X-Signature", unreadable), []byte(body), now)), unreadable)
	}
}

func TestSvixSignsItsMessage(t *testing.T) {
	t.Parallel()
	key := []byte("a key of some bytes")
	auth := signed("SHA256", "BASE64")
	auth.SigningSecret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	require.NoError(t, auth.Check(webhook.Svix))
	for _, prefix := range []string{"svix-", "webhook-"} {
		sent := func(at time.Time, text string) http.Header {
			right := base64.StdEncoding.EncodeToString(mac(sha256.New, string(key), "msg_1."+stamp(at)+"."+text))
			return headers(prefix+"id", "msg_1", prefix+"timestamp", stamp(at), prefix+"signature", "v1,AAAA v2,x v1,"+right)
		}
		require.NoError(t, auth.Verify(webhook.Svix, sent(now, body), []byte(body), now))
		require.Equal(t, fault.Forbidden, kind(auth.Verify(webhook.Svix, sent(now.Add(-6*time.Minute), body), []byte(body), now)))
		require.Equal(t, fault.Forbidden, kind(auth.Verify(webhook.Svix, sent(now, "{}"), []byte(body), now)))
	}
	require.Equal(t, fault.Invalid, kind(auth.Verify(webhook.Svix, headers(), []byte(body), now)))
	auth.SigningSecret = "plain"
	require.Equal(t, fault.Invalid, kind(auth.Check(webhook.Svix)))
}

func TestWhatCannotProveAnythingIsRefused(t *testing.T) {
	t.Parallel()
	for field, auth := range map[string]*webhook.Auth{
		"authType":                 {Type: "NONE"},
		"auth.username":            {Type: webhook.Basic, Password: "p"},
		"auth.apiKey":              {Type: webhook.APIKey, HeaderName: "h"},
		"auth.algorithm":           {Type: webhook.HMAC, Algorithm: "ROT13", Encoding: "HEX", SignatureHeaderName: "h", SigningSecret: "s"},
		"auth.encoding":            {Type: webhook.HMAC, Algorithm: "SHA256", Encoding: "MORSE", SignatureHeaderName: "h", SigningSecret: "s"},
		"auth.signingSecret":       {Type: webhook.HMAC, Algorithm: "SHA256", Encoding: "HEX", SignatureHeaderName: "h"},
		"auth.signatureHeaderName": {Type: webhook.HMAC, Algorithm: "SHA256", Encoding: "HEX", SigningSecret: "s"},
	} {
		err := auth.Check("GENERIC")
		var e *fault.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, field, e.Field)
	}
	require.Error(t, (&webhook.Auth{Type: webhook.Basic, Username: "u", Password: "p"}).Check(webhook.Stripe))
	require.Error(t, (&webhook.Auth{Type: webhook.Basic, Username: "u", Password: "p"}).Check("FAX"))
}

func TestFormsAreReadFromThoseWhoSendThem(t *testing.T) {
	t.Parallel()
	const formType = "application/x-www-form-urlencoded"
	fields, err := webhook.Payload(webhook.Slack, formType, []byte(`payload=%7B%22a%22%3A1%7D&b=2`))
	require.NoError(t, err)
	require.Equal(t, "1", string(fields["a"]))
	require.NotContains(t, fields, "b")
	for _, source := range []string{webhook.Slack, "GENERIC"} {
		fields, err = webhook.Payload(source, formType+"; charset=utf-8", []byte(`text=one&text=two&n=1`))
		require.NoError(t, err)
		require.Equal(t, `"one"`, string(fields["text"]))
		require.Equal(t, `"1"`, string(fields["n"]))
	}
	_, err = webhook.Payload(webhook.Stripe, formType, []byte(`a=1`))
	require.Equal(t, fault.Invalid, kind(err))
	for _, wrong := range []string{``, `[]`, `null`, `"x"`, `{`} {
		_, err = webhook.Payload("GENERIC", "application/json", []byte(wrong))
		require.Equal(t, fault.Invalid, kind(err), wrong)
	}
}

func TestOnlySlackIsAnsweredItsChallenge(t *testing.T) {
	t.Parallel()
	require.Equal(t, "abc", webhook.Challenge(webhook.Slack, []byte(`{"challenge":"abc"}`)))
	require.Empty(t, webhook.Challenge(webhook.Slack, []byte(`{"challenge":7}`)))
	require.Empty(t, webhook.Challenge(webhook.Slack, []byte(`challenge=abc`)))
	require.Empty(t, webhook.Challenge("GENERIC", []byte(`{"challenge":"abc"}`)))
}
