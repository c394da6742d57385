package idp

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
)

// claimsRequest is the claims parameter (OpenID Connect Core 1.0, section 5.5).
// Immutable.
type claimsRequest struct {
	UserInfo map[string]*claimWish `json:"userinfo"`
	IDToken  map[string]*claimWish `json:"id_token"`
}

// claimWish is how one claim is asked for; nil: as it is (section 5.5.1). Unknown
// members are passed over.
type claimWish struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// forUserInfo and forIDToken name the two halves.
func forUserInfo(r *claimsRequest) map[string]*claimWish { return r.UserInfo }
func forIDToken(r *claimsRequest) map[string]*claimWish  { return r.IDToken }

// addTo adds the claims that were asked for one by one, whatever the scope. One
// that the person has not, or has with another value than was asked for, is
// left out: that is never an error (section 5.5.1).
func (r *claimsRequest) addTo(ctx context.Context, claims map[string]any, f *facts, half func(*claimsRequest) map[string]*claimWish) error {
	if r == nil || len(half(r)) == 0 {
		return nil
	}
	full := *f
	full.scope = scopeList{scopeOpenID, scopeProfile, scopeEmail, scopeGroups}
	all, err := full.gather(ctx)
	if err != nil {
		return err
	}
	for name, wish := range half(r) {
		_, there := claims[name]
		value, ok := all[name]
		if ok && !there && !f.profile.isFixed(name) && wish.takes(value) {
			claims[name] = value
		}
	}
	return nil
}

// takes tells whether a value is one that was asked for.
func (w *claimWish) takes(value any) bool {
	if w == nil || w.Value == nil && len(w.Values) == 0 {
		return true
	}
	return w.Value != nil && same(w.Value, value) || slices.ContainsFunc(w.Values, func(one any) bool { return same(one, value) })
}

// same compares as JSON does: the person's groups are strings, those of a
// request are anything.
func same(a, b any) bool {
	encoded, err := json.Marshal(b)
	if err != nil {
		return false
	}
	var decoded any
	return json.Unmarshal(encoded, &decoded) == nil && reflect.DeepEqual(a, decoded)
}

// strings gives the values that are strings.
func (w *claimWish) strings() []string {
	if w == nil {
		return nil
	}
	var list []string
	for _, v := range append([]any{w.Value}, w.Values...) {
		if s, ok := v.(string); ok && s != "" {
			list = append(list, s)
		}
	}
	return list
}

// CheckACR says what is wrong with an authentication context class: acr_values
// sets them apart by spaces (OpenID Connect Core 1.0, section 3.1.2.1).
func CheckACR(value string) error {
	if value == "" || !isPrintable(value) {
		return errors.New("an acr is printable ASCII without spaces, such as 2 or urn:example:mfa")
	}
	return nil
}

// readClaimsWishes reads acr_values and claims. Of the latter, sub asks for a
// person (section 5.5.1) and acr for a way to sign in (section 5.5.1.1).
func (p *Provider) readClaimsWishes(request *authorization, q params) error {
	request.acrs = p.knownACRs(strings.Fields(q.get("acr_values")))
	raw := q.get("claims")
	if raw == "" {
		return nil
	}
	asked := new(claimsRequest)
	if err := json.Unmarshal([]byte(raw), asked); err != nil || raw == "null" {
		return refuse(errInvalidRequest, "claims is no JSON object of userinfo and id_token, each an object of claims (OpenID Connect Core 1.0, section 5.5)")
	}
	request.claims = asked
	for _, half := range [...]map[string]*claimWish{asked.IDToken, asked.UserInfo} {
		wanted := half["sub"].strings()
		if len(wanted) == 0 {
			continue
		}
		if len(wanted) > 1 || request.hintedSub != "" && request.hintedSub != wanted[0] {
			return refuse(errInvalidRequest, "claims asks for several values of sub; one person can sign in")
		}
		request.hintedSub = wanted[0]
	}
	acr := asked.IDToken["acr"]
	wanted := acr.strings()
	if len(wanted) == 0 {
		return nil
	}
	known := p.knownACRs(wanted)
	if acr.Essential && len(known) == 0 {
		return refuse(errUnmetAuthentication, "claims has acr as essential with values that cannot be met; there are "+strings.Join(p.config.ACRValues, ", "))
	}
	request.acrs, request.acrEssential = known, acr.Essential
	return nil
}

// knownACRs leaves those that signing in here can count as, in the order asked.
func (p *Provider) knownACRs(asked []string) []string {
	var known []string
	for _, one := range asked {
		if slices.Contains(p.config.ACRValues, one) && !slices.Contains(known, one) {
			known = append(known, one)
		}
	}
	return known
}

// reachedACR is what a sign-in for this request counts as: the first that it
// asks for.
func (p *Provider) reachedACR(request *authorization) string {
	if len(request.acrs) > 0 {
		return request.acrs[0]
	}
	return p.config.ACRValues[0]
}

// whyNotACR says why a session with this acr does not do (RFC 9470, section 5);
// empty if it does. A wish that is not essential keeps nobody from renewing
// silently.
func (r *authorization) whyNotACR(acr string) string {
	if len(r.acrs) == 0 || slices.Contains(r.acrs, acr) || !r.acrEssential && r.prompt.has(promptNone) {
		return ""
	}
	return "the sign-in counts as acr '" + acr + "', and " + strings.Join(r.acrs, " or ") + " is asked for"
}

// methodsOf is the amr (RFC 8176) of a sign-in. A plain one stands for a
// password; whatever asks for more gets what a second factor would give.
func (p *Provider) methodsOf(acr string) []string {
	if acr == p.config.ACRValues[0] {
		return []string{"pwd"}
	}
	return []string{"pwd", "otp", "mfa"}
}
