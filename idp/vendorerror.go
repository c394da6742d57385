package idp

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// keyGrantType is where the token endpoint leaves the grant type for whoever
// words a refusal.
const keyGrantType = "mockduktor.grant_type"

// endpointOf names the endpoint of a request, as refusals do.
func (p *Provider) endpointOf(c echo.Context) string {
	// The path may have lost its beginning on the way here.
	switch path := c.Request().URL.Path; {
	case strings.HasSuffix(path, p.config.Paths.Token):
		return tokenEndpoint
	case strings.HasSuffix(path, p.config.Paths.UserInfo):
		return userInfoEndpoint
	}
	return ""
}

// word puts a refusal into the vendor's words; the reason in our own stays in
// the header.
func (p *Provider) word(c echo.Context, ours *Error, status int) (int, any) {
	r := refusal{status: status}
	grant, _ := c.Get(keyGrantType).(string)
	endpoint := p.endpointOf(c)
	if endpoint == userInfoEndpoint && p.profile.bareUserInfo && status < http.StatusInternalServerError {
		if p.profile.userInfoRefusals != "" {
			return status, p.profile.userInfoRefusals
		}
		return status, nil
	}
	for _, one := range p.profile.refusals {
		if (one.at == "" || one.at == endpoint) && (one.code == "" || one.code == ours.Code) && (one.grant == "" || one.grant == grant) {
			r = one
			if r.status == 0 {
				r.status = status
			}
			break
		}
	}
	code, description := orText(r.newCode, ours.Code), orText(r.newMessage, ascii(ours.Description))
	if p.profile.body != nil && status < http.StatusInternalServerError {
		return r.status, p.profile.body(p, r, code, description)
	}
	return r.status, errorBody{code, description}
}

// errorBody is RFC 6749, section 5.2.
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// entraRefusal has a number before the text and the ids of a request after it.
func entraRefusal(p *Provider, r refusal, code, description string) any {
	number := r.number
	if number == 0 {
		number = 900144
	}
	at := p.now().UTC().Format("2006-01-02 15:04:05Z")
	trace, correlation := guidOf("trace", code+at), guidOf("correlation", code+at)
	return map[string]any{
		"error": code,
		"error_description": "AADSTS" + strconv.Itoa(number) + ": " + description +
			" Trace ID: " + trace + "\r\nCorrelation ID: " + correlation + "\r\nTimestamp: " + at,
		"error_codes": []int{number}, "timestamp": at, "trace_id": trace, "correlation_id": correlation,
		"error_uri": p.base + "/error?code=" + strconv.Itoa(number),
	}
}
