package idp

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

const responseTypeCode = "code"

// Response modes: OAuth 2.0 Multiple Response Type Encoding Practices, section
// 2.1, and OAuth 2.0 Form Post Response Mode.
const (
	modeQuery    = "query"
	modeFragment = "fragment"
	modeFormPost = "form_post"
)

// target is where an authorization response goes and how.
type target struct {
	redirectURI string
	mode        string
	state       string
	hasState    bool
}

// pair is one parameter of a response; a list keeps their order.
type pair struct{ Name, Value string }

// respond sends an authorization response.
func (p *Provider) respond(c echo.Context, to target, pairs []pair) error {
	pairs = p.answerPairs(to, pairs)
	noStore(c)
	if to.mode == modeFormPost {
		return p.formPost(c, to.redirectURI, pairs)
	}
	return redirect(c, to.address(pairs))
}

// answerPairs completes the parameters of a response: state goes back as it
// came, iss says who answers (RFC 9207).
func (p *Provider) answerPairs(to target, pairs []pair) []pair {
	if to.hasState {
		pairs = append(pairs, pair{"state", to.state})
	}
	return append(pairs, pair{"iss", p.config.Issuer})
}

// address carries a response, in the query save where the fragment was asked
// for.
func (to target) address(pairs []pair) string {
	if to.mode == modeFragment {
		return to.redirectURI + "#" + encodePairs(pairs)
	}
	return withQuery(to.redirectURI, pairs)
}

// withQuery adds parameters and leaves what is there as it is (RFC 6749,
// section 3.1.2).
func withQuery(uri string, pairs []pair) string {
	separator := "?"
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		separator = "&"
		if last := uri[len(uri)-1]; last == '?' || last == '&' {
			separator = ""
		}
	}
	return uri + separator + encodePairs(pairs)
}

func encodePairs(pairs []pair) string {
	var b strings.Builder
	for i, one := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(one.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(one.Value))
	}
	return b.String()
}

// redirect never repeats a POST, which may hold a password (RFC 9700, section
// 4.12).
func redirect(c echo.Context, uri string) error {
	status := http.StatusFound
	if c.Request().Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	return c.Redirect(status, uri)
}
