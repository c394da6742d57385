package console

import (
	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui/v5emb"
)

// docsPath is where the product shows its browsable API reference: on the
// host's root, not under /api.
const docsPath = "/docs"

// RegisterDocs adds the browsable API reference. Its assets are in the binary.
func RegisterDocs(e *echo.Echo) {
	page := echo.WrapHandler(v5emb.New("Conduktor Console API (mockduktor)", "/public/docs/docs.json", docsPath))
	e.GET(docsPath, page)
	e.GET(docsPath+"/*", page)
}
