package console

import (
	"strconv"

	"github.com/labstack/echo/v4"
)

// maxSpace is the largest space that is kept, in bytes: enough for a list of some
// thousand resources.
const maxSpace = 2 << 20

// space lends memory for a list, to be given back by free once the answer is
// written: lists that grow from nothing each time make most of the garbage.
func (s *Console) space() *[]byte {
	if space, ok := s.spaces.Get().(*[]byte); ok {
		*space = (*space)[:0]
		return space
	}
	space := make([]byte, 0, 4096)
	return &space
}

func (s *Console) free(space *[]byte) {
	if cap(*space) <= maxSpace {
		s.spaces.Put(space)
	}
}

// Blob answers bytes with their length, without which net/http sends all but the
// shortest in chunks.
func (c *call) Blob(status int, media string, body []byte) error {
	c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	return c.Context.Blob(status, media, body)
}
