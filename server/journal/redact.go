package journal

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// redacted stands for what is not shown.
const redacted = "[redacted]"

// secretParts make a name that of a secret wherever they stand in it; letters
// only, so that client_secret, clientSecret and Client-Secret are one.
var secretParts = []string{"password", "passwd", "secret", "token", "assertion", "apikey", "credential", "authorization", "cookie", "jwt", "dpop", "privatekey", "signature", "verifier"}

// secretNames are names of secrets as a whole.
var secretNames = []string{"code", "usercode", "devicecode", "request", "requesturi", "state", "key", "pin", "otp", "auth"}

func isSecret(name string) bool {
	letters := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '-' || r == '.' || r == ' ':
			return -1
		}
		return r
	}, name)
	return slices.Contains(secretNames, letters) ||
		slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(letters, part) })
}

// jwtInText finds tokens inside of other texts: a JSON object in base64url
// begins with eyJ.
var jwtInText = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}(\.[A-Za-z0-9_-]*)+`)

func scrub(text string) string {
	if !strings.Contains(text, "eyJ") {
		return text
	}
	return jwtInText.ReplaceAllString(text, redacted)
}

// idpParameters are the parameters of the identity provider whose values are
// shown: with it, what is not known to be harmless is not.
var idpParameters = []string{
	"acr_values", "audience", "claims", "client_id", "code_challenge", "code_challenge_method", "display", "filter",
	"login_hint", "max_age", "nonce", "post_logout_redirect_uri", "prompt", "redirect_uri", "resource", "response_mode",
	"response_type", "scope", "ui_locales",
}

// showQuery is the query of a request with the values that are known to be
// harmless; the order stays.
func (f *Facts) showQuery(options *Options) string {
	if f.Query == "" {
		return ""
	}
	pairs := strings.Split(f.Query, "&")
	for i, pair := range pairs {
		name, value, given := strings.Cut(pair, "=")
		switch {
		case given && value != "":
			pairs[i] = scrub(name) + "=" + f.showParameter(options, name, value)
		case !given && len(name) > 0 && !f.harmless(options, name):
			pairs[i] = redacted
		}
	}
	return strings.Join(pairs, "&")
}

// harmless tells whether the value of a parameter may be shown: the operation
// has it, and it is none that holds a secret.
func (f *Facts) harmless(options *Options, name string) bool {
	switch {
	case isSecret(name):
		return false
	case f.Surface == IDP:
		return slices.Contains(idpParameters, name)
	}
	return options.HasParameter != nil && options.HasParameter(f.Surface, f.Method, f.Route, name)
}

func (f *Facts) showParameter(options *Options, rawName, raw string) string {
	name, err := url.QueryUnescape(rawName)
	value, valueErr := url.QueryUnescape(raw)
	switch {
	case err != nil, valueErr != nil, !f.harmless(options, name), scrub(value) != value:
		return redacted
	case strings.HasSuffix(name, "redirect_uri"):
		return url.QueryEscape(bare(value))
	}
	return raw
}

// bare is an address without query, fragment and password: these hold codes and
// tokens.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return redacted
	}
	u.User = nil
	if u.RawQuery != "" {
		u.RawQuery = redacted
	}
	if u.Fragment != "" {
		u.Fragment, u.RawFragment = redacted, ""
	}
	text := strings.NewReplacer("%5Bredacted%5D", redacted).Replace(u.String())
	return scrub(text)
}

// shownHeaders are the header fields whose values are shown.
var shownHeaders = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Allow", "Cache-Control", "Connection", "Content-Encoding",
	"Content-Length", "Content-Type", "Date", "Etag", "Host", "If-None-Match", "Origin", "Pragma", "Retry-After",
	"User-Agent", "Vary", "Www-Authenticate", "X-Cdk-Client", "X-Content-Type-Options", "X-Forwarded-Host",
	"X-Forwarded-Proto", "Mock-Reason",
}

func showHeader(name, value string) string {
	switch {
	case name == "Location" || name == "Referer":
		return bare(value)
	case slices.Contains(shownHeaders, name), strings.HasPrefix(name, "Access-Control-"), strings.HasPrefix(name, "Sec-Fetch-"):
		return scrub(value)
	}
	return redacted
}

// showClaims takes out of claims, in place, what is secret.
func showClaims(claims map[string]any, apiKeyClaim string) {
	for name, value := range claims {
		if name == apiKeyClaim && name != "" || isSecretClaim(name) {
			claims[name] = redacted
			continue
		}
		claims[name] = showValue(value)
	}
}

// isSecretClaim passes what tokens say of tokens and what is not secret by
// itself: token_use, typ.
func isSecretClaim(name string) bool {
	return isSecret(name) && name != "token_use" && name != "token_type"
}

func showValue(value any) any {
	switch value := value.(type) {
	case string:
		return scrub(value)
	case map[string]any:
		showClaims(value, "")
	case []any:
		for i := range value {
			value[i] = showValue(value[i])
		}
	}
	return value
}
