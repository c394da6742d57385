package seed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// imported loads texts as the files of one folder.
func imported(t *testing.T, files map[string]string) ([]*Document, error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load([]string{"empty", folder}, nil)
}

func specOf(t *testing.T, docs []*Document, kind, name string) map[string]any {
	t.Helper()
	for _, d := range docs {
		if d.Kind == kind && d.Name == name {
			return d.Object["spec"].(map[string]any)
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return nil
}

const realmExport = `{
  "id": "shop", "realm": "shop", "enabled": true,
  "accessTokenLifespan": 300, "ssoSessionMaxLifespan": 36000, "ssoSessionIdleTimeout": 0,
  "groups": [
    {"name": "platform", "path": "/platform", "subGroups": [
      {"name": "kafka", "path": "/platform/kafka", "subGroups": []}
    ]},
    {"name": "sales"}
  ],
  "users": [
    {
      "id": "1d0d6b0e-7c6a-4a0e-9a35-0f5a2f1f7b11", "username": "ines", "enabled": true,
      "email": "ines@shop.example", "emailVerified": true, "firstName": "Ines", "lastName": "Duarte",
      "attributes": {"costCentre": ["42"], "phones": ["1", "2"]},
      "credentials": [{"type": "password", "value": "ines-password"}],
      "realmRoles": ["default-roles-shop", "ops"], "clientRoles": {"portal": ["viewer"]},
      "groups": ["/platform/kafka", "/sales"]
    },
    {"username": "omar", "enabled": false, "credentials": [{"type": "password", "secretData": "{}", "credentialData": "{}"}]},
    {"username": "service-account-portal", "serviceAccountClientId": "portal"}
  ],
  "clients": [
    {"clientId": "account", "publicClient": true, "redirectUris": ["/realms/shop/account/*"]},
    {"clientId": "legacy", "protocol": "saml"},
    {"clientId": "off", "enabled": false},
    {
      "clientId": "portal", "name": "Portal", "secret": "portal-secret", "rootUrl": "http://localhost:7007/", "protocol": "openid-connect",
      "redirectUris": ["/callback", "https://portal.shop.example/callback"], "serviceAccountsEnabled": true, "directAccessGrantsEnabled": true,
      "attributes": {"post.logout.redirect.uris": "+##http://localhost:7007/bye", "pkce.code.challenge.method": "S256"}
    },
    {"clientId": "spa", "publicClient": true, "redirectUris": ["http://localhost:3000/"]}
  ],
  "clientScopes": [
    {"name": "profile", "protocolMappers": [{"protocolMapper": "oidc-usermodel-attribute-mapper", "config": {"claim.name": "x"}}]},
    {"name": "groups", "protocolMappers": [{"protocolMapper": "oidc-group-membership-mapper", "config": {"claim.name": "roles", "full.path": "false"}}]}
  ]
}`

func TestImportsKeycloakRealm(t *testing.T) {
	docs, err := imported(t, map[string]string{"realm-export.json": realmExport, "keycloak.json": `{"realm": "shop", "auth-server-url": "http://localhost", "resource": "portal"}`})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, d := range docs {
		counts[d.Kind]++
	}
	if counts["Provider"] != 1 || counts["Person"] != 2 || counts["Client"] != 2 {
		t.Errorf("%v", counts)
	}
	for _, row := range []struct {
		kind, name string
		want       map[string]any
	}{
		{"Provider", "shop", map[string]any{
			"profile": "keycloak", "realm": "shop", "access_token_lifetime": "300s", "session_lifetime": "36000s",
			"group_names": true, "shape": map[string]any{"groups_claim": "roles"},
		}},
		{"Person", "ines", map[string]any{
			"sub": "1d0d6b0e-7c6a-4a0e-9a35-0f5a2f1f7b11", "email": "ines@shop.example", "email_verified": true, "given_name": "Ines", "family_name": "Duarte",
			"password": "ines-password", "groups": []any{"platform/kafka", "sales"}, "disabled": false,
			"claims": map[string]any{
				"costCentre": "42", "phones": []any{"1", "2"}, "realm_access": map[string]any{"roles": []any{"default-roles-shop", "ops"}},
				"resource_access": map[string]any{"portal": map[string]any{"roles": []any{"viewer"}}},
			},
		}},
		{"Person", "omar", map[string]any{"email_verified": false, "disabled": true}},
		{"Client", "portal", map[string]any{
			"client_name": "Portal", "client_secret": "portal-secret", "require_pkce": true,
			"grant_types":               []any{"authorization_code", "refresh_token", "client_credentials", "password"},
			"redirect_uris":             []any{"http://localhost:7007/callback", "https://portal.shop.example/callback"},
			"post_logout_redirect_uris": []any{"http://localhost:7007/callback", "https://portal.shop.example/callback", "http://localhost:7007/bye"},
		}},
		{"Client", "spa", map[string]any{"grant_types": []any{"authorization_code", "refresh_token"}, "redirect_uris": []any{"http://localhost:3000/"}, "require_pkce": false}},
	} {
		if got := specOf(t, docs, row.kind, row.name); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s %s:\n got %v\nwant %v", row.kind, row.name, got, row.want)
		}
	}
}

// A realm in several files: the users alone make no second provider.
func TestImportsKeycloakUsersFile(t *testing.T) {
	docs, err := imported(t, map[string]string{
		"shop-realm.json":   `{"realm": "shop", "enabled": true, "clients": []}`,
		"shop-users-0.json": `{"realm": "shop", "users": [{"username": "ines", "groups": ["/platform"]}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if groups := specOf(t, docs, "Person", "ines")["groups"]; !reflect.DeepEqual(groups, []any{"platform"}) {
		t.Errorf("groups %v", groups)
	}
	if shape := specOf(t, docs, "Provider", "shop")["shape"]; !reflect.DeepEqual(shape, map[string]any{"groups": "absent"}) {
		t.Errorf("a realm without mapper has shape %v", shape)
	}
}

func TestImportsBackstageCatalog(t *testing.T) {
	docs, err := imported(t, map[string]string{
		"catalog-info.yaml": `apiVersion: backstage.io/v1alpha1
kind: User
metadata:
  name: ines
  namespace: default
  annotations: {shop.example/id: "1"}
spec:
  profile:
    displayName: Ines Duarte
    email: ines@shop.example
    picture: https://shop.example/ines.png
  memberOf: [group:default/platform, sales]
---
apiVersion: backstage.io/v1beta1
kind: Component
metadata: {name: portal}
spec: {type: website, owner: platform}
`,
		"groups.yaml": `apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: oncall}
spec: {type: team, children: [], members: [user:default/ines, sales, user:other/ines]}
`,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"email": "ines@shop.example", "name": "Ines Duarte", "picture": "https://shop.example/ines.png", "groups": []any{"platform", "sales", "oncall"},
	}
	if got := specOf(t, docs, "Person", "ines"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, d := range docs {
		if d.Kind != "Person" && d.Kind != "SigningKey" {
			t.Errorf("%s %s", d.Kind, d.Name)
		}
	}
}

// Faults of an import name the line and column of the source, those that are
// found later too.
func TestImportFaultsHavePlaces(t *testing.T) {
	for _, row := range []struct{ file, text, place, says string }{
		{"realm.json", "{\n \"realm\": \"shop\",\n \"clients\": [\n  {\"clientId\": \"a\", \"secret\": \"s\",\n   \"redirectUris\": [\"http://localhost/*\"]}\n ]\n}", "realm.json:5:21", "has a wildcard"},
		{"realm.json", "{\n \"realm\": \"shop\",\n \"clients\": [\n  {\"clientId\": \"a\", \"secret\": \"**********\", \"redirectUris\": [\"http://localhost/\"]}\n ]\n}", "realm.json:4:3", "masks"},
		{"realm.json", "{\"realm\": \"shop\",\n \"users\": [{\"username\": \"a\",\n  \"email\": 7}]}", "realm.json:3:3", "is not text"},
		{"realm.json", "{\"realm\": \"shop\", \"groups\": [{\"name\": \"a\"}],\n \"users\": [{\"username\": \"a\",\n  \"groups\": [\"/b\"]}]}", "realm.json:3:14", "no group /b"},
		{"realm.json", "{\"realm\": \"shop\",\n \"users\": [{}]}", "realm.json:2:12", "without a username"},
		{"realm.json", "{\"realm\": \"shop\", \"users\": [\"a\"]}", "realm.json:1:29", "is not an object"},
		{"user.yaml", "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {}\n", "user.yaml:3:1", "has no name"},
		{"user.yaml", "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: a}\nspec:\n  memberOf: b\n", "user.yaml:5:3", "is not a list"},
		{"user.yaml", "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: a}\nspec:\n  profile:\n    email: [x]\n", "user.yaml:6:5", "is not text"},
	} {
		_, err := imported(t, map[string]string{row.file: row.text})
		if err == nil || !strings.Contains(err.Error(), row.place+":") || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: got %v, want %s … %s", row.text, err, row.place, row.says)
		}
	}
	docs, err := imported(t, map[string]string{"user.yaml": "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: a}\nspec:\n  profile:\n    email: nobody\n"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if d.Kind != "Person" {
			continue
		}
		for path, place := range map[string]string{"spec.email": ":6:5", "spec.groups[0]": ":4:1", "metadata.name": ":3:12", "spec.claims.x": ":4:1"} {
			if got := d.At(path).String(); !strings.HasSuffix(got, place) {
				t.Errorf("%s is at %s, want %s", path, got, place)
			}
		}
	}
}

// Documents of an import are written back as our own kinds.
func TestImportsAreDocuments(t *testing.T) {
	docs, err := imported(t, map[string]string{"realm.json": realmExport})
	if err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	for _, d := range docs {
		objects = append(objects, d.Object)
	}
	var written strings.Builder
	if err := Encode(&written, objects); err != nil {
		t.Fatal(err)
	}
	again, err := Load([]string{"-"}, strings.NewReader(written.String()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range docs {
		before, _ := json.Marshal(docs[i].Object)
		after, _ := json.Marshal(again[i].Object)
		if string(before) != string(after) {
			t.Errorf("%s\n%s", before, after)
		}
	}
}
