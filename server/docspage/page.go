// Package docspage shows an OpenAPI document in Swagger UI, whose assets are in
// the binary.
package docspage

import (
	_ "embed" // the page
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/swaggest/swgui/v5/static"
	"github.com/vearutop/statigz"
)

// Page is the reference of one API.
type Page struct {
	Title    string
	Document string // path of the OpenAPI document in JSON, as the browser sees it
	Base     string // path of the page, as the browser sees it; its assets are below
	Inside   string // path of the page, as the server sees it
}

//go:embed page.html
var source string

var layout = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(source)) })

// assets indexes the files when one is first asked for: it reads all of them.
var assets = sync.OnceValue(func() http.Handler { return statigz.FileServer(static.FS) })

// ServeHTTP answers with the page or, below it, with an asset.
func (p Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.TrimSuffix(r.URL.Path, "/") != p.Inside {
		http.StripPrefix(p.Inside, assets()).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// From here requests are sent with a click: no other page may lay itself over.
	w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'; base-uri 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// What fails from here on is the connection: the template is tested.
	_ = layout().Execute(w, p)
}
