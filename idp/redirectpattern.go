package idp

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// RedirectPattern stands for redirect URIs that cannot be known ahead, such as
// those of preview deployments. A client has patterns only where its document
// asks for them: RFC 9700, section 2.1, wants redirect URIs compared exactly.
type RedirectPattern struct {
	text string
	find *regexp.Regexp
}

// wild is what * stands for: some text within one label of the host or one
// segment of the path. No character in it can end the host or lead elsewhere.
const wild = `[A-Za-z0-9_-]+`

// ParseRedirectPattern reads an http or https address in whose host and path *
// may stand. The end of the host has to be spelled out, two labels of it or
// localhost, so that a pattern cannot name everybody's. The error says what is
// expected.
func ParseRedirectPattern(text string) (RedirectPattern, error) {
	// A star is no more than a letter to the parser, except in a port.
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return RedirectPattern{}, errors.New("is no URI")
	case !isWeb(u) || u.Host == "":
		return RedirectPattern{}, errors.New("must begin with http:// or https:// and a host")
	case !strings.Contains(text, "*"):
		return RedirectPattern{}, errors.New("has no *; put it into redirect_uris")
	case u.User != nil || strings.ContainsAny(text, "?#\\") || !isPrintable(text):
		return RedirectPattern{}, errors.New("must have neither user, query, fragment nor backslash")
	case strings.Contains(u.Port(), "*") || strings.Contains(u.Scheme, "*"):
		return RedirectPattern{}, errors.New("may have * in its host and path only")
	}
	labels := strings.Split(u.Hostname(), ".")
	spelled := labels[max(0, len(labels)-2):]
	if labels[len(labels)-1] == "localhost" {
		spelled = labels[len(labels)-1:]
	}
	if strings.Contains(u.Hostname(), "*") && (len(spelled) < 2 && spelled[0] != "localhost" || strings.Contains(strings.Join(spelled, "."), "*")) {
		return RedirectPattern{}, errors.New("must spell the end of its host out, as in https://*.preview.example/callback")
	}
	expression := strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, wild)
	find, err := regexp.Compile(`\A` + expression + `\z`)
	if err != nil {
		return RedirectPattern{}, errors.New("is not UTF-8 text")
	}
	return RedirectPattern{text: text, find: find}, nil
}

// String is the pattern as it was written.
func (p RedirectPattern) String() string { return p.text }

// Matches tells whether a redirect URI is one of those that the pattern stands for.
func (p RedirectPattern) Matches(uri string) bool { return p.find.MatchString(uri) }

// patterns reads a list of them, with what is wrong about each.
func (f *fields) patterns(name string) []RedirectPattern {
	var list []RedirectPattern
	for i, text := range f.list(name) {
		pattern, err := ParseRedirectPattern(text)
		if err != nil {
			f.report(fmt.Sprintf("%s[%d]", name, i), "%q %s", text, err)
			continue
		}
		list = append(list, pattern)
	}
	return list
}
