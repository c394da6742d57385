package server

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
)

// A panic in a handler whose answer is held back is still answered.
func TestHeldBackPanic(t *testing.T) {
	for name, handle := range map[string]echo.HandlerFunc{
		"at once":           func(echo.Context) error { panic("x") },
		"after its headers": func(c echo.Context) error { _ = c.NoContent(http.StatusOK); panic("x") },
	} {
		recorder := httptest.NewRecorder()
		c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), recorder)
		err := func() (err error) {
			defer func() {
				if recover() != nil {
					err = errors.New("panic")
				}
			}()
			return (&heldBack{ResponseWriter: recorder}).during(c, handle)
		}()
		if err == nil {
			t.Fatalf("%s: no panic", name)
		}
		if err := c.String(http.StatusInternalServerError, "failed"); err != nil || recorder.Code != http.StatusInternalServerError || recorder.Body.String() != "failed" {
			t.Errorf("%s: %v, %d %q", name, err, recorder.Code, recorder.Body)
		}
	}
}
