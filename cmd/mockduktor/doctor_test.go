package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctor(t *testing.T) {
	r := serveBinary(t, nil)
	address := func(s string) string { return strings.Replace(s, "http://localhost", "http://127.0.0.1", 1) }
	frame := "http://localhost:7007/api/auth/oidc/handler/frame"
	for name, row := range map[string]struct {
		arguments []string
		code      int
		want      []string
	}{
		"well":           {nil, 0, []string{"ok    the issuer is " + r.url + "/idp", "the Console trusts that issuer", "keys at"}},
		"well, client":   {[]string{"--client", "backstage", "--redirect-uri", frame}, 0, []string{"is one of its redirect URIs"}},
		"slash":          {[]string{"--issuer", r.url + "/idp/"}, 1, []string{"differ by a slash", "--issuer " + r.url + "/idp/"}},
		"other issuer":   {[]string{"--issuer", "https://login.acme.example"}, 1, []string{"your issuer is \"https://login.acme.example\"", "--public-url or --issuer"}},
		"other host":     {[]string{"--url", address(r.url)}, 1, []string{"it calls itself " + r.url, "--back-channel-host 127.0.0.1"}},
		"no client":      {[]string{"--client", "backstag"}, 1, []string{`there is no client "backstag"`, "--any-client"}},
		"loopback":       {[]string{"--client", "backstage", "--redirect-uri", address(frame)}, 1, []string{"in the host (localhost and the loopback addresses are different hosts here)", "redirect_uris"}},
		"redirect slash": {[]string{"--client", "backstage", "--redirect-uri", frame + "/"}, 1, []string{"a slash at the end"}},
		"redirect port":  {[]string{"--client", "backstage", "--redirect-uri", strings.Replace(frame, "7007", "7008", 1)}, 1, []string{"the port"}},
		"a port":         {[]string{"--client", "conduktor-cli", "--redirect-uri", "http://127.0.0.1:8123/callback"}, 0, []string{"with a port, which loopback addresses may have"}},
		"elsewhere":      {[]string{"--client", "backstage", "--redirect-uri", "https://evil.example/x"}, 1, []string{"registered are " + frame}},
		"no server":      {[]string{"--url", "http://127.0.0.1:1"}, 1, []string{"does not answer", "start it"}},
	} {
		arguments := row.arguments
		if !strings.Contains(strings.Join(arguments, " "), "--url") {
			arguments = append(arguments, "--url", r.url)
		}
		result := run(t, nil, append([]string{"doctor"}, arguments...)...)
		if result.code != row.code {
			t.Errorf("%s: exit %d, expected %d:\n%s%s", name, result.code, row.code, result.out, result.errors)
		}
		for _, want := range row.want {
			if !strings.Contains(result.out, want) {
				t.Errorf("%s: lacks %q:\n%s", name, want, result.out)
			}
		}
	}

	file := filepath.Join(t.TempDir(), "provider.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: mockduktor/v1\nkind: Provider\nmetadata: {name: acme}\nspec: {profile: keycloak}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	several := serveBinary(t, nil, "--seed", "default", "--seed", file, "--jwt-issuer", "/realms/acme")
	for issuer, want := range map[string]string{several.url + "/realms/acme": "the Console trusts that issuer", several.url + "/idp": "the Console trusts another issuer"} {
		if result := run(t, nil, "doctor", "--url", several.url, "--issuer", issuer); result.code != 0 || !strings.Contains(result.out, want) || !strings.Contains(result.out, "discovery at "+issuer) {
			t.Errorf("%s: exit %d:\n%s", issuer, result.code, result.out)
		}
	}

	apart := serveBinary(t, nil, "--jwt-issuer", "http://127.0.0.1:1/elsewhere")
	if result := run(t, nil, "doctor", "--url", apart.url); result.code != 0 || !strings.Contains(result.out, "trusts another issuer, http://127.0.0.1:1/elsewhere") {
		t.Errorf("another trusted issuer: exit %d:\n%s", result.code, result.out)
	}
}
