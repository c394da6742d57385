package control

import (
	"net/http"

	"github.com/mockduktor/mockduktor/server/kinds"
)

func registerKeys(add adder) {
	add(http.MethodGet, "/_mock/keys", listKeys)
	add(http.MethodPost, "/_mock/keys/rotate", rotateKeys)
}

// signingKey is a key of the world without its private half.
type signingKey struct {
	Name  string `json:"name"` // of the resource
	Alg   string `json:"alg"`
	Kid   string `json:"kid"`
	Signs bool   `json:"signs"` // the first of its algorithm
}

func listKeys(c *call) error {
	list, signs := []signingKey{}, map[string]bool{}
	for _, resource := range kinds.SigningKeys(c.World.View()) {
		key := resource.Value.(*kinds.SigningKey)
		kid, err := key.ID()
		if err != nil {
			return err
		}
		list = append(list, signingKey{resource.Name, key.Alg, kid, !signs[key.Alg]})
		signs[key.Alg] = true
	}
	return c.JSON(http.StatusOK, list)
}

// rotateKeys puts new keys in force; the old ones are accepted on until they are
// deleted, unless they shall go at once.
func rotateKeys(c *call) error {
	request := struct {
		Alg  string `json:"alg"`
		Keep bool   `json:"keep_old"`
	}{Keep: true}
	if err := c.read(&request); err != nil {
		return err
	}
	if err := c.Engine.RotateKeys(c.World, request.Alg, request.Keep, c.Update); err != nil {
		return err
	}
	return listKeys(c)
}
