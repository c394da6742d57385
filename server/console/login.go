package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// loginAnswer is what POST /login gives; either token is accepted as a bearer,
// since the product's own text tells people to use the refresh token.
type loginAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
}

// login signs a user in by password: the root admin, a local user, or anybody
// whom the built-in directory knows, as Console does with LDAP.
func login(c *call) error {
	object, err := c.body()
	username, password := text(object["username"]), text(object["password"])
	if err := c.enter(username); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	for _, field := range []string{"username", "password"} {
		if text(object[field]) == "" {
			return &kinds.Error{Code: kinds.Invalid, Field: field, Message: "Invalid value for: body (expected a text at '" + field + "')"}
		}
	}
	who, err := c.checkPassword(username, password)
	if err != nil {
		return err
	}
	answer := loginAnswer{TokenType: "Bearer", ExpiresIn: c.Settings.SessionLifetime}
	if answer.AccessToken, answer.RefreshToken, err = c.openSession(who); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

// openSession signs a user in and gives two bearer tokens of the session.
func (s *Console) openSession(who passwordUser) (access, refresh string, err error) {
	err = s.World.Update(func(tx *store.Tx) error {
		until := tx.Now().Add(time.Duration(s.Settings.SessionLifetime) * time.Second)
		if err := s.Engine.SignedIn(tx, who.email, who.firstName, who.lastName); err != nil {
			return err
		}
		if who.directory {
			if err := s.mapGroups(tx, who.email, who.groups); err != nil {
				return err
			}
			if err := noteGroups(tx, who.email, who.groups, until); err != nil {
				return err
			}
		}
		for _, token := range []*string{&access, &refresh} {
			secret := make([]byte, 32)
			if _, err := rand.Read(secret); err != nil {
				return fmt.Errorf("make a session: %w", err)
			}
			*token = base64.RawURLEncoding.EncodeToString(secret)
			digest := sha256.Sum256([]byte(*token))
			if err := tx.PutRecord(store.Record{Kind: recordSession, ID: hex.EncodeToString(digest[:]),
				Expires: until, Value: who.email}); err != nil {
				return err
			}
		}
		return nil
	})
	return access, refresh, err
}

// Assume signs somebody in without a credential, as a token with this e-mail
// address and these external groups would; nil groups leave the memberships as
// they are. It gives a bearer token.
func (s *Console) Assume(email string, groups []string) (string, error) {
	token, _, err := s.openSession(passwordUser{email: email, groups: groups, directory: groups != nil})
	return token, err
}

// passwordUser is somebody whose password was right.
type passwordUser struct {
	email, firstName, lastName string
	groups                     []string
	directory                  bool // known with groups, so these are mapped
}

func (s *Console) checkPassword(username, password string) (passwordUser, error) {
	local := append([]LocalUser{{s.Settings.AdminEmail, s.Settings.AdminPassword}}, s.Settings.LocalUsers...)
	for _, user := range local {
		// Compared also where the name is another's, so that each sign-in takes the
		// same way.
		if right := same(user.Password, password); right && strings.EqualFold(user.Email, username) {
			return passwordUser{email: user.Email}, nil
		}
	}
	person, known := kinds.FindPerson(s.World.View(), username)
	kept := "\x00 nobody's"
	if known {
		kept = person.Password
	}
	switch right := same(kept, password); {
	case !known:
		return passwordUser{}, refuse("wrong user or password: nobody has the login or e-mail %q", username)
	case !right:
		return passwordUser{}, refuse("wrong user or password: %q exists, the password is another", username)
	case person.Disabled:
		return passwordUser{}, refuse("%q is disabled", username)
	case !kinds.IsEmail(person.Email):
		return passwordUser{}, refuse("%q has no e-mail address, which a Console user needs", username)
	}
	return passwordUser{email: person.Email, firstName: person.GivenName, lastName: person.FamilyName,
		groups: person.Groups, directory: true}, nil
}

// same compares secrets in a time that tells nothing of either.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return a != "" && subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
