package auth

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/fault"
)

// SecretBytes is the size of the signing key: that of the hash it is used with.
const SecretBytes = 32

// Grant is what a new token says.
type Grant struct {
	Token     uuid.UUID
	Tenant    uuid.UUID
	IssuedAt  time.Time
	ExpiresAt time.Time
	HTTPURL   string // where the HTTP server is found, like http://127.0.0.1:8080
	GRPCAddr  string // where the gRPC server is found, like 127.0.0.1:7077
}

// claims are a token's content. With server_url and grpc_broadcast_address a client
// finds its server from the token alone.
type claims struct {
	TokenID              string `json:"token_id"`
	ServerURL            string `json:"server_url"`
	GRPCBroadcastAddress string `json:"grpc_broadcast_address"`
	jwt.RegisteredClaims
}

// Sign makes the token of g.
func Sign(secret []byte, g Grant) (string, error) {
	if ttl := g.ExpiresAt.Sub(g.IssuedAt); ttl <= 0 || ttl > ttlMax {
		return "", fault.New(fault.Invalid, "ttl", "is %s, allowed is up to %s", ttl, ttlMax)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, &claims{
		TokenID:              g.Token.String(),
		ServerURL:            g.HTTPURL,
		GRPCBroadcastAddress: g.GRPCAddr,
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    issuer,
			Audience:  jwt.ClaimStrings{audience},
			Subject:   g.Tenant.String(),
			IssuedAt:  jwt.NewNumericDate(g.IssuedAt),
			ExpiresAt: jwt.NewNumericDate(g.ExpiresAt),
		},
	})
	signed, err := token.SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}

// Address reads the gRPC address out of a token without checking it: for clients,
// which have no key. It is empty if the token is none of ours.
func Address(token string) string {
	var c claims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil {
		return ""
	}
	return c.GRPCBroadcastAddress
}
