package console

import (
	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/server/docspage"
)

// docsPath is where the product shows its browsable API reference: on the
// host's root, not under /api.
const docsPath = "/docs"

// RegisterDocs adds the browsable API reference.
// prefix is the path before everything where a request arrived.
func RegisterDocs(e *echo.Echo, prefix func(echo.Context) string) {
	page := func(c echo.Context) error {
		docspage.Page{
			Title: "Conduktor Console API (mockduktor)", Document: prefix(c) + "/public/docs/docs.json", Base: prefix(c) + docsPath, Inside: docsPath,
		}.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	e.GET(docsPath, page)
	e.GET(docsPath+"/*", page)
}
