package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// post sends a form or, where the body begins a JSON object, JSON.
func post(t *testing.T, address, body string, header ...string) (*http.Response, string) {
	t.Helper()
	return write(t, http.MethodPost, address, body, header...)
}

// put is post with the other method.
func put(t *testing.T, address, body string) (*http.Response, string) {
	t.Helper()
	return write(t, http.MethodPut, address, body)
}

func write(t *testing.T, method, address, body string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

// Flag, environment and file all reach the identity provider.
func TestIdentityProviderSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	text := "acr-value: [basic, \"urn:example:mfa\"]\naccess-token-lifetime: 10m\nid-token-lifetime: 20m\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := serveBinary(t, nil)
	set := serveBinary(t, []string{"MOCKDUKTOR_CONFIG=" + file, "MOCKDUKTOR_DYNAMIC_REGISTRATION=true"}, "--plain-pkce", "--access-token-lifetime", "15m")

	var document struct {
		Registration string   `json:"registration_endpoint"`
		ACRs         []string `json:"acr_values_supported"`
		Challenges   []string `json:"code_challenge_methods_supported"`
	}
	read := func(r *running) {
		t.Helper()
		document.Registration = ""
		_, body := get(t, r.url+"/idp/.well-known/openid-configuration", "")
		if err := json.Unmarshal([]byte(body), &document); err != nil {
			t.Fatal(err)
		}
	}
	read(plain)
	if document.Registration != "" || strings.Join(document.ACRs, " ") != "1 2" || strings.Join(document.Challenges, " ") != "S256" {
		t.Errorf("nothing set: %+v", document)
	}
	metadata := `{"redirect_uris":["http://app.example/cb"],"grant_types":["authorization_code"]}`
	if response, _ := post(t, plain.url+"/idp/register", metadata); response.StatusCode != http.StatusNotFound {
		t.Errorf("registration that is off: %s", response.Status)
	}
	read(set)
	if document.Registration != set.url+"/idp/register" || strings.Join(document.ACRs, " ") != "basic urn:example:mfa" || strings.Join(document.Challenges, " ") != "S256 plain" {
		t.Errorf("set: %+v", document)
	}
	if response, body := post(t, document.Registration, metadata); response.StatusCode != http.StatusCreated {
		t.Errorf("registration: %s %s", response.Status, body)
	}

	// The flag wins over the file; the ID token is as the file says.
	_, body := post(t, set.url+"/_mock/tokens", `{"as":"ada","client_id":"backstage"}`)
	var tokens struct {
		ExpiresIn int    `json:"expires_in"`
		ID        string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(body), &tokens); err != nil || tokens.ExpiresIn != 15*60 {
		t.Fatalf("%v %s", err, body)
	}
	var claims struct {
		IssuedAt, Expires int64
		ACR               string
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.ID, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &struct {
		IssuedAt *int64  `json:"iat"`
		Expires  *int64  `json:"exp"`
		ACR      *string `json:"acr"`
	}{&claims.IssuedAt, &claims.Expires, &claims.ACR}); err != nil {
		t.Fatal(err)
	}
	if claims.Expires-claims.IssuedAt != 20*60 || claims.ACR != "basic" {
		t.Errorf("ID token: %+v", claims)
	}
}

func TestDPoPNonceSetting(t *testing.T) {
	form := url.Values{"grant_type": {"client_credentials"}}.Encode()
	for _, on := range []bool{false, true} {
		arguments := []string{}
		if on {
			arguments = []string{"--dpop-nonce"}
		}
		r := serveBinary(t, nil, arguments...)
		response, body := post(t, r.url+"/idp/token", form, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ci:ci-secret")), "DPoP", "x.y.z")
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, "invalid_dpop_proof") || (response.Header.Get("DPoP-Nonce") != "") != on {
			t.Errorf("on %v: %s %s, nonce %q", on, response.Status, body, response.Header.Get("DPoP-Nonce"))
		}
	}
}

func TestBadIdentitySettingsAreExplained(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	secret := "c2VjcmV0LW1hdGVyaWFs"
	symmetric := write("symmetric.json", `{"kty":"oct","k":"`+secret+`"}`)
	rubbish := write("rubbish.pem", secret)
	long := write("long.pem", strings.Repeat("x", 1<<20+1))
	for name, row := range map[string]struct {
		arguments []string
		want      []string
	}{
		"no such file":   {[]string{"--signing-key", filepath.Join(folder, "none.pem")}, []string{"--signing-key", "none.pem", "no such file"}},
		"a folder":       {[]string{"--signing-key", folder}, []string{"--signing-key " + folder, "cannot be read"}},
		"symmetric":      {[]string{"--signing-key", symmetric}, []string{symmetric, "JWK 1", "oct"}},
		"rubbish":        {[]string{"--signing-key", rubbish}, []string{rubbish, "neither PEM"}},
		"too long":       {[]string{"--signing-key", long}, []string{long, "longer than"}},
		"with random":    {[]string{"--signing-key", rubbish, "--random-keys"}, []string{"--signing-key and --random-keys exclude each other"}},
		"acr":            {[]string{"--acr-value", "two words"}, []string{`--acr-value "two words"`, "without spaces"}},
		"lifetime":       {[]string{"--code-lifetime", "-5s"}, []string{"--code-lifetime", "positive"}},
		"tiny lifetime":  {[]string{"--sign-in-lifetime", "1ms"}, []string{"--sign-in-lifetime", "positive"}},
		"token, offline": {[]string{"token", "--as", "ada", "--offline", "--signing-key", rubbish}, []string{rubbish, "neither PEM"}},
	} {
		arguments := row.arguments
		if arguments[0] != "token" {
			arguments = append([]string{"--listen", "127.0.0.1:0"}, arguments...)
		}
		result := run(t, nil, arguments...)
		if result.code != 1 {
			t.Errorf("%s: exit %d", name, result.code)
		}
		for _, want := range row.want {
			if !strings.Contains(result.errors, want) {
				t.Errorf("%s: %q lacks %q", name, result.errors, want)
			}
		}
		if strings.Contains(result.errors+result.out, secret) {
			t.Errorf("%s: the message quotes the file: %s", name, result.errors)
		}
	}
}
