package server

import (
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"
)

// front is the page for whoever opens the server in a browser: where things are.
func (s *Server) front(c echo.Context) error {
	site := s.sites.siteOf(c)
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	c.Response().Header().Set("X-Content-Type-Options", "nosniff")
	c.Response().WriteHeader(http.StatusOK)
	return frontPage.Execute(c.Response(), map[string]string{"URL": site.URL, "Issuer": site.Provider.Issuer()})
}

var frontPage = template.Must(template.New("front").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mockduktor</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
code { font-size: .95em; }
dt { font-weight: 600; margin-top: 1rem; }
dd { margin: 0; }
small { opacity: .8; }
</style>
</head>
<body>
<main>
<h1>mockduktor</h1>
<p>A stand-in for Conduktor Console and for the identity provider in front of it.</p>
<dl>
<dt>Console API</dt><dd><code>{{.URL}}/api</code></dd>
<dt>API reference</dt><dd><a href="{{.URL}}/docs">/docs</a>, as a file <a href="{{.URL}}/public/docs/docs.yaml">docs.yaml</a></dd>
<dt>Issuer</dt><dd><code>{{.Issuer}}</code>, <a href="{{.Issuer}}/.well-known/openid-configuration">its discovery document</a></dd>
<dt>Setting the scene</dt><dd><a href="{{.URL}}/_mock/docs">/_mock/docs</a></dd>
<dt>Health</dt><dd><a href="{{.URL}}/api/health/ready">/api/health/ready</a></dd>
</dl>
<p><small>An independent emulator, not a product of Conduktor.</small></p>
</main>
</body>
</html>
`))
