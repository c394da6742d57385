package idp_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// party is a client of the README's matrix. What it has been seen to do is
// written to the file that MOCKDUKTOR_MATRIX names, if it names one.
type party struct {
	t        testing.TB
	features []string
}

// newParty names a client and the module that it is of.
func newParty(t testing.TB, client, module string) *party {
	t.Helper()
	p := &party{t: t}
	matrix := os.Getenv("MOCKDUKTOR_MATRIX")
	if matrix == "" {
		return p
	}
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", module).Output()
	if err != nil {
		t.Fatalf("version of %s: %v", module, err)
	}
	t.Cleanup(func() {
		line, err := json.Marshal(map[string]any{"client": client, "version": strings.TrimSpace(string(version)), "features": p.features})
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(matrix, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatalf("MOCKDUKTOR_MATRIX: %v", err)
		}
		defer file.Close()
		if _, err := file.Write(append(line, '\n')); err != nil {
			t.Fatalf("MOCKDUKTOR_MATRIX: %v", err)
		}
	})
	return p
}

// passed notes features that the test has shown by now, if nothing has failed.
func (p *party) passed(features ...string) {
	if !p.t.Failed() {
		p.features = append(p.features, features...)
	}
}

const (
	goOIDCModule  = "github.com/coreos/go-oidc/v3"
	oauth2Module  = "golang.org/x/oauth2"
	zitadelModule = "github.com/zitadel/oidc/v3"
)
