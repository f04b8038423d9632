// Package webhook tells whether a request was made by who it says: somebody who shares a
// secret with the tenant, in one of the ways that are in use; and what it brings.
//
// It owns the rules of each source: where its signature is, what is signed, how old it may
// be. It promises that secrets are compared in constant time, and that a request which is
// refused is refused before its body is believed.
package webhook

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // some services sign with it: the owner of the webhook chooses
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
)

// How old, or how far ahead, the time in a signature may be: who overheard a request
// cannot make it again later.
const (
	skewMax       = 5 * time.Minute
	stripeSkewMax = 10 * time.Minute
)

// The sources whose rules differ from the plain ones. Others are GENERIC, GITHUB, LINEAR.
const (
	Slack  = "SLACK"
	Stripe = "STRIPE"
	Svix   = "SVIX"
)

// Sources are those that are known.
var Sources = []string{"GENERIC", "GITHUB", Stripe, Slack, "LINEAR", Svix}

// The ways to prove who one is.
const (
	Basic  = "BASIC"
	APIKey = "API_KEY"
	HMAC   = "HMAC"
)

// Auth is what proves who calls: the fields of its Type.
type Auth struct {
	Type string `json:"-"`

	Username string `json:"username,omitempty"` // Basic
	Password string `json:"password,omitempty"`

	HeaderName string `json:"headerName,omitempty"` // APIKey
	APIKey     string `json:"apiKey,omitempty"`

	Algorithm           string `json:"algorithm,omitempty"` // HMAC: SHA1, SHA256, SHA512, MD5
	Encoding            string `json:"encoding,omitempty"`  // of the signature: HEX, BASE64, BASE64URL
	SignatureHeaderName string `json:"signatureHeaderName,omitempty"`
	SigningSecret       string `json:"signingSecret,omitempty"`
}

var algorithms = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New, "SHA512": sha512.New, "MD5": md5.New}

var encodings = map[string]func([]byte) string{
	"HEX":       hex.EncodeToString,
	"BASE64":    base64.StdEncoding.EncodeToString,
	"BASE64URL": base64.URLEncoding.EncodeToString,
}

// Check tells what is wrong with a webhook of a source that is to be called with a.
func (a *Auth) Check(source string) error {
	if !slices.Contains(Sources, source) {
		return fault.New(fault.Invalid, "sourceName", "is %q, not one of %s", source, strings.Join(Sources, ", "))
	}
	if (source == Slack || source == Stripe || source == Svix) && a.Type != HMAC {
		return fault.New(fault.Invalid, "authType", "is %s: %s signs its requests, use HMAC", a.Type, source)
	}
	switch a.Type {
	case Basic:
		return missing("auth", "username", a.Username, "password", a.Password)
	case APIKey:
		return missing("auth", "headerName", a.HeaderName, "apiKey", a.APIKey)
	case HMAC:
		return a.checkHMAC(source)
	default:
		return fault.New(fault.Invalid, "authType", "is %q, not one of BASIC, API_KEY, HMAC", a.Type)
	}
}

func (a *Auth) checkHMAC(source string) error {
	if algorithms[a.Algorithm] == nil {
		return fault.New(fault.Invalid, "auth.algorithm", "is %q, not one of SHA1, SHA256, SHA512, MD5", a.Algorithm)
	}
	if encodings[a.Encoding] == nil {
		return fault.New(fault.Invalid, "auth.encoding", "is %q, not one of HEX, BASE64, BASE64URL", a.Encoding)
	}
	if source == Svix {
		if _, err := svixSecret(a.SigningSecret); err != nil {
			return err
		}
	}
	return missing("auth", "signatureHeaderName", a.SignatureHeaderName, "signingSecret", a.SigningSecret)
}

// missing names the first of the fields that is empty: pairs of a name and a value.
func missing(parent string, pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return fault.New(fault.Invalid, parent+"."+pairs[i], "is empty")
		}
	}
	return nil
}

// errForeign says as little as can be to who is not believed.
var errForeign = fault.New(fault.Forbidden, "", "the request is not signed as this webhook wants it")

// Verify tells whether a request to a webhook of source comes from who shares a's secrets:
// nil, or fault.Forbidden, or fault.Invalid if what should prove it cannot be read.
func (a *Auth) Verify(source string, header http.Header, body []byte, now time.Time) error {
	switch {
	case a.Type == Basic:
		return a.verifyBasic(header)
	case a.Type == APIKey:
		return believe(equal(header.Get(a.HeaderName), a.APIKey))
	case source == Slack:
		return a.verifySlack(header, body, now)
	case source == Stripe:
		return a.verifyStripe(header, body, now)
	case source == Svix:
		return a.verifySvix(header, body, now)
	default:
		given := header.Get(a.SignatureHeaderName)
		return believe(given != "" && equal(bare(given), a.sign(body)))
	}
}

func believe(yes bool) error {
	if !yes {
		return errForeign
	}
	return nil
}

func equal(given, wanted string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(wanted)) == 1
}

// sign is the signature of parts that stand one after the other.
func (a *Auth) sign(parts ...[]byte) string {
	mac := hmac.New(algorithms[a.Algorithm], []byte(a.SigningSecret))
	for _, part := range parts {
		mac.Write(part)
	}
	return encodings[a.Encoding](mac.Sum(nil))
}

// bare is a signature without the name of its algorithm, which some put before it.
func bare(signature string) string {
	for _, prefix := range []string{"sha1=", "sha256=", "sha512=", "md5="} {
		if rest, found := strings.CutPrefix(signature, prefix); found {
			return rest
		}
	}
	return signature
}

func (a *Auth) verifyBasic(header http.Header) error {
	name, password, given := (&http.Request{Header: header}).BasicAuth()
	right := equal(name, a.Username) // both are compared, whatever the first says
	return believe(equal(password, a.Password) && right && given)
}

func (a *Auth) verifySlack(header http.Header, body []byte, now time.Time) error {
	stamp := header.Get("X-Slack-Request-Timestamp")
	if at, err := unix(stamp); err != nil || away(at, now) > skewMax {
		return errForeign
	}
	return believe(equal(header.Get(a.SignatureHeaderName), "v0="+a.sign([]byte("v0:"+stamp+":"), body)))
}

func (a *Auth) verifyStripe(header http.Header, body []byte, now time.Time) error {
	stamp, signatures, err := stripeParts(header.Get(a.SignatureHeaderName))
	if err != nil {
		return err
	}
	at, err := unix(stamp)
	if err != nil {
		return fault.New(fault.Invalid, a.SignatureHeaderName, "has a time t that is no number of seconds")
	}
	if away(at, now) > stripeSkewMax {
		return errForeign
	}
	want := a.sign([]byte(stamp+"."), body)
	return believe(anyEqual(signatures, want))
}

// stripeParts reads a header like t=1700000000,v1=abc,v1=def.
func stripeParts(header string) (stamp string, signatures []string, err error) {
	for _, part := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	if stamp == "" || len(signatures) == 0 {
		return "", nil, fault.New(fault.Invalid, "signature", "is not of the form t=<seconds>,v1=<signature>")
	}
	return stamp, signatures, nil
}

func (a *Auth) verifySvix(header http.Header, body []byte, now time.Time) error {
	of := func(name string) string {
		if value := header.Get("svix-" + name); value != "" {
			return value
		}
		return header.Get("webhook-" + name)
	}
	message, stamp, given := of("id"), of("timestamp"), of("signature")
	at, err := unix(stamp)
	if message == "" || given == "" || err != nil {
		return fault.New(fault.Invalid, "signature", "needs the headers svix-id, svix-timestamp and svix-signature, or those that begin with webhook-")
	}
	if away(at, now) > skewMax {
		return errForeign
	}
	secret, err := svixSecret(a.SigningSecret)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(message + "." + stamp + "."))
	mac.Write(body)
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	var signatures []string
	for _, one := range strings.Fields(given) {
		if signature, known := strings.CutPrefix(one, "v1,"); known {
			signatures = append(signatures, signature)
		}
	}
	return believe(anyEqual(signatures, want))
}

// svixSecret is the key in a secret like whsec_<base64>.
func svixSecret(secret string) ([]byte, error) {
	text, prefixed := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !prefixed || err != nil || len(key) == 0 {
		return nil, fault.New(fault.Invalid, "auth.signingSecret", "is not of the form whsec_<base64>")
	}
	return key, nil
}

// anyEqual compares all, so that the time says nothing about which one it was.
func anyEqual(given []string, wanted string) (found bool) {
	for _, one := range given {
		found = equal(one, wanted) || found
	}
	return found
}

func unix(seconds string) (time.Time, error) {
	n, err := strconv.ParseInt(seconds, 10, 64)
	return time.Unix(n, 0), err
}

func away(at, now time.Time) time.Duration { return now.Sub(at).Abs() }
