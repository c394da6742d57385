package idp_test

import (
	"context"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/zitadel/oidc/v3/pkg/client/profile"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/client/tokenexchange"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"
)

// running is a site whose clock is the machine's, for libraries that read that.
func running(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.world.Clock.Set(time.Now())
	s.world.Clock.Run()
	return s
}

func TestOAuth2Device(t *testing.T) {
	client := newParty(t, "golang.org/x/oauth2", oauth2Module)
	s := newSite(t)
	s.deviceClient()
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: "tv", Endpoint: provider.Endpoint(), Scopes: []string{"openid", "email"}}
	if config.Endpoint.DeviceAuthURL != s.issuer+"/device_authorization" {
		t.Fatalf("discovered %q", config.Endpoint.DeviceAuthURL)
	}
	device, err := config.DeviceAuth(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.press(b.open(device.VerificationURIComplete), "sign-in-ada")
	device.Interval = 1
	device.Expiry = time.Now().Add(time.Minute) // the library compares it with the machine's clock
	token, err := config.DeviceAccessToken(ctx, device)
	if err != nil {
		t.Fatal(err)
	}
	id := verified(t, provider.Verifier(&oidc.Config{ClientID: "tv", Now: s.world.Clock.Now}), token)
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != id.Subject || info.Email != "ada@example.com" {
		t.Errorf("%+v %v", info, err)
	}
	client.passed("device")
}

func TestZitadelDevice(t *testing.T) {
	client := newParty(t, "zitadel/oidc", zitadelModule)
	s := running(t)
	s.deviceClient()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	party, err := rp.NewRelyingPartyOIDC(ctx, s.issuer, "tv", "", "", []string{"openid", "email"})
	if err != nil {
		t.Fatal(err)
	}
	device, err := rp.DeviceAuthorization(ctx, []string{"openid", "email"}, party, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.press(b.open(device.VerificationURIComplete), "sign-in-bob")
	tokens, err := rp.DeviceAccessToken(ctx, device.DeviceCode, time.Second, party)
	if err != nil {
		t.Fatal(err)
	}
	id, err := rp.VerifyTokens[*zitadel.IDTokenClaims](ctx, tokens.AccessToken, tokens.IDToken, party.IDTokenVerifier())
	if err != nil || id.Email != "bob@example.com" {
		t.Errorf("%+v %v", id, err)
	}
	client.passed("device")
}

func TestOAuth2ClientCredentials(t *testing.T) {
	client := newParty(t, "golang.org/x/oauth2", oauth2Module)
	s := newSite(t)
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams, oauth2.AuthStyleAutoDetect} {
		config := clientcredentials.Config{ClientID: "app", ClientSecret: "s3cret+/%", TokenURL: s.issuer + "/token", Scopes: []string{"reports"}, AuthStyle: style}
		token, err := config.Token(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if s.claims(token.AccessToken)["scope"] != "reports" {
			t.Errorf("%v", s.claims(token.AccessToken))
		}
	}
	client.passed("client credentials")
}

func TestOAuth2JWTBearer(t *testing.T) {
	client := newParty(t, "golang.org/x/oauth2", oauth2Module)
	s := running(t)
	key := newSigner(t, "RS256")
	s.client("robot", map[string]any{"jwks": key.jwks(), "grant_types": []any{bearerGrant}})
	config := jwt.Config{Email: "robot", Subject: "ada", PrivateKey: []byte(pemOf(t, key.key)), TokenURL: s.issuer + "/token", Scopes: []string{"email"}, PrivateKeyID: "one"}
	token, err := config.TokenSource(context.Background()).Token()
	if err != nil {
		t.Fatal(err)
	}
	if s.claims(token.AccessToken)["email"] != "ada@example.com" {
		t.Errorf("%v", s.claims(token.AccessToken))
	}
	client.passed("JWT bearer")
}

func TestZitadelJWTProfile(t *testing.T) {
	client := newParty(t, "zitadel/oidc", zitadelModule)
	s := running(t)
	key := newSigner(t, "RS256")
	s.client("robot", map[string]any{"jwks": key.jwks(), "grant_types": []any{bearerGrant}})
	ctx := context.Background()
	source, err := profile.NewJWTProfileTokenSource(ctx, s.issuer, "robot", "one", []byte(pemOf(t, key.key)), []string{"openid"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.TokenCtx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s.claims(token.AccessToken)["sub"] != "robot" {
		t.Errorf("%v", s.claims(token.AccessToken))
	}
	// The same key introspects, by private_key_jwt.
	server, err := rs.NewResourceServerJWTProfile(ctx, s.issuer, "robot", "one", []byte(pemOf(t, key.key)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := rs.Introspect[*zitadel.IntrospectionResponse](ctx, server, token.AccessToken)
	if err != nil || !got.Active || got.ClientID != "robot" {
		t.Errorf("%+v %v", got, err)
	}
	client.passed("JWT bearer", "private_key_jwt")
}

func TestZitadelExchangeAndIntrospection(t *testing.T) {
	client := newParty(t, "zitadel/oidc", zitadelModule)
	s := running(t)
	s.exchangeClient()
	ctx := context.Background()
	access := s.redeem(s.browser().signIn("ada"))["access_token"].(string)
	exchanger, err := tokenexchange.NewTokenExchangerClientCredentials(ctx, s.issuer, "gateway", "x")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tokenexchange.ExchangeToken(ctx, exchanger, access, zitadel.AccessTokenType, access, zitadel.AccessTokenType,
		nil, []string{"https://console.example"}, []string{"openid", "email"}, zitadel.AccessTokenType)
	if err != nil {
		t.Fatal(err)
	}
	if got.IssuedTokenType != zitadel.AccessTokenType || got.TokenType != "Bearer" {
		t.Errorf("%+v", got)
	}
	server, err := rs.NewResourceServerClientCredentials(ctx, s.issuer, "gateway", "x")
	if err != nil {
		t.Fatal(err)
	}
	active, err := rs.Introspect[*zitadel.IntrospectionResponse](ctx, server, got.AccessToken)
	if err != nil || !active.Active || active.Username != "ada" || active.Audience[0] != "https://console.example" || active.Actor == nil || active.Expiration.AsTime().Before(time.Now()) {
		t.Errorf("%+v %v", active, err)
	}
	gone, err := rs.Introspect[*zitadel.IntrospectionResponse](ctx, server, "rubbish")
	if err != nil || gone.Active {
		t.Errorf("%+v %v", gone, err)
	}
	client.passed("token exchange", "introspection")
}

// Signed userinfo with go-oidc, which checks the signature itself.
func TestGoOIDCSignedUserInfo(t *testing.T) {
	s := newSite(t)
	s.client("app", map[string]any{"client_secret": "s3cret+/%", "redirect_uris": []any{callback}, "userinfo_signed_response_alg": "RS256"})
	ctx := context.Background()
	provider, err := oidc.NewProvider(ctx, s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	access := s.redeem(s.browser().signIn("ada"))["access_token"].(string)
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: access}))
	if err != nil || info.Email != "ada@example.com" || !info.EmailVerified {
		t.Errorf("%+v %v", info, err)
	}
}
