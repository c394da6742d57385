package idp

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// Person is someone who can sign in. The claim names are those of OpenID
// Connect Core 1.0, section 5.1.
type Person struct {
	// Login is what the person types, unique and case-sensitive; it is also
	// the preferred_username claim.
	Login string
	// Sub is the subject identifier in every token.
	Sub string
	// Email may be empty: then neither email nor email_verified is claimed.
	Email         string
	EmailVerified bool
	// Name is the full name; never empty after ParsePerson.
	Name, GivenName, FamilyName string
	// Picture is a URL.
	Picture string
	// Password is plain text: this is a mock. Empty: no sign-in by password.
	Password string
	// Groups is the groups claim.
	Groups []string
	// Claims are further claims of every token and of userinfo.
	Claims map[string]any
	// Disabled people are known but cannot sign in, and their tokens stop.
	Disabled bool
}

// ParsePerson reads a Person document (apiVersion mockduktor/v1). The person
// is usable only if there is no problem.
func ParsePerson(resource map[string]any) (*Person, []Problem) {
	var problems []Problem
	login, spec := specOf(resource, &problems)
	p := &Person{
		Login:         login,
		Sub:           spec.text("sub"),
		Email:         spec.text("email"),
		EmailVerified: spec.boolean("email_verified", true),
		Name:          spec.text("name"),
		GivenName:     spec.text("given_name"),
		FamilyName:    spec.text("family_name"),
		Picture:       spec.text("picture"),
		Password:      spec.text("password"),
		Groups:        spec.list("groups"),
		Claims:        spec.claims("claims"),
		Disabled:      spec.boolean("disabled", false),
	}
	spec.unknown()
	if p.Email != "" {
		if at := strings.LastIndexByte(p.Email, '@'); at < 1 || at == len(p.Email)-1 || strings.ContainsAny(p.Email, " \t\r\n") {
			spec.report("email", "is no e-mail address: %q", p.Email)
		}
	}
	if len(p.Sub) > 255 {
		spec.report("sub", "must be at most 255 characters long (OpenID Connect Core 1.0, section 2)")
	}
	if p.Sub == "" {
		p.Sub = SubjectOf(login)
	}
	if p.Name == "" {
		p.Name = strings.TrimSpace(p.GivenName + " " + p.FamilyName)
	}
	if p.Name == "" {
		p.Name = login
	}
	return p, problems
}

// subjectNamespace is the UUIDv5 (RFC 9562, section 5.5) namespace of logins;
// drawn once at random and fixed, for subjects have to survive everything.
var subjectNamespace = [16]byte{
	0x9d, 0x4f, 0x1c, 0x2e, 0x7a, 0x61, 0x4b, 0x0d, 0x8e, 0x35, 0xc4, 0x5b, 0x17, 0xe0, 0x6a, 0x92,
}

// SubjectOf is the sub of a person whose document gives none: the UUIDv5 of
// the login, the same on every machine and after every restart.
func SubjectOf(login string) string {
	h := sha1.New()
	h.Write(subjectNamespace[:])
	h.Write([]byte(login))
	return uuid5(h.Sum(nil))
}

// uuid5 writes a SHA-1 sum as a UUIDv5.
func uuid5(sum []byte) string {
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	s := hex.EncodeToString(u)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// hasPassword compares in constant time and refuses the empty password.
func (p *Person) hasPassword(password string) bool {
	return sameSecret(p.Password, password) && p.Password != ""
}

// sameSecret compares in a time that depends on neither content nor length of
// what was kept.
func sameSecret(kept, given string) bool {
	a, b := sha256.Sum256([]byte(kept)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
