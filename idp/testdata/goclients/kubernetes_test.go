package goclients

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"k8s.io/apiserver/pkg/apis/apiserver"
	authenticator "k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

const kubernetesSeed = `
apiVersion: mockduktor/v1
kind: Client
metadata: {name: kubernetes}
spec: {token_endpoint_auth_method: none, redirect_uris: ["http://localhost:8000/"]}
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: other}
spec: {token_endpoint_auth_method: none, redirect_uris: ["http://localhost:8000/"]}
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: kubernetes-ES256}
spec: {token_endpoint_auth_method: none, redirect_uris: ["http://localhost:8000/"], id_token_signed_response_alg: ES256}
---
apiVersion: mockduktor/v1
kind: Client
metadata: {name: kubernetes-PS256}
spec: {token_endpoint_auth_method: none, redirect_uris: ["http://localhost:8000/"], id_token_signed_response_alg: PS256}
`

type bundle []byte

func (b bundle) CurrentCABundleContent() []byte { return b }

// The API server's own authenticator, with nothing but the issuer's URL and the
// development CA, and the sign-in of kubectl's plugins.
func TestKubernetes(t *testing.T) {
	e := serve(t, kubernetesSeed)
	p := newParty(t, "k8s.io/apiserver", "k8s.io/apiserver")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	prefix := "oidc:"
	trust := func(t *testing.T, audience string) authenticator.AuthenticatorTokenWithHealthCheck {
		t.Helper()
		verifier, err := authenticator.New(ctx, authenticator.Options{
			JWTAuthenticator: apiserver.JWTAuthenticator{
				Issuer: apiserver.Issuer{URL: e.issuer, Audiences: []string{audience}},
				ClaimMappings: apiserver.ClaimMappings{
					Username: apiserver.PrefixedClaimOrExpression{Claim: "email", Prefix: &prefix},
					Groups:   apiserver.PrefixedClaimOrExpression{Claim: "groups", Prefix: &prefix},
				},
			},
			CAContentProvider:    bundle(e.ca),
			SupportedSigningAlgs: []string{"RS256", "ES256", "PS256"},
		})
		if err != nil {
			t.Fatal(err)
		}
		// It makes itself ready in the background and says when it is.
		for err = verifier.HealthCheck(); err != nil; err = verifier.HealthCheck() {
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		return verifier
	}

	back := func(u *url.URL) bool { return u.Host == "localhost:8000" }
	signIn := func(t *testing.T, id string) (*oauth2.Config, *oauth2.Token, string) {
		t.Helper()
		client := e.client(t, back)
		ctx := oidc.ClientContext(ctx, client)
		provider, err := oidc.NewProvider(ctx, e.issuer)
		if err != nil {
			t.Fatal(err)
		}
		config := &oauth2.Config{ClientID: id, RedirectURL: "http://localhost:8000/", Endpoint: provider.Endpoint(), Scopes: []string{"openid", "email", "groups", "offline_access"}}
		verifier := oauth2.GenerateVerifier()
		response, err := client.Get(config.AuthCodeURL("a state", oauth2.S256ChallengeOption(verifier)))
		answered := press(t, client, read(t, response, err), "sign-in-ada")
		location, err := answered.Location()
		if err != nil {
			t.Fatal(err)
		}
		token, err := config.Exchange(ctx, location.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := token.Extra("id_token").(string)
		return config, token, raw
	}

	var verifier authenticator.AuthenticatorTokenWithHealthCheck
	p.feature("TLS", func(t *testing.T) { verifier = trust(t, "kubernetes") })
	p.feature("discovery", func(t *testing.T) { trust(t, "kubernetes") })
	config, token, raw := signIn(t, "kubernetes")
	p.feature("ID token", func(t *testing.T) {
		answer, ok, err := verifier.AuthenticateToken(ctx, raw)
		if err != nil || !ok || answer.User.GetName() != "oidc:ada@shop.example" {
			t.Fatalf("%v %v %+v", ok, err, answer)
		}
		head, signature := raw[:strings.LastIndexByte(raw, '.')+1], raw[strings.LastIndexByte(raw, '.')+1:]
		if _, ok, err := verifier.AuthenticateToken(ctx, head+strings.Repeat("A", len(signature))); ok || err == nil || !strings.Contains(err.Error(), "signature") {
			t.Errorf("another signature: %v %v", ok, err)
		}
		_, _, foreign := signIn(t, "other")
		if _, ok, err := verifier.AuthenticateToken(ctx, foreign); ok || err == nil || !strings.Contains(err.Error(), "audience") {
			t.Errorf("a token for another client: %v %v", ok, err)
		}
	})
	p.feature("groups", func(t *testing.T) {
		answer, ok, err := verifier.AuthenticateToken(ctx, raw)
		if err != nil || !ok {
			t.Fatalf("%v %v", ok, err)
		}
		if groups := answer.User.GetGroups(); !slices.Contains(groups, "oidc:team-checkout") {
			t.Errorf("groups %q", groups)
		}
	})
	p.feature("refresh", func(t *testing.T) {
		// As kubectl's plugins do when the ID token has run out.
		fresh, err := config.TokenSource(oidc.ClientContext(ctx, e.client(t, back)), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		if err != nil {
			t.Fatal(err)
		}
		again, _ := fresh.Extra("id_token").(string)
		answer, ok, err := verifier.AuthenticateToken(ctx, again)
		if err != nil || !ok || answer.User.GetName() != "oidc:ada@shop.example" || fresh.RefreshToken == token.RefreshToken {
			t.Errorf("%v %v %+v", ok, err, answer)
		}
	})
	for _, alg := range []string{"ES256", "PS256"} {
		t.Run(alg, func(t *testing.T) {
			_, _, raw := signIn(t, "kubernetes-"+alg)
			if answer, ok, err := trust(t, "kubernetes-"+alg).AuthenticateToken(ctx, raw); err != nil || !ok {
				t.Errorf("%v %v %+v", ok, err, answer)
			}
		})
	}
}
