package console

import (
	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// docsPath is where the product shows its browsable API reference: on the
// host's root, not under /api.
const docsPath = "/docs"

// RegisterDocs adds the browsable API reference, whose assets are in the binary.
// prefix is the path before everything where a request arrived.
func RegisterDocs(e *echo.Echo, prefix func(echo.Context) string) {
	page := func(c echo.Context) error {
		v5emb.NewHandlerWithConfig(swgui.Config{
			Title: "Conduktor Console API (mockduktor)", SwaggerJSON: prefix(c) + "/public/docs/docs.json",
			BasePath: prefix(c) + docsPath, InternalBasePath: docsPath,
		}).ServeHTTP(c.Response(), c.Request())
		return nil
	}
	e.GET(docsPath, page)
	e.GET(docsPath+"/*", page)
}
