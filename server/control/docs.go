package control

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/docspage"
)

// docsPath is where this API's own reference is.
const docsPath = "/_mock/docs"

func registerDocs(add adder) {
	add(http.MethodGet, "/_mock/openapi.yaml", documentYAML)
	add(http.MethodGet, "/_mock/openapi.json", documentJSON)
}

// registerPage adds the browsable reference.
func registerPage(e *echo.Echo, resolve func(echo.Context) *Control) {
	page := func(c echo.Context) error {
		prefix := resolve(c).Prefix
		docspage.Page{
			Title: "mockduktor control API", Document: prefix + "/_mock/openapi.json", Base: prefix + docsPath, Inside: docsPath,
		}.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	e.GET(docsPath, page)
	e.GET(docsPath+"/*", page)
}

func documentYAML(c *call) error {
	return c.Blob(http.StatusOK, yamlType, openapi.Mock().YAMLBelow(c.Prefix))
}

func documentJSON(c *call) error {
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, openapi.Mock().JSONBelow(c.Prefix))
}
