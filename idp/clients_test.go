package idp_test

import (
	"context"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// The whole way with coreos/go-oidc and golang.org/x/oauth2, through the page.
func TestGoOIDC(t *testing.T) {
	whole := newParty(t, "coreos/go-oidc", goOIDCModule)
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			s := newSite(t)
			client, library := newParty(t, "coreos/go-oidc", goOIDCModule), newParty(t, "golang.org/x/oauth2", oauth2Module)
			s.client("app", map[string]any{
				"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "id_token_signed_response_alg": alg,
				"post_logout_redirect_uris": []any{"http://app.example/bye"},
			})
			ctx := context.Background()
			provider, err := oidc.NewProvider(ctx, s.issuer)
			if err != nil {
				t.Fatal(err)
			}
			client.passed("discovery")
			config := oauth2.Config{
				ClientID: "app", ClientSecret: "s3cret+/%", RedirectURL: callback, Endpoint: provider.Endpoint(),
				Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
			}
			verifier := oauth2.GenerateVerifier()
			b := s.browser()
			page := b.open(config.AuthCodeURL("st/a+te=", oauth2.S256ChallengeOption(verifier), oidc.Nonce("non/c+e=")))
			response := s.response(b.press(page, "sign-in-ada"))
			if response.Get("state") != "st/a+te=" {
				t.Errorf("state came back as %q", response.Get("state"))
			}
			token, err := config.Exchange(ctx, response.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			library.passed("sign-in", "PKCE")
			// The library's default is RS256 alone; discovery gives it the others.
			check := provider.Verifier(&oidc.Config{ClientID: "app", Now: s.world.Clock.Now})
			first := verified(t, check, token)
			if first.Nonce != "non/c+e=" {
				t.Errorf("nonce came back as %q", first.Nonce)
			}
			if err := first.VerifyAccessToken(token.AccessToken); err != nil {
				t.Errorf("at_hash: %v", err)
			}
			if got := s.part(token.Extra("id_token"), 0)["alg"]; got != alg {
				t.Errorf("signed with %v", got)
			}

			client.passed("sign-in", "ID token")

			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
			if err != nil {
				t.Fatal(err)
			}
			var claims struct {
				Groups []string `json:"groups"`
			}
			if err := info.Claims(&claims); err != nil {
				t.Fatal(err)
			}
			if info.Subject != first.Subject || info.Email != "ada@example.com" || !info.EmailVerified || !reflect.DeepEqual(claims.Groups, []string{"platform", "ops"}) {
				t.Errorf("userinfo: %+v %+v", info, claims)
			}
			client.passed("userinfo", "groups")

			s.advance(time.Hour)
			token.Expiry = time.Now().Add(-time.Minute)
			refreshed, err := config.TokenSource(ctx, token).Token()
			if err != nil {
				t.Fatal(err)
			}
			if refreshed.RefreshToken == token.RefreshToken || refreshed.AccessToken == token.AccessToken {
				t.Error("the refresh gave the old tokens again")
			}
			again := verified(t, check, refreshed)
			if again.Subject != first.Subject || !again.Expiry.After(first.Expiry) {
				t.Errorf("refreshed ID token: %+v", again)
			}
			client.passed("refresh")
			library.passed("refresh")

			var more struct {
				EndSession string `json:"end_session_endpoint"`
			}
			if err := provider.Claims(&more); err != nil {
				t.Fatal(err)
			}
			hint, _ := refreshed.Extra("id_token").(string)
			a := b.open(more.EndSession + "?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"http://app.example/bye"}, "state": {"bye"}}.Encode())
			if a.Header.Get("Location") != "http://app.example/bye?state=bye" {
				t.Errorf("logout: %s to %q", a.Status, a.Header.Get("Location"))
			}
			if got := s.response(b.open(config.AuthCodeURL("x", oauth2.SetAuthURLParam("prompt", "none")))); got.Get("error") != "login_required" {
				t.Errorf("after logout: %v", got)
			}
			client.passed("logout")
		})
	}
	whole.passed("all algorithms")
}

func verified(t *testing.T, check *oidc.IDTokenVerifier, token *oauth2.Token) *oidc.IDToken {
	t.Helper()
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		t.Fatal("no id_token")
	}
	id, err := check.Verify(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// zitadel/oidc checks iat, azp, at_hash and auth_time as well. It reads the
// machine's clock, so the provider's follows that.
func TestZitadelRelyingParty(t *testing.T) {
	s := newSite(t)
	s.world.Clock.Set(time.Now())
	s.world.Clock.Run()
	client := newParty(t, "zitadel/oidc", zitadelModule)
	ctx := context.Background()
	party, err := rp.NewRelyingPartyOIDC(ctx, s.issuer, "app", "s3cret+/%", callback, []string{"openid", "profile", "email"},
		rp.WithPKCE(httphelper.NewCookieHandler([]byte("0123456789abcdef"), nil)),
		rp.WithVerifierOpts(
			rp.WithNonce(func(context.Context) string { return "a nonce" }),
			rp.WithAuthTimeMaxAge(time.Minute),
			rp.WithIssuedAtMaxAge(time.Minute),
			rp.WithSupportedSigningAlgorithms("RS256"),
		))
	if err != nil {
		t.Fatal(err)
	}
	client.passed("discovery")
	b := s.browser()
	page := b.open(rp.AuthURL("a state", party, rp.WithCodeChallenge(challengeOf(verifier)), rp.AuthURLOpt(rp.WithURLParam("nonce", "a nonce"))))
	response := s.response(b.press(page, "sign-in-ada"))
	tokens, err := rp.CodeExchange[*zitadel.IDTokenClaims](ctx, response.Get("code"), party, rp.WithCodeVerifier(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if tokens.IDTokenClaims.GetSubject() == "" || tokens.IDTokenClaims.Email != "ada@example.com" || !bool(tokens.IDTokenClaims.EmailVerified) {
		t.Errorf("claims: %+v", tokens.IDTokenClaims)
	}
	client.passed("sign-in", "PKCE", "ID token")
	info, err := rp.Userinfo[*zitadel.UserInfo](ctx, tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.GetSubject(), party)
	if err != nil {
		t.Fatal(err)
	}
	if info.Email != "ada@example.com" {
		t.Errorf("userinfo: %+v", info)
	}
	client.passed("userinfo")
	// Its refresh checks the new ID token without nonce.
	party, err = rp.NewRelyingPartyOIDC(ctx, s.issuer, "app", "s3cret+/%", callback, []string{"openid"})
	if err != nil {
		t.Fatal(err)
	}
	refreshed, err := rp.RefreshTokens[*zitadel.IDTokenClaims](ctx, party, tokens.RefreshToken, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if refreshed.IDTokenClaims.GetSubject() != info.Subject {
		t.Errorf("refreshed: %+v", refreshed.IDTokenClaims)
	}
	client.passed("refresh")
	where, err := rp.EndSession(ctx, party, refreshed.IDToken, "http://app.example/bye", "a state", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(where.String(), "http://app.example/bye?state=a") {
		t.Errorf("logout leads to %s", where)
	}
	client.passed("logout")
	if err := rp.RevokeToken(ctx, party, refreshed.RefreshToken, "refresh_token"); err != nil {
		t.Fatal(err)
	}
	if _, err := rp.RefreshTokens[*zitadel.IDTokenClaims](ctx, party, refreshed.RefreshToken, "", ""); err == nil {
		t.Error("a revoked refresh token still works")
	}
	client.passed("revocation")
	own, err := rp.ClientCredentials(ctx, party, url.Values{})
	if err != nil || s.claims(own.AccessToken)["sub"] != "app" {
		t.Errorf("client credentials: %+v %v", own, err)
	}
	client.passed("client credentials")
}
